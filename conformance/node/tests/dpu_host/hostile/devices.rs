//! Links of the host that are no VFs of a simulated DPU, whoever says so.

use node::Naming;
use serde_json::json;

use super::*;

#[test]
fn no_other_link_of_the_host_is_given_away() -> Result<()> {
    let node = Node::builder().naming(Naming::Simulated).start()?;
    let neighbour = node.pod("shop", "shop-0")?;
    node.change_host(&format!(
        "link add br0-1 type bridge\n\
         link add veth1234 type veth peer name eth9 netns {pod}\n\
         link add veth0-7 type veth peer name eth8 netns {pod}\n\
         link set veth0-7 master br0-1\n\
         link add veth0-8 type veth peer name eth7 netns {pod}\n\
         address add 192.0.2.1/24 dev veth0-8",
        pod = neighbour.netns().path().display()
    ))?;
    let before = node.host_links()?;
    for (name, why) in [
        ("lo", "simulated"),
        ("br0-1", "simulated"),
        ("veth1234", "simulated"),
        ("veth0-7", "bridge"),
        ("veth0-8", "address"),
    ] {
        let mut conf = node.conf();
        conf["deviceID"] = json!(name);
        let text = refused(&node, &conf, 103)?;
        assert!(text.contains(name) && text.contains(why), "{name}: {text}");
    }
    assert_eq!(node.host_links()?, before);
    Ok(())
}

#[test]
fn a_simulated_vf_is_given() -> Result<()> {
    let node = Node::builder().naming(Naming::Simulated).privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    // Up, it has an address of its own making.
    node.change_host(&format!("link set {} up", node.vfs()[0].name))?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    home(&node, &node.vfs()[0])?;
    Ok(())
}
