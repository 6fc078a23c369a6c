//! What is really there: interfaces, addresses and routes of a namespace, as iproute2 sees them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use testkit::ip;
use testkit::namespace::Container;

/// An interface.
#[derive(Clone, Debug, Deserialize)]
pub struct Interface {
    /// Its index.
    #[serde(rename = "ifindex")]
    pub index: u32,
    /// Its name.
    #[serde(rename = "ifname")]
    pub name: String,
    /// Its MAC address; for `lo` all zeros.
    #[serde(rename = "address", default)]
    pub mac: String,
    /// Bytes.
    #[serde(default)]
    pub mtu: u32,
    /// `UP`, `PROMISC` and the like.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Its alias.
    #[serde(default, rename = "ifalias")]
    pub alias: Option<String>,
    /// Its alternative names.
    #[serde(default)]
    pub altnames: Vec<String>,
    #[serde(default, rename = "linkinfo")]
    kind: Kind,
    #[serde(default, rename = "addr_info")]
    addresses: Vec<Address>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Kind {
    #[serde(default, rename = "info_kind")]
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Address {
    local: IpAddr,
    prefixlen: u8,
}

/// Everything that a plugin could have changed in a namespace, one fact a line. IPv6 link-local addresses and what
/// follows from them are left out: the kernel makes them in its own time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State(BTreeSet<String>);

impl Interface {
    /// Administratively up.
    pub fn is_up(&self) -> bool {
        self.flags.iter().any(|flag| flag == "UP")
    }

    /// Its addresses with prefix lengths, link-local IPv6 ones left out.
    pub fn addresses(&self) -> Vec<String> {
        let kept = self.addresses.iter().filter(|address| !is_link_local(&address.local));
        kept.map(|address| format!("{}/{}", address.local, address.prefixlen)).collect()
    }
}

/// The interfaces of the calling thread's namespace.
pub fn look_here() -> Result<Vec<Interface>> {
    let output = ip::here(&["-j", "-d", "addr"])?;
    // An interface that went away during the dump leaves an empty object.
    let found: Vec<Value> = serde_json::from_slice(&output).context("decoding the output of ip addr")?;
    let found = found.into_iter().filter(|link| link.get("ifname").is_some());
    found.map(|link| serde_json::from_value(link).context("decoding an interface")).collect()
}

/// The interfaces of a container.
pub(crate) fn look(container: &Container) -> Result<Vec<Interface>> {
    container.run(look_here)?
}

/// The names of a container's interfaces.
pub(crate) fn interfaces(container: &Container) -> Result<Vec<String>> {
    Ok(look(container)?.into_iter().map(|link| link.name).collect())
}

/// The interface of this name in a container.
pub(crate) fn interface(container: &Container, name: &str) -> Result<Option<Interface>> {
    Ok(look(container)?.into_iter().find(|link| link.name == name))
}

impl State {
    /// Of the calling thread's namespace.
    pub(crate) fn here() -> Result<State> {
        let mut facts = BTreeSet::new();
        for link in look_here()? {
            let Interface { name, mtu, alias, altnames, .. } = &link;
            // A bridge takes the address of one of its ports.
            let mac = if link.kind.name == "bridge" { "bridge" } else { &link.mac };
            let up = if link.is_up() { "up" } else { "down" };
            let promisc = link.flags.iter().any(|flag| flag == "PROMISC");
            let mut fact = format!("link {name} {mac} mtu {mtu} {up}");
            fact.extend(alias.iter().map(|alias| format!(" alias {alias}")));
            fact.extend(altnames.iter().map(|altname| format!(" altname {altname}")));
            fact.push_str(if promisc { " promiscuous" } else { "" });
            facts.insert(fact);
            facts.extend(link.addresses().into_iter().map(|address| format!("address {name} {address}")));
        }
        for family in ["-4", "-6"] {
            let output = ip::here(&[family, "-j", "route", "show", "table", "all"])?;
            let routes: Vec<Value> =
                serde_json::from_slice(&output).context("decoding the output of ip route")?;
            facts
                .extend(routes.iter().filter(|route| is_chosen(route)).map(|route| format!("route {route}")));
        }
        Ok(State(facts))
    }

    /// Of a container.
    pub(crate) fn of(container: &Container) -> Result<State> {
        container.run(State::here)?
    }

    /// What is there that was not before, and what was and is not.
    pub(crate) fn since(&self, before: &State) -> String {
        let gone = before.0.difference(&self.0).map(|fact| format!("-{fact}"));
        let new = self.0.difference(&before.0).map(|fact| format!("+{fact}"));
        gone.chain(new).collect::<Vec<_>>().join(", ")
    }
}

/// Whether a route was put there by somebody, rather than by the kernel for an address.
fn is_chosen(route: &Value) -> bool {
    let text = |key: &str| route.get(key).and_then(Value::as_str).unwrap_or_default();
    let automatic = text("table") == "local" || text("protocol") == "kernel" || text("type") == "multicast";
    !automatic && !text("dst").starts_with("fe80:") && !text("dst").starts_with("ff00:")
}

fn is_link_local(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}
