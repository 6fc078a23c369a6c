//! More than the cluster's own network, on a privileged server and from an unprivileged one.

use anyhow::Result;
use node::{Generation, Node, Pod, Verb};
use ovnkube::{Failure, UDN_INTERFACE};

use crate::client::call;

const NAD: &str = "web/red";

#[test]
fn a_primary_user_defined_network_is_a_second_vf() -> Result<()> {
    let node = Node::builder().vfs(4).start()?;
    let pods = [node.pod("blue", "web-0")?, node.pod("blue", "web-1")?];
    for (pod, vfs) in pods.iter().zip(node.vfs().chunks(2)) {
        node.give_udn(pod, &vfs[1])?;
        let response = call(&node, Verb::Add, pod, &node.conf_for(&vfs[0]))?;
        let result = response.result.expect("a result");
        let names: Vec<_> =
            (0..4).map(|n| result["interfaces"][n]["name"].as_str().expect("a name")).collect();
        assert_eq!(names, ["", "eth0", "", UDN_INTERFACE]);
        assert_eq!(result["ips"][2]["interface"], 3);
    }
    let far = pods[1].link(UDN_INTERFACE)?.expect("an interface").addresses[0].ip();
    assert!(pods[0].ping(far)?);
    call(&node, Verb::Del, &pods[0], &node.conf_for(&node.vfs()[0]))?;
    assert!(pods[0].link(UDN_INTERFACE)?.is_some(), "upstream leaves it there");
    Ok(())
}

#[test]
fn a_new_unprivileged_server_tells_the_second_vf() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("blue", "web-0")?;
    let [first, second] = node.vfs() else { panic!("two VFs") };
    node.give_udn(&pod, second)?;
    let response = call(&node, Verb::Add, &pod, &node.conf_for(first))?;
    let (udn, request) = (response.udn.expect("an interface"), response.udn_request.expect("a request"));
    assert_eq!((udn.vf_netdev_name.as_str(), udn.role.as_str()), (second.name.as_str(), "primary"));
    assert_eq!((request.if_name.as_str(), request.device_id()), (UDN_INTERFACE, Some(second.device_id())));
    assert_eq!(response.pod.expect("an interface").role, "infrastructure-locked");

    node.behave(|b| b.generation = Generation::Old);
    let response = call(&node, Verb::Add, &pod, &node.conf_for(first))?;
    assert!(response.udn.is_none() && response.udn_request.is_none());
    Ok(())
}

#[test]
fn several_interfaces_of_a_network_share_its_routes() -> Result<()> {
    let node = Node::builder().vfs(3).start()?;
    let mut pod = node.pod("web", "web-0")?;
    call(&node, Verb::Add, &pod, &node.conf_for(&node.vfs()[0]))?;
    node.give_interfaces(&pod, NAD, &["net1", "net2"])?;
    for (name, vf) in ["net1", "net2"].into_iter().zip(&node.vfs()[1..]) {
        pod.ifname = name.into();
        call(&node, Verb::Add, &pod, &node.conf_of_network(NAD, vf))?;
        let table = (100 + pod.link(name)?.expect("an interface").index).to_string();
        for (family, dest) in [("-4", "10.222.0.0/16"), ("-6", "fd22::/64")] {
            assert_eq!(
                destinations(&pod, &[family, "route", "show", "table", &table])?.last().expect("a route"),
                dest
            );
        }
    }
    for (family, dest) in [("-4", "10.222.0.0/16"), ("-6", "fd22::/64")] {
        let routes = pod.ip(&[family, "route", "show", dest])?;
        assert_eq!(routes[0]["nexthops"].as_array().map(Vec::len), Some(2), "{routes}");
    }
    assert_eq!(pod.ip(&["-6", "rule"])?.as_array().map(Vec::len), Some(4));
    assert!(pod.ping("10.202.0.1".parse()?)?);
    let details = node.pod_object(&pod).expect("a pod").details;
    assert_eq!(details.into_keys().collect::<Vec<_>>(), ["default", NAD, "web/red/1"]);
    Ok(())
}

fn destinations(pod: &Pod, args: &[&str]) -> Result<Vec<String>> {
    let routes = pod.ip(args)?;
    let routes = routes.as_array().into_iter().flatten();
    let mut all: Vec<String> = routes.filter_map(|route| route["dst"].as_str()).map(String::from).collect();
    all.sort();
    Ok(all)
}

#[test]
fn scalable_functions_are_refused() -> Result<()> {
    let node = Node::builder().vfs(1).scalable(1).start()?;
    let pod = node.pod("web", "web-0")?;
    let refused = call(&node, Verb::Add, &pod, &node.conf_for(&node.vfs()[1])).expect_err("a refusal");
    assert!(
        matches!(&refused, Failure::Refused(text) if text.contains("only VF PCI IDs are supported")),
        "{refused}"
    );
    Ok(())
}
