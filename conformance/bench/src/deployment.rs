//! The program behind `scripts/render` and the others that a person types: how long it takes to start, and to answer.

use super::group::{Entry, Group, Role};
use super::process::Invocation;
use super::subject::Field;
use super::verbs;

const GROUP: &str = "deployment tool";
const START: &str = "start";
const ANSWER: &str = "first answer";

/// A pod that can run on a DPU host.
const POD: &str = r#"apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: web}
spec:
  tolerations: [{key: network.operator.openshift.io/dpu-host, operator: Exists, effect: NoSchedule}]
  containers:
    - name: web
      image: example.com/web
      resources: {requests: {openshift.io/dpuvf: "1"}, limits: {openshift.io/dpuvf: "1"}}
"#;

/// Its version, and what it says of a pod.
pub(super) fn group<'l>(field: &Field) -> Group<'l> {
    let call = |args: &[&str]| Invocation {
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        stdin: POD.into(),
        ..Invocation::new(&field.deploy.path)
    };
    let mut entries = verbs::baselines(field, &[START]);
    let steps = [(START, call(&["--version"])), (ANSWER, call(&["pod-spec", "lint", "-"]))];
    entries.push(Entry::new(&field.deploy.name, Role::Ours, steps));
    Group { name: GROUP, entries }
}
