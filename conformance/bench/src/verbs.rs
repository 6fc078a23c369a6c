//! The groups of calls that are about no pod, or that are refused: nothing but the plugin itself takes time.

use serde_json::{Value, json};

use super::call::{self, NEWEST, Pod};
use super::group::{Entry, Group, Role};
use super::process::Invocation;
use super::site::Site;
use super::subject::{Field, Subject};

/// The group of the pod that is refused.
pub(super) const REFUSAL: &str = "refused pod";

/// A pod that nobody has. The placeholder refuses it like any other.
fn nobody() -> Pod {
    let args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=nobody".to_owned();
    Pod { netns: "/run/netns/nobody".to_owned(), container: "nobody".to_owned(), args }
}

/// The smallest configuration of a plugin.
fn conf(kind: &str) -> Value {
    json!({ "cniVersion": NEWEST, "name": "bench", "type": kind })
}

/// VERSION of everybody: the start of a process, and next to nothing else.
pub(super) fn version<'l>(field: &Field) -> Group<'l> {
    let entry =
        |one: &Subject| Entry::new(&one.name, field.role(one), [("VERSION", call::version(&one.path))]);
    Group { name: "VERSION", entries: field.all().map(entry).collect() }
}

/// The programs that do nothing, in place of these verbs.
pub(super) fn baselines<'l>(field: &Field, verbs: &[&'static str]) -> Vec<Entry<'l>> {
    let entry = |baseline: &Subject| {
        let steps = verbs.iter().map(|verb| (*verb, Invocation::new(&baseline.path)));
        Entry::new(&baseline.name, field.role(baseline), steps)
    };
    field.baselines.iter().map(entry).collect()
}

/// STATUS or GC of our plugins and of those in Go that know them. Nobody has anything to collect.
pub(super) fn of_network<'l>(field: &Field, site: &Site, verb: &'static str) -> Group<'l> {
    let of = |name: &str, role, path, kind| {
        Entry::new(name, role, [(verb, call::of_network(path, verb, &conf(kind)))])
    };
    let mut entries = baselines(field, &[verb]);
    entries.push(of(&field.placeholder.name, Role::Ours, &field.placeholder.path, "dpu-nic-placeholder"));
    let mut conf_of_host = site.node.conf();
    conf_of_host["cni.dev/valid-attachments"] = json!([]);
    let call = site.of_network(&field.dpu_host.path, verb, &conf_of_host);
    entries.push(Entry::new(&field.dpu_host.name, Role::Ours, [(verb, call)]));
    for peer in field.peers.iter().filter(|peer| peer.version == NEWEST) {
        entries.push(of(&peer.subject.name, Role::Theirs, &peer.subject.path, peer.kind));
    }
    Group { name: verb, entries }
}

/// The life of a pod that the placeholder refuses, against the script that refuses too, and against the plugin in
/// Go that does least for a pod.
pub(super) fn refusal<'l>(field: &Field, pod: &Pod) -> Group<'l> {
    const VERBS: [&str; 3] = ["ADD", "CHECK", "DEL"];
    let ours = |verb| {
        let call = call::of_pod(&field.placeholder.path, verb, &nobody(), &conf("dpu-nic-placeholder"));
        (verb, if verb == "DEL" { call } else { call::refused(call) })
    };
    let script = call::of_pod(&field.script.path, "ADD", &nobody(), &conf("refuse"));
    let mut entries = baselines(field, &VERBS);
    entries.push(Entry::new(&field.placeholder.name, Role::Ours, VERBS.map(ours)));
    entries.push(Entry::new(&field.script.name, Role::Theirs, [("ADD", call::refused(script))]));
    for peer in field.peers_of(&["loopback"]) {
        let conf = peer.conf();
        let call = |verb| (verb, call::of_pod(&peer.subject.path, verb, pod, &conf));
        entries.push(Entry::new(&peer.subject.name, Role::Theirs, ["ADD", "DEL"].map(call)));
    }
    Group { name: REFUSAL, entries }
}
