//! What the script that installs and the one that removes have in common: shell, in `shell/`.

use crate::known::FIELD_MANAGER;

/// The parts that both scripts end with, for their own ones to call; `sriov` where the SR-IOV operator has a share in it.
pub(crate) fn common(openshift: bool, sriov: bool) -> String {
    let mut parts = Vec::new();
    parts.extend(openshift.then_some(include_str!("shell/pool.sh")));
    parts.extend(sriov.then_some(include_str!("shell/sriov.sh")));
    parts.push(include_str!("shell/node.sh"));
    filled(&parts.join("\n"), openshift)
}

/// A part with the client's name in it, and that of whom fields belong to.
pub(crate) fn filled(part: &str, openshift: bool) -> String {
    let (client, admin) = if openshift { ("oc", "oc adm") } else { ("kubectl", "kubectl") };
    part.replace("ADMIN ", &format!("{admin} "))
        .replace("CLIENT ", &format!("{client} "))
        .replace("@manager@", FIELD_MANAGER)
}
