//! One call of a script fails, whichever: it goes on only where it asks again, and never as if nothing had been.

use serde_json::json;

use crate::leaving::{things, uninstall};
use crate::standin::Cluster;
use crate::support::{Ran, TENANT};

const KUBERNETES: &str = "profile: kubernetes\nsriov: { physicalFunctions: [ens1f0] }\n";

/// A run on a cluster of its own, with each of its calls failing once. Returns the calls that it could do without.
fn survives(new: impl Fn() -> Cluster, run: impl Fn(&Cluster) -> Ran, undoes: &[&str]) -> Vec<String> {
    let place = |cluster: &Cluster| cluster.place.path("out").display().to_string();
    let calls_of = |cluster: &Cluster| -> Vec<String> {
        cluster.calls().iter().map(|call| call.replace(&place(cluster), "OUT")).collect()
    };
    let cluster = new();
    cluster.change(|state| state["asked"] = json!([]));
    run(&cluster).ok();
    let (calls, end) = (calls_of(&cluster), things(&cluster));
    let mut survived = Vec::new();
    for call in cluster.asked() {
        let failing = call.replace(&place(&cluster), "OUT");
        let cluster = new();
        cluster.change(|state| state["failing"] = failing.replace("OUT", &place(&cluster)).into());
        let ran = run(&cluster);
        let mut made = calls_of(&cluster);
        if ran.code == 0 {
            assert_eq!((made, things(&cluster)), (calls.clone(), end.clone()), "{failing}: {}", ran.out);
            survived.push(failing);
            continue;
        }
        assert_eq!(ran.code, 1, "{failing}: {}{}", ran.out, ran.err);
        // What it does on its way out.
        while made.last().is_some_and(|call| undoes.iter().any(|undo| call.starts_with(undo))) {
            made.pop();
        }
        assert!(calls.starts_with(&made), "{failing}: it went on: {made:#?}{}", ran.err);
        run(&cluster).ok();
        assert_eq!(things(&cluster), end, "{failing}, and run again");
    }
    survived
}

/// What the waits ask, again and again.
const ASKED_AGAIN: &[&str] = &[
    "-o jsonpath={.status.",
    "-o jsonpath={.items[*].status.phase}",
    "/currentConfig} {.metadata.",
    "get machineconfig ",
    "get machineconfigpool dpu-host --ignore-not-found -o jsonpath={.spec.configuration.name}",
    "get machineconfigpool worker --ignore-not-found -o jsonpath={.spec.configuration.name}",
    "[?(@.spec.unschedulable)]",
];

fn only_what_is_asked_again(survived: &[String]) {
    assert!(!survived.is_empty());
    for call in survived {
        assert!(ASKED_AGAIN.iter().any(|words| call.contains(words)), "done without {call}");
    }
}

fn installation(cluster: &str, values: &str) {
    let new = || Cluster::new(cluster, values, &["a"]);
    only_what_is_asked_again(&survives(new, |cluster| cluster.steps(&["a"]), &[]));
}

fn removal(cluster: &str, values: &str) {
    let installed = || {
        let cluster = Cluster::new(cluster, values, &["a"]);
        cluster.steps(&["a"]).ok();
        cluster.change(|state| state["calls"] = json!([]));
        cluster
    };
    let undoes =
        ["oc adm uncordon a", "kubectl uncordon a", "oc annotate node a ", "kubectl annotate node a "];
    only_what_is_asked_again(&survives(installed, uninstall, &undoes));
}

#[test]
fn an_installation() {
    installation("tenant", TENANT);
}

#[test]
fn an_installation_without_openshift() {
    installation("tenant", KUBERNETES);
    installation("infra", "profile: kubernetes\n");
}

#[test]
fn a_removal() {
    removal("tenant", TENANT);
}

#[test]
fn a_removal_without_openshift() {
    removal("tenant", KUBERNETES);
}
