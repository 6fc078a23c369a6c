//! What the script that installs and the one that removes have in common: shell, in `shell/`.

use crate::known::FIELD_MANAGER;

/// The parts that both scripts end with, for their own ones to call.
pub(crate) fn common(openshift: bool) -> String {
    let mut text = String::new();
    if openshift {
        text += include_str!("shell/pool.sh");
        text += "\n";
    }
    filled(&(text + include_str!("shell/node.sh")), openshift)
}

/// A part with the client's name in it, and that of whom fields belong to.
pub(crate) fn filled(part: &str, openshift: bool) -> String {
    let (client, admin) = if openshift { ("oc", "oc adm") } else { ("kubectl", "kubectl") };
    part.replace("ADMIN ", &format!("{admin} "))
        .replace("CLIENT ", &format!("{client} "))
        .replace("@manager@", FIELD_MANAGER)
}
