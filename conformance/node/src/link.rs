//! Links as `ip` sees them.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ipnetwork::IpNetwork;
use linux::Netns;
use serde_json::{Value, json};
use testkit::ip;

/// One link, as `ip -d` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// Its index; a veth end or VF keeps it from namespace to namespace where it is free.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its MAC address, `aa:bb:cc:dd:ee:ff`.
    pub mac: String,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// Whether it is up (administratively).
    pub up: bool,
    /// How many have asked for promiscuous mode, the user among them.
    pub promiscuity: u64,
    /// Its alias.
    pub alias: Option<String>,
    /// Its other names.
    pub altnames: Vec<String>,
    /// What else of it stays with it from one namespace to the next.
    pub traces: Value,
    /// The index of its other end, in whatever namespace that is.
    pub peer: Option<u32>,
    /// Its addresses with prefix length, without link-local ones.
    pub addresses: Vec<IpNetwork>,
}

/// All links of a namespace but `lo`.
///
/// # Errors
/// When `ip` fails.
pub(super) fn links(inside: &Netns) -> Result<Vec<LinkState>> {
    // Neither tells all; both in one go, for a link may be gone the next moment.
    let [addresses, settings] = ip::json_pair(inside, "address show\nlink show")?;
    let links = addresses.as_array().into_iter().flatten().map(|json| {
        let mut link = LinkState::read(json);
        let other =
            settings.as_array().into_iter().flatten().find(|other| other["ifindex"] == json["ifindex"]);
        link.traces["linkmode"] = other.map_or(Value::Null, |other| other["linkmode"].clone());
        link
    });
    Ok(links.filter(|link| link.name != "lo").collect())
}

/// The link `name`, if the namespace has one.
///
/// # Errors
/// When `ip` fails.
pub(super) fn link(inside: &Netns, name: &str) -> Result<Option<LinkState>> {
    Ok(links(inside)?.into_iter().find(|link| link.name == name))
}

/// Switches offload features of a link.
///
/// # Errors
/// When `ethtool` fails.
pub(super) fn switch(inside: &Netns, ifname: &str, args: &[&str]) -> Result<()> {
    let mut ethtool = Command::new("ethtool");
    ethtool.args(["-K", ifname]).args(args);
    let done = inside.run(|| ethtool.output())?.context("running ethtool")?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// The index of each veth's other end, by its name.
///
/// # Errors
/// When `ip` fails.
pub(super) fn peers(inside: &Netns) -> Result<BTreeMap<String, u64>> {
    let found = ip::json(inside, &["link", "show", "type", "veth"])?;
    let peer = |json: &Value| Some((json["ifname"].as_str()?.into(), json["link_index"].as_u64()?));
    Ok(found.as_array().into_iter().flatten().filter_map(peer).collect())
}

impl LinkState {
    fn read(json: &Value) -> Self {
        let text = |key: &str| json[key].as_str().map(String::from);
        let number = |key: &str| json[key].as_u64().unwrap_or_default();
        let short = |key: &str| u32::try_from(number(key)).unwrap_or_default();
        let list = |key: &str| json[key].as_array().into_iter().flatten();
        LinkState {
            index: short("ifindex"),
            name: text("ifname").unwrap_or_default(),
            mac: text("address").unwrap_or_default(),
            mtu: short("mtu"),
            up: list("flags").any(|flag| flag == "UP"),
            promiscuity: number("promiscuity"),
            alias: text("ifalias"),
            altnames: list("altnames").filter_map(Value::as_str).map(String::from).collect(),
            traces: traces(json),
            peer: json["link_index"].as_u64().and_then(|index| u32::try_from(index).ok()),
            addresses: list("addr_info").filter(|addr| addr["scope"] != "link").filter_map(address).collect(),
        }
    }
}

/// The flags that a user sets, the settings with a number or a word each, and XDP programs.
fn traces(json: &Value) -> Value {
    const FLAGS: [&str; 7] = ["DEBUG", "NOTRAILERS", "NOARP", "DYNAMIC", "MULTICAST", "PORTSEL", "AUTOMEDIA"];
    const SETTINGS: [&str; 10] = [
        "allmulti",
        "broadcast",
        "group",
        "gro_ipv4_max_size",
        "gro_max_size",
        "gso_ipv4_max_size",
        "gso_max_segs",
        "gso_max_size",
        "txqlen",
        "xdp",
    ];
    let flags = json["flags"].as_array().into_iter().flatten();
    let flags: Vec<&Value> = flags.filter(|flag| FLAGS.iter().any(|known| *flag == known)).collect();
    let mut traces = json!({"flags": flags});
    for setting in SETTINGS {
        traces[setting] = json[setting].clone();
    }
    traces
}

fn address(json: &Value) -> Option<IpNetwork> {
    let prefix = u8::try_from(json["prefixlen"].as_u64()?).ok()?;
    IpNetwork::new(json["local"].as_str()?.parse().ok()?, prefix).ok()
}
