//! ADD and DEL of both kinds of server.

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

#[test]
fn a_healthy_server_is_ready() -> Result<()> {
    assert_eq!(status(&Node::builder().vfs(0).start()?)?, Health::Ready);
    Ok(())
}
