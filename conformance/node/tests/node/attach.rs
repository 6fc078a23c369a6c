//! ADD and DEL of both kinds of server.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use node::{Node, Verb};
use ovnkube::Health;

use crate::client::{call, status};

#[test]
fn a_privileged_server_gives_only_the_name_back() -> Result<()> {
    let node = Node::builder().vfs(2).start()?;
    let pods = [node.pod("web", "web-0")?, node.pod("web", "web-1")?];
    for (pod, vf) in pods.iter().zip(node.vfs()) {
        let response = call(&node, Verb::Add, pod, &node.conf_for(vf))?;
        assert!(response.pod.is_none(), "{response:?}");
        assert!(node.host_link(&vf.name)?.is_none());
        let wanted = node.pod_object(pod).expect("a pod").interfaces["eth0"].clone();
        let link = pod.link("eth0")?.expect("an interface");
        assert_eq!(link.index, vf.link);
        assert_eq!((link.mtu, link.up), (1400, true));
        assert_eq!(link.addresses, wanted.ips);
        assert_eq!(response.result.expect("a result")["interfaces"][1]["mac"], link.mac);
    }
    for ip in node.pod_object(&pods[1]).expect("a pod").interfaces["eth0"].ips.clone() {
        assert!(pods[0].ping(ip.ip())?, "{ip}");
    }
    for (pod, vf) in pods.iter().zip(node.vfs()) {
        call(&node, Verb::Del, pod, &node.conf_for(vf))?;
        let home = node.host_link(&vf.name)?.expect("at home");
        assert!(!home.up && home.mtu == 1400 && home.mac != vf.mac, "as upstream leaves it: {home:?}");
    }
    Ok(())
}

#[test]
fn an_unprivileged_server_says_what_to_do() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let vf = &node.vfs()[1];
    let added = call(&node, Verb::Add, &pod, &node.conf_for(vf))?;
    let interface = added.pod.expect("an interface");
    assert_eq!(added.result, None);
    assert_eq!((interface.vf_netdev_name.as_str(), interface.mtu), (vf.name.as_str(), 1400));
    assert_eq!(interface.pod_uid, pod.uid);
    assert!(node.host_link(&vf.name)?.is_some());

    let deleted = call(&node, Verb::Del, &pod, &node.conf_for(vf))?;
    assert_eq!(deleted.pod.expect("an interface").vf_netdev_name, vf.name);
    let again = call(&node, Verb::Del, &pod, &node.conf_for(vf))?;
    assert_eq!(again.result, Some(serde_json::json!({})), "nothing is known of it any more");
    assert_eq!(node.commands(), ["ADD", "DEL", "DEL"]);
    Ok(())
}

/// Nobody told it that a StatefulSet's pod has gone and come again.
#[test]
fn a_pod_that_it_invented_gives_way_to_another_one_of_its_name() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let conf = node.conf_for(&node.vfs()[0]);
    let mut old = node.pod("web", "web-0")?;
    old.name = String::from("db-0");
    call(&node, Verb::Add, &old, &conf)?;
    let mut new = node.another_sandbox(&old)?;
    new.uid = String::from("another");
    assert_eq!(call(&node, Verb::Add, &new, &conf)?.pod.expect("an interface").pod_uid, "another");
    call(&node, Verb::Add, &old, &conf).expect_err("the old one is gone");
    Ok(())
}

/// A real API server's pods come and go without a word to it.
#[test]
fn it_looks_for_pods_where_it_is_told_to() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let conf = node.conf_for(&node.vfs()[0]);
    let mut pod = node.pod("web", "web-0")?;
    pod.name = String::from("db-0");
    let uid = Arc::new(Mutex::new(Some(String::from("first"))));
    let told = uid.clone();
    node.look_up_pods(move |_, name| Ok(told.lock().expect("no panic").clone().filter(|_| name == "db-0")));
    let set = |value: Option<&str>| *uid.lock().expect("no panic") = value.map(String::from);
    for alive in ["first", "second"] {
        set(Some(alive));
        pod.uid = alive.into();
        assert_eq!(call(&node, Verb::Add, &pod, &conf)?.pod.expect("an interface").pod_uid, alive);
    }
    set(None);
    call(&node, Verb::Add, &pod, &conf).expect_err("the pod is gone");
    Ok(())
}

#[test]
fn a_healthy_server_is_ready() -> Result<()> {
    assert_eq!(status(&Node::builder().vfs(0).start()?)?, Health::Ready);
    Ok(())
}
