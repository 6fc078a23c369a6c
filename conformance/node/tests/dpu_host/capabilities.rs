//! The plugins with no more capabilities than the README says they need. They keep user ID 0: a runtime that drops
//! capabilities leaves that.

use serde_json::json;

use super::*;

/// `setns` into the pod's namespace.
const LOOK: &str = "+sys_admin";
/// The same, and links, addresses and routes.
const CHANGE: &str = "+sys_admin,+net_admin";
const NONE: &str = "";

fn call<'n>(node: &'n Node, verb: Verb, pod: &Pod, conf: &Value, capabilities: &str) -> Result<Call<'n>> {
    Ok(node.call(PLUGIN, verb)?.pod(pod).conf(conf).with(capabilities))
}

#[test]
fn what_each_verb_needs_is_enough() -> Result<()> {
    for privileged in [false, true] {
        let node = Node::builder().privileged(privileged).start()?;
        let vf = &node.vfs()[0];
        let before = home(&node, vf)?;
        let mut conf = node.conf_for(vf);
        conf["logFile"] = json!("/var/log/dpu-cni/dpu-host.log");
        let pod = node.pod("web", "web-0")?;
        node.call(PLUGIN, Verb::Version)?.conf(&conf).with(NONE).run()?.ok()?;
        node.call(PLUGIN, Verb::Status)?.conf(&conf).with(NONE).run()?.ok()?;
        let result = call(&node, Verb::Add, &pod, &conf, CHANGE)?.run()?.ok()?;
        call(&node, Verb::Check, &pod, &after(conf.clone(), result), LOOK)?.run()?.ok()?;
        call(&node, Verb::Del, &pod, &conf, CHANGE)?.run()?.ok()?;
        assert_eq!(home(&node, vf)?, before);

        let pod = node.pod("web", "web-1")?;
        call(&node, Verb::Add, &pod, &conf, CHANGE)?.run()?.ok()?;
        node.lose_netns(&pod)?;
        node.call(PLUGIN, Verb::Gc)?.conf(&conf).with(CHANGE).run()?.ok()?;
        assert_eq!(home(&node, vf)?, before);
        assert!(left(&node)?.iter().all(|file| !file.starts_with("devices/")), "{:?}", left(&node)?);
    }
    Ok(())
}

/// Otherwise the test above would prove nothing.
#[test]
fn with_fewer_they_fail_and_lose_no_vf() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let vf = &node.vfs()[0];
    let conf = node.conf_for(vf);
    let before = home(&node, vf)?;
    let pod = node.pod("web", "web-0")?;
    for capabilities in [NONE, LOOK, "+net_admin"] {
        let (_, text) = call(&node, Verb::Add, &pod, &conf, capabilities)?.run()?.error()?;
        assert!(text.contains("not permitted"), "{capabilities}: {text}");
        assert_eq!(home(&node, vf)?, before, "{capabilities}");
    }
    let result = call(&node, Verb::Add, &pod, &conf, CHANGE)?.run()?.ok()?;
    let (_, text) = call(&node, Verb::Check, &pod, &after(conf.clone(), result), NONE)?.run()?.error()?;
    assert!(text.contains("not permitted"), "{text}");
    // A runtime calls again, and then the VF is still known.
    for capabilities in [NONE, LOOK] {
        call(&node, Verb::Del, &pod, &conf, capabilities)?.run()?.error()?;
    }
    call(&node, Verb::Del, &pod, &conf, CHANGE)?.run()?.ok()?;
    assert_eq!(home(&node, vf)?, before);
    Ok(())
}

#[test]
fn the_placeholder_needs_none() -> Result<()> {
    let node = Node::builder().vfs(0).start()?;
    let pod = node.pod("web", "web-0")?;
    let conf = json!({
        "cniVersion": "1.1.0",
        "name": "n",
        "type": "dpu-nic-placeholder",
        "logFile": "/var/log/dpu-cni/placeholder.log",
    });
    for (verb, succeeds) in [
        (Verb::Version, true),
        (Verb::Status, true),
        (Verb::Add, false),
        (Verb::Check, false),
        (Verb::Del, true),
        (Verb::Gc, true),
    ] {
        let output = node.call("dpu-nic-placeholder", verb)?.pod(&pod).conf(&conf).with(NONE).run()?;
        if succeeds {
            output.ok()?;
        } else {
            assert_eq!(output.error()?.0, 100, "{verb:?}");
        }
    }
    assert!(node.root().join("var/log/dpu-cni/placeholder.log").metadata()?.len() > 0);
    Ok(())
}
