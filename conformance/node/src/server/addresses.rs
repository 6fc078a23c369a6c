//! Addresses and routes of a pod's interface, as lines for `ip -batch` (`helper_linux.go: setupNetwork`).

use std::fmt::Write;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use linux::Netns;
use ovnkube::PodInterface;
use testkit::ip;

use crate::link;

/// Interfaces of one network have a routing table each: this plus their index.
const FIRST_TABLE: u32 = 100;

/// How often upstream looks whether IPv6 addresses are usable, and for how long (`waitForIPv6AddressesReady`).
const POLL: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the kernel looks for others who have an IPv6 address before it may be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Duplicates {
    /// It does.
    Detected,
    /// It does not.
    Ignored,
}

/// The lines for an interface whose link has this index in the pod.
pub(super) fn script(
    pod: &Netns,
    index: u32,
    ifname: &str,
    interface: &PodInterface,
    duplicates: Duplicates,
) -> String {
    let mut script = String::new();
    // Writing to a string does not fail, here and below.
    for ip in &interface.ips {
        let options = match (ip.is_ipv6(), duplicates) {
            (false, _) => "broadcast +",
            (true, Duplicates::Ignored) => "nodad",
            (true, Duplicates::Detected) => "",
        };
        let _ = writeln!(script, "address add {ip} {options} dev {ifname}");
    }
    let mtu = match interface.routable_mtu {
        0 => String::new(),
        mtu => format!(" mtu {mtu}"),
    };
    for gateway in &interface.gateways {
        let _ = writeln!(script, "route add default via {gateway} dev {ifname}{mtu}");
    }
    if !interface.pod_if_names.is_empty() && !interface.routes.is_empty() {
        return script + &several(pod, FIRST_TABLE + index, ifname, interface, &mtu);
    }
    for route in &interface.routes {
        let via = route.next_hop.map(|hop| format!(" via {hop}")).unwrap_or_default();
        let _ = writeln!(script, "route add {}{via} dev {ifname}{mtu}", route.dest);
    }
    script
}

/// Waits as upstream does once the addresses are there: settings that come too late for them, then looks again and again.
/// That it takes too long is no failure.
pub(super) fn wait(pod: &Netns, ifname: &str) -> Result<()> {
    let write = |key| fs::write(format!("/proc/sys/net/ipv6/conf/{ifname}/{key}"), "0");
    pod.run(|| ["dad_transmits", "addr_gen_mode"].into_iter().try_for_each(write))??;
    let deadline = Instant::now() + PATIENCE;
    let tentative = ["-6", "address", "show", "dev", ifname, "tentative"];
    while ip::json(pod, &tentative)?.to_string().contains("\"local\"") && Instant::now() < deadline {
        thread::sleep(POLL);
    }
    Ok(())
}

/// The routes of one of several interfaces of a network: its own table, and all of them together in the main one.
fn several(pod: &Netns, table: u32, ifname: &str, interface: &PodInterface, mtu: &str) -> String {
    let mut script = String::new();
    for ip in &interface.ips {
        let _ = writeln!(
            script,
            "route add {}/{} dev {ifname} scope link table {table}",
            ip.network(),
            ip.prefix()
        );
    }
    let present = |name: &&String| matches!(link::link(pod, name), Ok(Some(_)));
    let before: Vec<_> =
        interface.pod_if_names.iter().take_while(|name| *name != ifname).filter(present).collect();
    for route in &interface.routes {
        let via = route.next_hop.map(|hop| format!(" via {hop}")).unwrap_or_default();
        let dest = route.dest;
        if before.is_empty() {
            let _ = writeln!(script, "route add {dest}{via} dev {ifname}{mtu}");
        } else {
            let all = before.iter().map(|name| name.as_str()).chain([ifname]);
            let hops: Vec<_> = all.map(|name| format!("nexthop{via} dev {name} weight 1")).collect();
            let _ = writeln!(script, "route replace {dest}{mtu} {}", hops.join(" "));
        }
        let _ = writeln!(script, "route add {dest}{via} dev {ifname}{mtu} table {table}");
    }
    script
}

/// What several interfaces of a network have beside addresses and routes: answers leave by the interface that was
/// asked, and neighbours are not told one interface's MAC for another's address.
pub(super) fn separate(pod: &Netns, index: u32, ifname: &str, interface: &PodInterface) -> Result<()> {
    let settings = [("arp_ignore", "1"), ("arp_announce", "2"), ("rp_filter", "2")];
    let write = |(key, value)| fs::write(format!("/proc/sys/net/ipv4/conf/{ifname}/{key}"), value);
    pod.run(|| settings.into_iter().try_for_each(write))??;
    let table = (FIRST_TABLE + index).to_string();
    let wanted = if interface.routes.is_empty() { &[][..] } else { &interface.ips };
    for ip in wanted {
        // Rules are the one thing whose family `ip` does not see from the address.
        let family = if ip.is_ipv6() { "-6" } else { "-4" };
        ip::json(pod, &[family, "rule", "add", "from", &ip.ip().to_string(), "table", &table])?;
    }
    Ok(())
}
