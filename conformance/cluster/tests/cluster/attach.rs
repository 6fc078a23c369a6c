//! `dpu-host` on a DPU host's node: pods come and go.

use cluster::objects;
use serde_json::Value;

use super::support::{Alone, delete, host, vfs};

/// Addresses of a pod, IPv4 first.
pub(crate) fn addresses(pod: &Value) -> Vec<String> {
    let ips = pod["status"]["podIPs"].as_array().unwrap();
    ips.iter().map(|ip| ip["ip"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pods_reach_each_other_and_a_pod_without_a_vf_is_told_what_it_lacks() {
    let cluster = host(4);
    cluster.apply(&[objects::pod("a"), objects::pod("b"), objects::pod_without_vf("c")]).unwrap();
    cluster.until_runs("a").unwrap();
    let other = addresses(&cluster.until_runs("b").unwrap());
    assert_eq!(other.len(), 2, "{other:?}");
    for address in &other {
        cluster.kubectl(&["exec", "a", "--", "ping", "-c", "1", "-W", "5", address]).unwrap();
    }
    assert_eq!(vfs(&cluster).iter().filter(|vf| vf.is_none()).count(), 2);

    let event = cluster.until_event("c", "FailedCreatePodSandBox").unwrap();
    assert!(event.contains("resources.limits['openshift.io/dpuvf']: '1'"), "{event}");

    delete(&cluster, &["a", "c"]);
    delete(&cluster, &["b", "--force", "--grace-period=0"]);
    for pod in ["a", "b", "c"] {
        cluster.until_gone(pod).unwrap();
    }
    cluster.until_all_home();
}

/// The API server lets go of a pod at once; its sandbox, and the VF in it, are the kubelet's affair. The next pod of
/// the name asks before that is done.
#[test]
fn a_stateful_set_makes_its_pods_anew_under_the_same_names() {
    let cluster = host(4);
    cluster.apply(&[objects::stateful_set("db", 4)]).unwrap();
    let names = ["db-0", "db-1", "db-2", "db-3"];
    for force in [&[][..], &["--force", "--grace-period=0"], &[]] {
        let before = names.map(|name| cluster.until_runs(name).unwrap()["metadata"]["uid"].clone());
        cluster.until_settled(&names);
        delete(&cluster, &[&["-l", "app=db"], force].concat());
        for (name, old) in names.iter().zip(&before) {
            let is_new = |pod: &Value| (pod["metadata"]["uid"] != *old).then_some(());
            cluster.until_pod(name, "is a new one", is_new).unwrap();
        }
    }
    for name in names {
        cluster.until_runs(name).unwrap();
    }
    cluster.until_settled(&names);
    cluster.kubectl(&["delete", "statefulset", "db", "--wait=false"]).unwrap();
    cluster.until_all_home();
}

#[test]
fn forty_pods_of_a_second_go_through_eight_vfs() {
    let cluster = host(8);
    let names: Vec<String> = (0..40).map(|number| format!("job-{number}")).collect();
    let pods: Vec<Value> = names.iter().map(|name| objects::short_pod(name, 1)).collect();
    cluster.apply(&pods).unwrap();
    cluster
        .until("all pods are done", || {
            let pods = cluster.api().list("/api/v1/namespaces/default/pods").ok()?;
            assert!(pods.iter().all(|pod| pod["status"]["phase"] != "Failed"), "{pods:#?}");
            pods.iter().all(|pod| pod["status"]["phase"] == "Succeeded").then_some(())
        })
        .unwrap_or_else(|error| {
            panic!("{}\n{error:#}", cluster.kubectl(&["get", "pods"]).unwrap_or_default())
        });
    assert_eq!(cluster.refused(), Vec::<String>::new());
    cluster.until_all_home();
}

#[test]
fn fifty_pods_at_once_and_the_roll_over_of_a_daemon_set() {
    let cluster = host(51);
    cluster.apply(&[objects::stateful_set("web", 50), objects::daemon_set("agent", "1")]).unwrap();
    until_running(&cluster, "app=web", 50);
    until_running(&cluster, "app=agent", 1);
    let version =
        |version: &'static str| move |pod: &Value| pod["spec"]["containers"][0]["env"][0]["value"] == version;
    cluster.apply(&[objects::daemon_set("agent", "2")]).unwrap();
    cluster
        .until("the second version of the agent runs", || {
            let pods = running(&cluster, "app=agent")?;
            (pods.len() == 1 && pods.iter().all(version("2"))).then_some(())
        })
        .unwrap();
    cluster.kubectl(&["delete", "statefulset", "web", "--wait=false"]).unwrap();
    cluster.kubectl(&["delete", "daemonset", "agent", "--wait=false"]).unwrap();
    cluster.until_all_home();
}

fn running(cluster: &Alone, label: &str) -> Option<Vec<Value>> {
    let pods = cluster.api().list(&format!("/api/v1/namespaces/default/pods?labelSelector={label}")).ok()?;
    Some(pods.into_iter().filter(|pod| pod["status"]["phase"] == "Running").collect())
}

fn until_running(cluster: &Alone, label: &str, count: usize) {
    let run = || (running(cluster, label)?.len() == count).then_some(());
    cluster.until(&format!("{count} pods of {label} run"), run).unwrap();
}
