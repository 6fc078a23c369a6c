//! What lies on a node: the plugin, and everything that makes it be called.

use super::cni_conf;
use super::ignition::NodeFile;
use super::site::{Cluster, Site};
use crate::fault::Fault;
use crate::known::{self, DPU_HOST_CONF, KEPT, OVNKUBE_CONF, PLACEHOLDER_CONF};

/// The plugin's file.
pub(crate) fn binary(site: &Site, content: Vec<u8>) -> NodeFile {
    let directory = if site.openshift() { real(site.binaries()) } else { site.binaries().to_owned() };
    NodeFile { path: format!("{directory}/{}", site.cluster.plugin()), mode: 0o755, content }
}

/// `/opt` is a link to `/var/opt` on RHEL CoreOS, and neither Ignition nor the machine config daemon should meet one.
fn real(directory: &str) -> String {
    match directory.strip_prefix("/opt/") {
        Some(rest) => format!("/var/opt/{rest}"),
        None => directory.to_owned(),
    }
}

/// Everything else.
///
/// # Errors
/// None that values can cause.
pub(crate) fn configuration(site: &Site) -> Result<Vec<NodeFile>, Fault> {
    let mut files = match site.cluster {
        Cluster::Infra => infra(site)?,
        Cluster::Tenant => tenant(site)?,
    };
    files.extend(crio_drop_in(site));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn infra(site: &Site) -> Result<Vec<NodeFile>, Fault> {
    let conf =
        NodeFile::text(format!("{}/{PLACEHOLDER_CONF}", site.configuration()), cni_conf::placeholder(site)?);
    let mut files = vec![conf];
    if site.supplies_readiness() {
        files.extend(at_boot(site, OVNKUBE_CONF, cni_conf::readiness()?));
    }
    Ok(files)
}

fn tenant(site: &Site) -> Result<Vec<NodeFile>, Fault> {
    let mut files = vec![
        NodeFile::text(known::UDEV_RULES, udev_rules(site)),
        NodeFile::text(known::RESTORE_PATH, restore_path()),
        NodeFile::text(known::RESTORE_SERVICE, restore_service(site)),
    ];
    if site.values.dpu_host.default_network {
        let conf = cni_conf::default_network(site)?;
        if site.multus().starts_with("/run/") {
            files.extend(at_boot(site, DPU_HOST_CONF, conf));
        } else {
            files.push(NodeFile::text(format!("{}/{DPU_HOST_CONF}", site.multus()), conf));
        }
    }
    Ok(files)
}

/// A file of Multus' directory, which is a tmpfs: kept on disk and copied there at boot, before the kubelet starts.
fn at_boot(site: &Site, name: &str, content: String) -> [NodeFile; 2] {
    let line = format!("C {}/{name} 0644 root root - {KEPT}/{name}\n", site.multus());
    [NodeFile::text(format!("{KEPT}/{name}"), content), NodeFile::text(known::TMPFILES, line)]
}

/// By the physical function, not by name: a VF may come home as `eth0`.
fn udev_rules(site: &Site) -> String {
    let rule = |pf: &String| {
        format!(
            "SUBSYSTEM==\"net\", ACTION!=\"remove\", TEST==\"device/physfn/net/{pf}\", ENV{{NM_UNMANAGED}}=\"1\"\n"
        )
    };
    let mut rules = restore_rules();
    if !site.values.sriov.physical_functions.is_empty() {
        rules += "# NetworkManager leaves the virtual functions of the DPU alone: pods own them.\n";
    }
    rules + &site.values.sriov.physical_functions.iter().map(rule).collect::<String>()
}

/// Whether the function is a pod's, its record tells. The flag is set before systemd hears of the device, whether it watches
/// for the flag by then or is to begin with that.
fn restore_rules() -> String {
    let trigger = format!(
        r#"RUN+="/usr/bin/touch {}", TAG+="systemd", ENV{{SYSTEMD_WANTS}}+="dpu-host-restore.path""#,
        known::RESTORE_FLAG
    );
    format!(
        "# A virtual function that comes back with its card goes back to its pod.\n\
         SUBSYSTEM==\"net\", ACTION==\"add\", TEST==\"device/physfn\", {trigger}\n\
         SUBSYSTEM==\"pci\", ACTION==\"bind\", DRIVER==\"vfio-pci\", TEST==\"physfn\", {trigger}\n"
    )
}

/// A mere start of the service would be lost while the service is between its last look and its end.
fn restore_path() -> String {
    format!(
        "[Unit]\n\
         Description=Virtual functions that pods may have lost with the DPU have come back\n\n\
         [Path]\n\
         PathExists={}\n",
        known::RESTORE_FLAG
    )
}

/// The shell is what systemd executes: `SELinux` may refuse it what lies below `/var/lib`. With the flag away, what appears
/// from then on has it run again; udev is waited for to be done with all that appeared before. That something is waited for (3)
/// is no failure; that a pod has lost a VF for good is, until somebody deletes it.
fn restore_service(site: &Site) -> String {
    format!(
        "[Unit]\n\
         Description=Give pods the virtual functions back that they have lost with the DPU\n\
         StartLimitIntervalSec=0\n\n\
         [Service]\n\
         Type=oneshot\n\
         TimeoutStartSec=10min\n\
         SuccessExitStatus=3\n\
         ExecStartPre=/bin/rm -f {}\n\
         ExecStart=/bin/sh -c 'udevadm settle --timeout=10; exec {}/{} vfs --restore --wait'\n",
        known::RESTORE_FLAG,
        site.binaries(),
        site.cluster.plugin(),
    )
}

/// `plugin_dirs` replaces the whole list, so OpenShift's own directory is repeated.
fn crio_drop_in(site: &Site) -> Option<NodeFile> {
    let grace = site.values.crio.status_grace_period.as_ref();
    if !site.binaries_off_path() && grace.is_none() {
        return None;
    }
    let mut text = "[crio.network]\n".to_owned();
    if site.binaries_off_path() {
        text += &format!("plugin_dirs = [\"{}\", \"{}\"]\n", known::OPENSHIFT_BINARIES, site.binaries());
    }
    if let Some(grace) = grace {
        text += &format!("cni_status_grace_period = \"{grace}\"\n");
    }
    Some(NodeFile::text(known::CRIO_DROP_IN, text))
}
