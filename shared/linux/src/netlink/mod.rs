//! The façade over rtnetlink: blocking calls, one socket in one namespace, a bound on every wait.

use ipnetwork::IpNetwork;

use crate::{Error, Failed, Link, LinkChange, Mac, Netns, Route};

/// One thing to do in a batch ([`Netlink::apply`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Give the link an address; one that it has already fails with `EEXIST`. IPv6 addresses skip duplicate
    /// address detection and are usable at once; IPv4 ones get the broadcast address of their network unless
    /// the prefix is 31 or 32.
    Address {
        /// The link.
        index: u32,
        /// Address and prefix length.
        address: IpNetwork,
    },
    /// Set the link up.
    Up {
        /// The link.
        index: u32,
    },
    /// Add a route; one to the same destination fails with `EEXIST`.
    Route(Route),
    /// Add a route, in place of the one there is to the same destination, if any.
    RouteReplace(Route),
    /// Let packets from this source look up the table (`ip rule add from X lookup T`); the same rule again fails
    /// with `EEXIST`.
    Rule {
        /// The source, `10.128.0.5/32`.
        from: IpNetwork,
        /// The table.
        table: u32,
    },
}

/// A netlink socket in one network namespace. Dropping it closes the socket.
pub struct Netlink {}

impl Netlink {
    /// A socket in the calling thread's namespace.
    pub fn host() -> Result<Netlink, Error> {
        unimplemented!()
    }

    /// A socket in this namespace, opened there by a thread that ends before this returns.
    pub fn inside(_netns: &Netns) -> Result<Netlink, Error> {
        unimplemented!()
    }

    /// The link of exactly this name (alternative names don't count); none if there is none.
    pub fn link(&self, _name: &str) -> Result<Option<Link>, Error> {
        unimplemented!()
    }

    /// The link that owns this name as its own or as an alternative one: who is in the way of a rename.
    pub fn name_holder(&self, _name: &str) -> Result<Option<Link>, Error> {
        unimplemented!()
    }

    /// The link with this index; none if there is none.
    pub fn link_at(&self, _index: u32) -> Result<Option<Link>, Error> {
        unimplemented!()
    }

    /// All links. One that cannot be decoded is missing from the list.
    pub fn links(&self) -> Result<Vec<Link>, Error> {
        unimplemented!()
    }

    /// Changes a link, in a single `RTM_SETLINK`. See [`LinkChange`] for what an error leaves behind.
    pub fn change(&self, _index: u32, _change: &LinkChange<'_>) -> Result<(), Error> {
        unimplemented!()
    }

    /// Does these steps in this order, without waiting for one before the next is sent.
    pub fn apply(&self, _steps: &[Step]) -> Result<(), Failed> {
        unimplemented!()
    }

    /// The addresses of a link, of both families, link-local ones included.
    pub fn addresses(&self, _index: u32) -> Result<Vec<IpNetwork>, Error> {
        unimplemented!()
    }

    /// The unicast routes over a link, of both families and all tables but `local`.
    pub fn routes(&self, _index: u32) -> Result<Vec<Route>, Error> {
        unimplemented!()
    }

    /// Gives a link one more alternative name (Linux 5.5).
    pub fn add_altname(&self, _index: u32, _name: &str) -> Result<(), Error> {
        unimplemented!()
    }

    /// Takes an alternative name away.
    pub fn del_altname(&self, _index: u32, _name: &str) -> Result<(), Error> {
        unimplemented!()
    }

    /// The MAC address that the PF has set aside for its VF number `vf`; none if there is no such VF, or no address.
    pub fn vf_mac(&self, _pf_index: u32, _vf: u32) -> Result<Option<Mac>, Error> {
        unimplemented!()
    }

    /// Sets the MAC address of VF number `vf` through its PF.
    pub fn set_vf_mac(&self, _pf_index: u32, _vf: u32, _mac: Mac) -> Result<(), Error> {
        unimplemented!()
    }
}
