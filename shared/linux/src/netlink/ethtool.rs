//! Links' features over ethtool's generic netlink family.

use super::reply::Reply;
use super::socket::Socket;
use crate::features::{self, Features};
use crate::wire::Garbled;
use crate::{Error, Netns};

/// A socket for ethtool's requests in one network namespace. Dropping it closes the socket.
pub struct Ethtool {
    socket: Socket,
    /// The family's number, which the kernel gives it anew at each boot.
    family: u16,
}

impl Ethtool {
    /// A socket in the calling thread's namespace; none where the kernel has no such family (before Linux 5.6).
    ///
    /// # Errors
    /// Without a socket; when the kernel's answer is none or cannot be read.
    pub fn host() -> Result<Option<Ethtool>, Error> {
        Ethtool::over(Socket::generic()?)
    }

    /// The same in this namespace.
    ///
    /// # Errors
    /// As [`Ethtool::host`], and when the namespace cannot be entered.
    pub fn inside(netns: &Netns) -> Result<Option<Ethtool>, Error> {
        Ethtool::over(netns.run(Socket::generic)??)
    }

    fn over(socket: Socket) -> Result<Option<Ethtool>, Error> {
        let what = || "find ethtool's netlink family".to_owned();
        match socket.get(features::family_question(), what) {
            Ok(Some(reply)) => {
                let family = decoded(&reply, features::family, what)?;
                Ok(Some(Ethtool { socket, family }))
            }
            Ok(None) => Ok(None),
            Err(error) if error.is_unknown() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The features of a link; none if there is no such link.
    ///
    /// # Errors
    /// What the kernel refuses but `ENODEV`; no answer, or one that cannot be read.
    pub fn features(&self, index: u32) -> Result<Option<Features>, Error> {
        let what = || format!("read the features of link {index}");
        let reply = self.socket.get(features::question(self.family, index), what)?;
        reply.map(|reply| decoded(&reply, Features::decode, what)).transpose()
    }

    /// Gives a link these features, as far as its driver allows. Costs the kernel nothing when it has them.
    ///
    /// # Errors
    /// What the kernel or the driver refuses (`EOPNOTSUPP`); no answer.
    pub fn set_features(&self, index: u32, features: &Features) -> Result<(), Error> {
        let order = features.request(self.family, index);
        self.socket.order(order, 0, || format!("set the features of link {index}"))
    }
}

fn decoded<T>(
    reply: &Reply,
    decode: impl Fn(&[u8]) -> Result<T, Garbled>,
    what: impl Fn() -> String,
) -> Result<T, Error> {
    match reply {
        Reply::Generic(body) => decode(body).map_err(|_| Error::Undecodable { what: what() }),
        _ => Err(Error::Undecodable { what: what() }),
    }
}
