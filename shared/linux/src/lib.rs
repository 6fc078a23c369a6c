//! What the plugins need of Linux: network namespaces, links, addresses and routes through rtnetlink, offload features
//! through ethtool's netlink, and the facts about SR-IOV functions that sysfs knows.
//!
//! Everything here blocks, nothing here waits without a bound, and the calling thread never changes its
//! namespace: a short-lived thread enters another one to open a socket there, and the socket stays in it.

#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod address;
mod error;
mod features;
mod link;
mod mac;
mod netlink;
mod netns;
mod route;
mod rule;
mod settings;
pub mod sriov;
mod survey;
mod sysctl;
mod vf;
mod wire;
mod xdp;

pub use address::Assigned;
pub use error::{Error, Failed};
pub use features::Features;
pub use link::{Link, LinkChange};
pub use mac::{InvalidMac, Mac};
#[cfg(fuzzing)]
pub use netlink::fuzzing;
pub use netlink::{Ethtool, Netlink, Step};
pub use netns::{Netns, NetnsError, NetnsId};
pub use route::{NextHop, Origin, Route};
pub use rule::Rule;
pub use settings::Settings;
pub use survey::Survey;
pub use sysctl::Sysctls;
pub use xdp::XdpMode;
