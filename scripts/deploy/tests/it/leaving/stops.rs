//! What is in the way is said and never waited for in vain; what is ordinary is not in the way.

use serde_json::{Value, json};

use super::{Installed, MODE, ROLE};

#[test]
fn ordinary_states_do_not_stop_it() {
    let cluster = Installed::on(&["a"]);
    cluster.change_object("Node", "a", |node| node["spec"]["taints"] = json!([]));
    for kind in ["CustomResourceDefinition", "SriovNetworkNodePolicy", "SriovNetworkNodeState", "ConfigMap"] {
        cluster.remove(kind);
    }
    cluster.change_object("Node", "a", |node| node["status"]["allocatable"] = json!({}));
    cluster.uninstall().ok();
    cluster.is_as_before(&[]);
}

#[test]
fn what_would_never_end_is_said_at_once() {
    let pool = |change: fn(&mut Value)| {
        let cluster = Installed::on(&["a"]);
        cluster.change_object("MachineConfigPool", "dpu-host", change);
        cluster.uninstall().err
    };
    let said = pool(|pool| pool["spec"]["paused"] = json!(true));
    assert!(
        said.contains("machineconfigpool dpu-host is paused, by somebody: nothing reaches its nodes"),
        "{said}"
    );
    let said = pool(|pool| {
        pool["status"]["conditions"] =
            json!([{ "type": "Degraded", "status": "True", "message": "node a says so" }]);
    });
    assert!(said.contains("machineconfigpool dpu-host is Degraded: node a says so"), "{said}");

    let cluster = Installed::on(&["a"]);
    cluster.change(|state| state["degrading"] = json!({ "a": "no space left" }));
    let ran = cluster.uninstall();
    assert!(
        ran.err.contains("machineconfigpool worker is Degraded: Node a is reporting: \"no space left\""),
        "{}",
        ran.err
    );
    assert!(!cluster.objects("MachineConfigPool").iter().all(|pool| pool["metadata"]["name"] != "dpu-host"));
}

#[test]
fn a_vf_away_from_home_keeps_the_node() {
    let cluster = Installed::on(&["a"]);
    let says = |text: &str| {
        let printed = serde_json::to_string_pretty(&serde_json::from_str::<Value>(text).expect("JSON"));
        cluster.change(|state| state["debug"] = json!({ "a": printed.expect("text") }));
    };
    says(
        r#"[{"device":"0000:03:00.2","state":"free","pod":null},{"device":"0000:03:00.3","pf":"x","state":"orphaned","pod":"a/b"},
            {"device":"0000:03:00.4","state":"used","pod":"c/d"},{"device":"0000:82:00.2","state":"foreign"}]"#,
    );
    let ran = cluster.uninstall();
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let why = "every VF of a to be at home: not within the time given (0000:03:00.3 is orphaned: \
               /var/lib/cni/bin/dpu-host vfs --release 0000:03:00.3 there, 0000:03:00.4 is used)";
    assert!(ran.err.contains(why), "{}", ran.err);
    assert!(!cluster.cordoned("a"));
    assert_eq!(cluster.node("a")["metadata"]["labels"][MODE], "");
    says(r#"[{"device":"0000:03:00.2","state":"free"},{"device":"0000:82:00.2","state":"foreign"}]"#);
    cluster.uninstall().ok();
    cluster.is_as_before(&[]);
}

#[test]
fn a_degraded_node_of_a_silent_pool_stops_it() {
    let cluster = Installed::on(&["a"]);
    cluster.change(|state| {
        state["silent"] = json!(true);
        state["degrading"] = json!({ "a": "no space left" });
    });
    let ran = cluster.uninstall();
    assert!(ran.err.contains("a is Degraded: no space left"), "{}", ran.err);
}

#[test]
fn vfs_that_stay_stop_it() {
    let cluster = Installed::on(&["a"]);
    cluster.change(|state| state["failingVfs"] = json!({ "a": "device or resource busy" }));
    let ran = cluster.uninstall();
    assert!(ran.err.contains("the SR-IOV operator failed on a: device or resource busy"), "{}", ran.err);
    cluster.change(|state| state["failingVfs"] = json!({}));
    // It tries again.
    cluster.cluster.run("sh", &["-c", "sleep 20"]).ok();
    cluster.uninstall().ok();
    cluster.is_as_before(&[]);
}

/// The machine config operator passes over such a node, and does not say so.
#[test]
fn a_node_that_stays_unready_is_not_moved() {
    let cluster = Installed::on(&["a"]);
    cluster.change(|state| state["neverReady"] = json!(["a"]));
    let ran = cluster.uninstall();
    assert!(
        ran.err.contains("a to be Ready (why not: oc describe node a): not within the time given"),
        "{}",
        ran.err
    );
    assert_eq!(cluster.node("a")["metadata"]["labels"][ROLE], "");
    cluster.change_object("Node", "a", |node| node["status"]["conditions"][0]["status"] = json!("True"));
    cluster.uninstall().ok();
    cluster.is_as_before(&[]);
}
