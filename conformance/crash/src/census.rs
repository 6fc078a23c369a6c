//! Where every VF is.

use std::iter;

use anyhow::{Context, Result, ensure};
use linux::{Ethtool, Features, Link, Netlink};

use node::{Namespace, Node, Vf};

/// All VFs of a node, in its order, and the links of its host.
#[derive(Debug)]
pub struct Census {
    /// Where each VF is.
    pub vfs: Vec<ObservedVf>,
    /// The links of the host.
    pub host: Vec<Link>,
    /// All links that are no VFs, but `lo`.
    pub others: Vec<(Place, Link)>,
}

/// A VF as it was seen.
#[derive(Clone, Debug)]
pub struct ObservedVf {
    /// Where.
    pub place: Place,
    /// What it looks like there.
    pub link: Link,
    /// Its features; none where the kernel does not tell.
    pub features: Option<Features>,
}

/// Where a VF is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the host's namespace.
    Host,
    /// In the namespace of this one of the pods that were looked into.
    Pod(usize),
}

impl Census {
    /// Looks into the host and these namespaces. `representors` are the indices of the VFs' other ends on the card:
    /// by them a VF is known wherever it is and whatever it is called.
    ///
    /// # Errors
    /// When a VF is nowhere, or netlink fails.
    pub(super) fn take(node: &Node, representors: &[u32], pods: &[&Namespace]) -> Result<Self> {
        let namespaces: Vec<_> = iter::once((Place::Host, node.host()))
            .chain(pods.iter().enumerate().map(|(number, pod)| (Place::Pod(number), *pod)))
            .collect();
        let places = namespaces.iter().map(|(at, namespace)| Ok((*at, links(namespace)?)));
        let mut places: Vec<(Place, Vec<Link>)> = places.collect::<Result<_>>()?;
        let find = |vf: &Vf, representor: u32| {
            let seen = places.iter().flat_map(|(at, links)| links.iter().map(move |link| (*at, link, links)));
            let mut found = seen
                .filter(|(_, link, others)| is(vf, representor, link, others))
                .map(|(at, link, _)| (at, link));
            let (place, link) = found
                .next()
                .with_context(|| format!("VF {} is lost: it is in none of {places:?}", vf.device_id()))?;
            ensure!(found.next().is_none(), "VF {} is in two places", vf.device_id());
            let inside = namespaces.iter().find(|(at, _)| *at == place);
            let features = inside.map(|(_, inside)| features(inside, link.index)).transpose()?.flatten();
            Ok(ObservedVf { place, link: link.clone(), features })
        };
        let vfs = node.vfs().iter().zip(representors).map(|(vf, &representor)| find(vf, representor));
        let vfs = vfs.collect::<Result<Vec<ObservedVf>>>()?;
        let is_other =
            |at: &Place, link: &Link| !vfs.iter().any(|vf| vf.place == *at && vf.link.index == link.index);
        let others = places
            .iter()
            .flat_map(|(at, links)| {
                links.iter().filter(|link| is_other(at, link)).map(|link| (*at, link.clone()))
            })
            .collect();
        Ok(Census { host: places.swap_remove(0).1, others, vfs })
    }

    /// The links of the host that are no VFs.
    pub(super) fn host_others(&self) -> Vec<Link> {
        let on_host = self.others.iter().filter(|(at, _)| *at == Place::Host);
        on_host.map(|(_, link)| link.clone()).collect()
    }
}

/// Whether a link is this VF: the other end of its representor, or, where it is real, of its address on the bus. `others`
/// are the links of its namespace.
fn is(vf: &Vf, representor: u32, link: &Link, others: &[Link]) -> bool {
    // The other end of a pod's own pair has a number that a representor may have on the card.
    let is_here = |end: &Link| Some(end.index) == link.peer && end.peer == Some(link.index);
    match &link.parent {
        Some(parent) => *parent == vf.device_id(),
        None => {
            link.kind.as_deref() == Some("veth")
                && link.peer == Some(representor)
                && !others.iter().any(is_here)
        }
    }
}

fn links(namespace: &Namespace) -> Result<Vec<Link>> {
    let links = Netlink::inside(namespace.netns())?.links()?;
    Ok(links.into_iter().filter(|link| link.name != "lo").collect())
}

fn features(namespace: &Namespace, index: u32) -> Result<Option<Features>> {
    let ethtool = Ethtool::inside(namespace.netns())?;
    Ok(ethtool.map(|ethtool| ethtool.features(index)).transpose()?.flatten())
}
