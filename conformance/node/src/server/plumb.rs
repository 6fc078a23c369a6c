//! What a privileged server does in the pod, step by step as upstream does it
//! (`helper_linux.go: setupSriovInterface`, `safeMoveIfToNetns`, `setupNetwork`, `UnconfigureInterface`).
//!
//! Its flaws are kept on purpose: a failed ADD leaves the VF where it is, and nothing but the name comes home. One
//! thing is left out unless `Behaviour::detects_duplicates` says otherwise: that upstream waits for duplicate address
//! detection.

use linux::Netns;
use ovnkube::PodInterface;
use serde_json::{Value, json};
use testkit::ip;

use super::addresses::{self, Duplicates};
use super::arguments::PodCall;
use super::context::Context;
use crate::link;
use crate::state::Shared;

/// Moves the VF into the pod and configures it.
pub(super) fn plumb(
    context: &Context<'_>,
    call: &PodCall,
    ifname: &str,
    device: &str,
    interface: &PodInterface,
) -> Result<(), String> {
    let shared = context.shared;
    let name = &interface.vf_netdev_name;
    if device.is_empty() {
        return Err(format!(
            "failed to configure pod interface: unexpected configuration, pod request on dpu host. device ID must be \
             provided: {interface:?}"
        ));
    }
    if shared.vf(device).is_some_and(|vf| vf.vfio) {
        return Ok(());
    }
    let pod = Netns::open(&shared.sandbox(&call.netns)).map_err(|e| {
        format!("failed to configure pod interface: failed to open netns {:?}: {e}", call.netns)
    })?;
    let failed = |e: anyhow::Error| format!("failed to configure pod interface: {e}");
    let arrived = enter(shared, call, name).map_err(failed)?;
    let index = link::link(&pod, &arrived).map_err(failed)?.map(|link| link.index).unwrap_or_default();
    let mut script = format!(
        "link set {arrived} down\nlink set {arrived} name {ifname}\nlink set {ifname} up\n\
         link set {ifname} address {}\nlink set {ifname} mtu {}\nlink set {ifname} up\n",
        mac(interface),
        interface.mtu
    );
    let detects = context.behaviour.detects_duplicates;
    if !interface.skip_ip_config {
        let duplicates = if detects { Duplicates::Detected } else { Duplicates::Ignored };
        script += &addresses::script(&pod, index, ifname, interface, duplicates);
    }
    ip::batch(&pod, &script).map_err(failed)?;
    if detects && interface.ips.iter().any(|ip| ip.is_ipv6()) {
        addresses::wait(&pod, ifname).map_err(failed)?;
    }
    if interface.pod_if_names.is_empty() || interface.skip_ip_config {
        return Ok(());
    }
    addresses::separate(&pod, index, ifname, interface).map_err(failed)
}

/// Moves the link, under another name when the pod has one of this name already. Returns its name there.
fn enter(shared: &Shared, call: &PodCall, name: &str) -> anyhow::Result<String> {
    let host = shared.topology.host.netns();
    let sandbox = shared.sandbox(&call.netns);
    let moved = |name: &str| ip::batch(host, &format!("link set {name} netns {}", sandbox.display()));
    match moved(name) {
        Err(error) if error.to_string().contains("File exists") => {
            let sandbox: String = call.sandbox.chars().take(10).collect();
            let other = format!("{sandbox}tmp{:02}", shared.vfs.len() % 100);
            ip::batch(
                host,
                &format!("link set {name} down\nlink set {name} name {other}\nlink set {other} up"),
            )?;
            moved(&other)?;
            Ok(other)
        }
        done => done.map(|()| name.into()),
    }
}

/// The CNI result: no version, an empty interface before each real one, no routes.
pub(super) fn result(netns: &str, attachments: &[(&str, &PodInterface)]) -> Value {
    let mut interfaces = Vec::new();
    let mut ips = Vec::new();
    for (ifname, interface) in attachments {
        interfaces.push(json!({"name": ""}));
        interfaces.push(json!({"mac": mac(interface), "name": ifname, "sandbox": netns}));
        for address in &interface.ips {
            let mut ip = json!({"address": address.to_string(), "interface": interfaces.len() - 1});
            if let Some(gateway) = interface.gateways.iter().find(|g| g.is_ipv4() == address.is_ipv4()) {
                ip["gateway"] = json!(gateway.to_string());
            }
            ips.push(ip);
        }
    }
    json!({"interfaces": interfaces, "ips": ips})
}

/// Gives the VF back: only its name, and every failure inside the pod is swallowed. The primary user-defined
/// network's VF is not given back at all (ovn-kubernetes #6756).
pub(super) fn unplumb(shared: &Shared, call: &PodCall, original: &str) -> Result<(), String> {
    let failed = |e: &dyn std::fmt::Display| {
        format!("failed to unconfigure pod interface: failed to open netns {:?}: {e}", call.netns)
    };
    let pod = Netns::open(&shared.sandbox(&call.netns)).map_err(|e| failed(&e))?;
    let ifname = &call.ifname;
    let home = shared.topology.host.path().display();
    let _ = ip::batch(
        &pod,
        &format!(
            "link set {ifname} down\nlink set {ifname} name {original}\nlink set {original} netns {home}"
        ),
    );
    Ok(())
}

fn mac(interface: &PodInterface) -> String {
    interface.mac.map(|mac| linux::Mac::from(mac).to_string()).unwrap_or_default()
}
