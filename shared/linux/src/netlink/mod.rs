//! The façade over rtnetlink: blocking calls, one socket in one namespace, a bound on every wait.

mod answer;
mod ethtool;
#[cfg(fuzzing)]
pub mod fuzzing;
mod message;
mod reply;
mod socket;
mod step;
#[cfg(test)]
mod tests;
mod waiting;

use ipnetwork::IpNetwork;

pub use self::ethtool::Ethtool;
use self::reply::Reply;
use self::socket::Socket;
pub use self::step::Step;
use crate::link::Which;
use crate::wire::Request;
use crate::{
    Assigned, Error, Failed, Link, LinkChange, Mac, Netns, Route, Survey, XdpMode, address, link, route,
    rule, vf, xdp,
};

/// Longest name of a link, `IFNAMSIZ` without its NUL.
const NAME_MAX: usize = 15;

/// A netlink socket in one network namespace. Dropping it closes the socket.
///
/// Not for use inside somebody's asynchronous task: the calls block.
pub struct Netlink {
    socket: Socket,
}

impl Netlink {
    /// A socket in the calling thread's namespace.
    ///
    /// # Errors
    /// Without a socket (`EMFILE`, `ENOMEM`).
    pub fn host() -> Result<Netlink, Error> {
        Ok(Netlink { socket: Socket::here()? })
    }

    /// A socket in this namespace, opened there by a thread that ends before this returns.
    ///
    /// # Errors
    /// As [`Netlink::host`], and when the namespace cannot be entered (`EPERM`).
    pub fn inside(netns: &Netns) -> Result<Netlink, Error> {
        Ok(Netlink { socket: Socket::inside(netns)? })
    }

    /// The cookie of the namespace that it is in ([`NetnsId::cookie`](crate::NetnsId::cookie)); none before Linux 5.14.
    pub fn cookie(&self) -> Option<u64> {
        self.socket.cookie()
    }

    /// The link of exactly this name (alternative names don't count); none if there is none.
    ///
    /// # Errors
    /// As [`Netlink::name_holder`].
    pub fn link(&self, name: &str) -> Result<Option<Link>, Error> {
        Ok(self.name_holder(name)?.filter(|link| link.name == name))
    }

    /// The link that owns this name, as its own or as an alternative one: who is in the way of a rename.
    ///
    /// # Errors
    /// No answer, or one that cannot be decoded; that there is none is no error.
    pub fn name_holder(&self, name: &str) -> Result<Option<Link>, Error> {
        // No link can have such a name, and the kernel calls the question invalid.
        if name.is_empty() || name.len() > NAME_MAX {
            return Ok(None);
        }
        self.link_of(link::question(Which::Name(name)), || format!("read link {name}"))
    }

    /// The link with this index; none if there is none.
    ///
    /// # Errors
    /// As [`Netlink::name_holder`].
    pub fn link_at(&self, index: u32) -> Result<Option<Link>, Error> {
        self.link_of(link::question(Which::Index(index)), || format!("read link {index}"))
    }

    /// All links.
    ///
    /// # Errors
    /// No answer, one that cannot be decoded, or a list that keeps changing while it is read.
    pub fn links(&self) -> Result<Vec<Link>, Error> {
        let replies = self.socket.dump(&link::question(Which::All), || "list the links".to_owned())?;
        Ok(replies.into_iter().filter_map(only_link).collect())
    }

    /// Changes a link, in a single `RTM_SETLINK`. See [`LinkChange`] for what an error leaves behind.
    ///
    /// # Errors
    /// [`Error::Kernel`]: `EEXIST` for a name that is taken, `ENODEV` without the link.
    pub fn change(&self, index: u32, change: &LinkChange<'_>) -> Result<(), Error> {
        self.socket.order(change.request(index), 0, || format!("change link {index} ({change})"))
    }

    /// Does these steps in this order, without waiting for one before the next is sent.
    ///
    /// # Errors
    /// The first step that the kernel refuses. Those before it are done; those after it may be, too.
    pub fn apply(&self, steps: &[Step]) -> Result<(), Failed> {
        let orders = steps.iter().map(Step::request).collect();
        self.socket
            .orders(orders, |step| steps[step].to_string())
            .map_err(|(step, source)| Failed { step, source })
    }

    /// The addresses of a link, of both families, link-local ones included.
    ///
    /// # Errors
    /// As [`Netlink::links`].
    pub fn addresses(&self, index: u32) -> Result<Vec<IpNetwork>, Error> {
        Ok(self.assigned(index)?.into_iter().map(|assigned| assigned.address).collect())
    }

    /// The same, and whether they stay.
    ///
    /// # Errors
    /// As [`Netlink::links`].
    pub fn assigned(&self, index: u32) -> Result<Vec<Assigned>, Error> {
        let replies =
            self.socket.dump(&address::question(), || format!("list the addresses of link {index}"))?;
        let addresses = replies.into_iter().filter_map(|reply| match reply {
            Reply::Address(link, address) if link == index => Some(address),
            _ => None,
        });
        Ok(addresses.collect())
    }

    /// The unicast routes over a link, of both families and all tables but `local`.
    ///
    /// # Errors
    /// As [`Netlink::links`].
    pub fn routes(&self, index: u32) -> Result<Vec<Route>, Error> {
        let replies =
            self.socket.dump(&route::question(), || format!("list the routes over link {index}"))?;
        let routes = replies.into_iter().filter_map(|reply| match reply {
            Reply::Route(route) if route.is_over(index) => Some(route),
            _ => None,
        });
        Ok(routes.collect())
    }

    /// What the namespace has of addresses, routes and rules: one dump each.
    ///
    /// # Errors
    /// When the kernel does not answer, or one list kept changing while it was read.
    pub fn survey(&self) -> Result<Survey, Error> {
        let mut survey = Survey::default();
        for (question, what) in
            [(address::question(), "addresses"), (route::question(), "routes"), (rule::question(), "rules")]
        {
            for reply in self.socket.dump(&question, || format!("list the {what}"))? {
                match reply {
                    Reply::Address(link, address) => survey.addresses.push((link, address)),
                    Reply::Route(route) => survey.routes.push(route),
                    Reply::Rule(rule) => survey.rules.push(rule),
                    Reply::Link(..) | Reply::Generic(_) | Reply::Other => {}
                }
            }
        }
        Ok(survey)
    }

    /// Gives a link one more alternative name (Linux 5.5); one that is taken fails with `EEXIST`.
    ///
    /// # Errors
    /// [`Error::Kernel`]: `EEXIST` when it is taken, `EOPNOTSUPP` before Linux 5.5.
    pub fn add_altname(&self, index: u32, name: &str) -> Result<(), Error> {
        let order = link::add_altname(index, name);
        self.socket
            .order(order, link::NEW_ALTNAME, || format!("give link {index} the alternative name {name}"))
    }

    /// Takes an alternative name away.
    ///
    /// # Errors
    /// [`Error::Kernel`]: `ENOENT` when the link has none such.
    pub fn del_altname(&self, index: u32, name: &str) -> Result<(), Error> {
        let order = link::del_altname(index, name);
        self.socket.order(order, 0, || format!("take the alternative name {name} from link {index}"))
    }

    /// Takes the XDP program of this mode off a link. One that a `bpf_link` holds fails with `EBUSY`: only its holder can.
    ///
    /// # Errors
    /// [`Error::Kernel`]: `EBUSY` as said, `EOPNOTSUPP` from a driver without such programs.
    pub fn xdp_off(&self, index: u32, mode: XdpMode) -> Result<(), Error> {
        self.socket
            .order(xdp::off(index, mode), 0, || format!("take the XDP program ({mode:?}) off link {index}"))
    }

    /// The MAC address that the PF has set aside for its VF number `vf`; none if there is no such VF, or no address.
    ///
    /// # Errors
    /// As [`Netlink::name_holder`].
    pub fn vf_mac(&self, pf_index: u32, vf: u32) -> Result<Option<Mac>, Error> {
        let what = || format!("read the MAC address of VF {vf} from its PF, link {pf_index}");
        match self.socket.get(link::question_with_vfs(pf_index), what)? {
            Some(Reply::Link(_, vfs)) => {
                Ok(vfs.into_iter().find(|info| info.vf == vf).and_then(|info| info.mac))
            }
            _ => Ok(None),
        }
    }

    /// Sets the MAC address of VF number `vf` through its PF.
    ///
    /// # Errors
    /// [`Error::Kernel`]: `EINVAL` without such a VF, `EOPNOTSUPP` from a driver that does not know how.
    pub fn set_vf_mac(&self, pf_index: u32, vf: u32, mac: Mac) -> Result<(), Error> {
        let order = vf::set_mac(pf_index, vf, mac);
        self.socket.order(order, 0, || {
            format!("set the MAC address of VF {vf} to {mac} through its PF, link {pf_index}")
        })
    }

    fn link_of(&self, question: Request, what: impl Fn() -> String) -> Result<Option<Link>, Error> {
        Ok(self.socket.get(question, what)?.and_then(only_link))
    }
}

fn only_link(reply: Reply) -> Option<Link> {
    match reply {
        Reply::Link(link, _) => Some(*link),
        _ => None,
    }
}
