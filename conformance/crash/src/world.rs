//! A node under crash test, and the three states in which it is judged.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result, ensure};
use linux::{Link, Netlink};

use super::census::{Census, ObservedVf, Place};
use super::defaults::{self, Allowed};
use super::imprint;
use super::invariant::{self, Case};
use super::records::{Held, Records};
use node::{Namespace, Node, Pod};

/// A node, and how it was before any plugin was run.
pub struct World {
    /// The node.
    pub node: Node,
    /// As the card has made them, and as administrators have changed them.
    plain: Vec<ObservedVf>,
    homes: RefCell<Vec<ObservedVf>>,
    representors: Vec<u32>,
    /// The links of the host that are no VFs.
    others: Vec<Link>,
}

impl World {
    /// Gives the VFs of `node` what administrators give theirs, and notes how they are.
    ///
    /// # Errors
    /// When the links of the node cannot be changed or read.
    pub fn new(node: Node) -> Result<Self> {
        let card = Netlink::inside(node.card().netns())?;
        let mut representors = Vec::new();
        for vf in node.vfs() {
            let link = card.link(&vf.representor)?;
            representors.push(link.with_context(|| format!("no representor of {}", vf.device_id()))?.index);
        }
        let plain = Census::take(&node, &representors, &[])?.vfs;
        let mut world = World { node, plain, homes: RefCell::default(), representors, others: Vec::new() };
        world.others = world.dress()?.host_others();
        Ok(world)
    }

    /// The same for VFs that the card has made anew, all of them at home.
    ///
    /// # Errors
    /// As for [`World::new`].
    pub fn dress(&self) -> Result<Census> {
        let node = &self.node;
        for vf in node.vfs() {
            let name = &vf.name;
            match vf.index % 3 {
                0 => node.change_host(&format!(
                    "link set {name} alias spare\nlink property add dev {name} altname {name}-a altname {name}-b"
                ))?,
                1 => node.change_host(&format!("link set {name} promisc on mtu 1600"))?,
                _ => {}
            }
        }
        let census = Census::take(node, &self.representors, &[])?;
        self.homes.replace(census.vfs.clone());
        Ok(census)
    }

    /// Notes that the card has made all VFs anew, wherever they are by now, and that nobody has changed them.
    ///
    /// # Errors
    /// When an address is none.
    pub fn undress(&self) -> Result<()> {
        let made = self.plain.iter().zip(self.node.vfs()).map(|(plain, vf)| {
            let mut made = plain.clone();
            made.link.mac = Some(self.node.mac_at_home(vf).parse()?);
            Ok(made)
        });
        self.homes.replace(made.collect::<Result<_>>()?);
        Ok(())
    }

    /// How the VF of this number is at home.
    pub fn home(&self, vf: usize) -> Link {
        self.homes.borrow()[vf].link.clone()
    }

    /// Where every VF is, with these pods looked into.
    ///
    /// # Errors
    /// When one is in none of them and not at home.
    pub fn census(&self, pods: &[&Pod]) -> Result<Census> {
        Census::take(&self.node, &self.representors, &namespaces(pods))
    }

    /// A call has been killed just now.
    ///
    /// # Errors
    /// The first VF that has changed without a record that tells how it was.
    pub fn interrupted(&self, pods: &[&Pod]) -> Result<()> {
        self.judge(pods, Allowed::Kept, |_, case| case.interrupted()).map(|_| ())
    }

    /// Nothing is under way, and the last call has succeeded.
    ///
    /// # Errors
    /// The first VF that is neither at home, nor waiting for its name, nor in the pod of its record.
    pub fn settled(&self, pods: &[&Pod]) -> Result<()> {
        self.judge(pods, Allowed::Never, |_, case| case.settled()).map(|_| ())
    }

    /// Nothing is under way, but these VFs have been touched by something that was killed or died: they are as after
    /// [`World::interrupted`], all others as after [`World::settled`].
    ///
    /// # Errors
    /// The first VF that is not as it has to be.
    pub fn settled_but(&self, pods: &[&Pod], torn: impl Fn(usize) -> bool) -> Result<(Census, Records)> {
        self.judge(pods, Allowed::Kept, |vf, case| if torn(vf) { case.interrupted() } else { case.settled() })
    }

    /// Everything is over.
    ///
    /// # Errors
    /// The first VF that is not at home, or what is left in the state directory.
    pub fn clean(&self, pods: &[&Pod]) -> Result<()> {
        let (census, records) = self.judge(pods, Allowed::Never, |_, case| case.settled())?;
        let away = census.vfs.iter().position(|seen| seen.place != Place::Host);
        ensure!(
            away.is_none(),
            "VF {} is not at home",
            away.map_or("", |at| self.node.vfs()[at].device_id())
        );
        invariant::clean(&records, &census, &self.others)
    }

    fn judge(
        &self,
        pods: &[&Pod],
        defaults: Allowed,
        judge: impl Fn(usize, &Case<'_>) -> Result<()>,
    ) -> Result<(Census, Records)> {
        let census = self.census(pods)?;
        let records = Records::read(self.node.root())?;
        let namespaces = namespaces(pods);
        defaults::judge(&self.node, &namespaces, defaults)?;
        for (number, (vf, home)) in self.node.vfs().iter().zip(self.homes.borrow().iter()).enumerate() {
            let record = records.holder(vf.device_id());
            let held = record.and_then(|record| record.devices.iter().find(|held| held.id == vf.device_id()));
            let expected = records.expected(vf.device_id()).filter(|held| !self.is_of_another(held));
            // Of another function at its address, which is gone, it may say what it likes.
            let lost = held.is_some_and(|held| self.is_of_another(held));
            let recorded = held.filter(|_| !lost).or(expected).and_then(|held| held.home.as_ref());
            let seen = &census.vfs[number];
            let is_expected = expected.is_some();
            let (census, pods) = (&census, &namespaces);
            let case = Case { seen, home, record, recorded, is_expected, lost, census, pods };
            judge(number, &case)
                .with_context(|| format!("VF {}, {} in {:?}", vf.device_id(), seen.link.name, seen.place))?;
        }
        Ok((census, records))
    }

    fn is_of_another(&self, held: &Held) -> bool {
        let directory = self.node.root().join("sys/bus/pci/devices").join(&held.id);
        let now = fs::metadata(directory).ok().map(|directory| directory.ino());
        held.incarnation.zip(now).is_some_and(|(was, is)| was != is)
    }

    /// What there is to go on from, in words: where they are the same, so is whatever happens next.
    ///
    /// # Errors
    /// When a VF is nowhere, or a file cannot be read.
    pub fn imprint(&self, pods: &[&Pod]) -> Result<String> {
        imprint::imprint(&self.node, &self.census(pods)?, &self.homes.borrow(), pods)
    }

    /// Makes the node's sysfs say what the kernel's would: a VF's name where it is on the host, else nothing.
    ///
    /// # Errors
    /// When a VF is nowhere, or the tree cannot be written.
    pub fn mirror_sysfs(&self, pods: &[&Pod]) -> Result<()> {
        self.mirror(&self.census(pods)?)
    }

    /// Makes the node's sysfs name a VF as at home, which it is about to be.
    ///
    /// # Errors
    /// When the tree cannot be written.
    pub fn show(&self, vf: usize) -> Result<()> {
        let vf = &self.node.vfs()[vf];
        let device = self.node.root().join("sys/bus/pci/devices").join(vf.device_id());
        Ok(fs::create_dir_all(device.join("net").join(&vf.name))?)
    }

    /// The same for VFs that have just been looked for.
    ///
    /// # Errors
    /// When the tree cannot be written.
    pub fn mirror(&self, census: &Census) -> Result<()> {
        for (vf, seen) in self.node.vfs().iter().zip(&census.vfs) {
            let net = self.node.root().join("sys/bus/pci/devices").join(vf.device_id()).join("net");
            let name = net.join(&seen.link.name);
            if seen.place == Place::Host && name.is_dir() {
                continue;
            }
            if net.exists() {
                fs::remove_dir_all(&net)?;
            }
            if seen.place == Place::Host {
                fs::create_dir_all(name)?;
            }
        }
        Ok(())
    }

    /// Makes everything in the state directory five minutes older.
    ///
    /// # Errors
    /// When a record cannot be read or written.
    pub fn age(&self) -> Result<()> {
        Records::age(self.node.root())
    }
}

impl World {
    /// Sets the clock by so many years: the times of day in the state directory are that much off.
    ///
    /// # Errors
    /// When a record cannot be read or written.
    pub fn set_clock(&self, years: i64) -> Result<()> {
        Records::set_clock(self.node.root(), years)
    }

    /// Makes the records of a dead sandbox say that its namespace had the inode of this pod's, which is at the same path:
    /// the kernel gives inodes again, but nobody can ask for one.
    ///
    /// # Errors
    /// When a record cannot be read or written.
    pub fn reuse_inode(&self, dead: &Pod, pod: &Pod) -> Result<()> {
        Records::reuse_inode(self.node.root(), &dead.container, pod.netns().netns().id())
    }
}

fn namespaces<'a>(pods: &[&'a Pod]) -> Vec<&'a Namespace> {
    pods.iter().map(|pod| pod.netns()).collect()
}
