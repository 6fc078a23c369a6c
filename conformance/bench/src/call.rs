//! The calls of a runtime, as processes: environment and standard input as libcni makes them.

use std::path::Path;

use serde_json::{Value, json};

use super::process::{Expect, Invocation};

/// The newest protocol version, which every configuration here is in unless a plugin does not know it.
pub(super) const NEWEST: &str = "1.1.0";

/// The pod of a call.
#[derive(Clone, Debug)]
pub(super) struct Pod {
    /// `CNI_NETNS`.
    pub(super) netns: String,
    /// `CNI_CONTAINERID`.
    pub(super) container: String,
    /// `CNI_ARGS`.
    pub(super) args: String,
}

impl From<&node::Pod> for Pod {
    fn from(pod: &node::Pod) -> Self {
        Pod {
            netns: pod.netns().path().display().to_string(),
            container: pod.container.clone(),
            args: pod.args(),
        }
    }
}

/// The interface name that every pod's primary interface has.
pub(super) const IFNAME: &str = "eth0";

/// VERSION.
pub(super) fn version(plugin: &Path) -> Invocation {
    command(plugin, "VERSION", None, &json!({ "cniVersion": NEWEST }))
}

/// STATUS or GC, which are about no pod.
pub(super) fn of_network(plugin: &Path, verb: &str, conf: &Value) -> Invocation {
    command(plugin, verb, None, conf)
}

/// ADD, CHECK or DEL.
pub(super) fn of_pod(plugin: &Path, verb: &str, pod: &Pod, conf: &Value) -> Invocation {
    command(plugin, verb, Some(pod), conf)
}

/// The same call, which has to fail.
pub(super) fn refused(call: Invocation) -> Invocation {
    Invocation { expect: Expect::Refusal, ..call }
}

fn command(plugin: &Path, verb: &str, pod: Option<&Pod>, conf: &Value) -> Invocation {
    let mut call = Invocation::new(plugin);
    let text = |field: fn(&Pod) -> &String| pod.map(field).cloned().unwrap_or_default();
    let dir = plugin.parent().map(|dir| dir.display().to_string()).unwrap_or_default();
    for (key, value) in [
        ("CNI_COMMAND", verb.to_owned()),
        ("CNI_CONTAINERID", text(|pod| &pod.container)),
        ("CNI_NETNS", text(|pod| &pod.netns)),
        ("CNI_IFNAME", if pod.is_some() { IFNAME.to_owned() } else { String::new() }),
        ("CNI_ARGS", text(|pod| &pod.args)),
        ("CNI_PATH", dir),
    ] {
        call.env.push((key.to_owned(), value));
    }
    call.stdin = conf.to_string().into_bytes();
    call
}
