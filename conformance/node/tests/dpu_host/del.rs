//! DEL: the VF is home, as it was, whatever happened.

use anyhow::{Context, Result};
use node::{Card, Naming, Node, Verb};
use serde_json::json;

use super::*;

#[test]
fn del_may_be_repeated_or_come_without_an_add() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    for _ in 0..3 {
        del(&node, &pod, &node.vfs()[0])?.ok()?;
    }
    del(&node, &node.pod("web", "never")?, &node.vfs()[1])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn twenty_at_once_are_as_good_as_one() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    let conf = node.conf_for(&node.vfs()[0]);
    let running: Vec<_> = (0..20)
        .map(|_| node.call(PLUGIN, Verb::Del)?.pod(&pod).conf(&conf).spawn())
        .collect::<Result<_>>()?;
    for one in running {
        one.wait()?.ok()?;
    }
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    Ok(())
}

#[test]
fn comes_home_when_the_namespace_died_first() -> Result<()> {
    for privileged in [false, true] {
        let (node, pod, before) = attached(privileged)?;
        node.lose_netns(&pod)?;
        assert!(node.host_link("eth0")?.is_some());
        del(&node, &pod, &node.vfs()[0])?.ok()?;
        assert_eq!(home(&node, &node.vfs()[0])?, before);
        assert!(left(&node)?.is_empty());
    }
    Ok(())
}

#[test]
fn comes_home_without_its_configuration() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    node.run(PLUGIN, Verb::Del, &pod, &node.conf())?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn comes_home_when_the_pod_object_is_gone() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    node.delete_pod(&pod);
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn comes_home_from_whatever_the_pod_made_of_it() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    pod.change(
        "link set eth0 down\nlink set eth0 name uplink\nlink set uplink mtu 1280 address 02:00:00:00:00:99\n\
         link set uplink alias mine\nlink property add dev uplink altname theirs\nlink set uplink promisc on\n\
         link set uplink allmulticast on\nlink set uplink up",
    )?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn keeps_what_the_administrator_gave_it() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let vf = &node.vfs()[0];
    node.change_host(&format!(
        "link set {0} alias spare\nlink property add dev {0} altname enp3s0f0v0\nlink set {0} mtu 9000\n\
         link set {0} promisc on",
        vf.name
    ))?;
    let before = home(&node, vf)?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, vf)?.ok()?;
    pod.change(
        "link set eth0 promisc off\nlink set eth0 alias other\nlink property del dev eth0 altname enp3s0f0v0",
    )?;
    del(&node, &pod, vf)?.ok()?;
    assert_eq!(home(&node, vf)?, before);
    Ok(())
}

#[test]
fn waits_for_its_name_and_gets_it_back() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    let name = &node.vfs()[0].name;
    node.change_host(&format!("link add dev {name} type bridge"))?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    let waiting =
        node.host_links()?.into_iter().find(|link| link.index == before.index).context("it is lost")?;
    assert_ne!(&waiting.name, name);
    assert!(!waiting.up);
    let row = row(&node, node.vfs()[0].device_id())?;
    assert_eq!(row["state"], "waiting", "{row}");
    node.change_host(&format!("link del {name}"))?;
    // Any call does it.
    del(&node, &node.pod("web", "other")?, &node.vfs()[1])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    assert!(left(&node)?.is_empty());
    Ok(())
}

#[test]
fn the_host_may_have_an_eth0_of_its_own() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    node.change_host("link add dev eth0 type bridge")?;
    let before = home(&node, &node.vfs()[0])?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn a_late_del_touches_no_newer_sandbox() -> Result<()> {
    let (node, old, _) = attached(false)?;
    node.lose_netns(&old)?;
    // The new sandbox finds the VF as eth0 on the host, its holder dead.
    node.refresh_sysfs()?;
    let new = node.another_sandbox(&old)?;
    // It comes while the new one's server is awaited, and again when all is done.
    node.behave(|b| b.card = Card::Never);
    let conf = node.conf_for(&node.vfs()[0]);
    let known = node.received().len();
    let running = node.call(PLUGIN, Verb::Add)?.pod(&new).conf(&conf).spawn()?;
    node.wait_received(known + 1)?;
    del(&node, &old, &node.vfs()[0])?.ok()?;
    node.behave(|b| b.card = Card::Ready);
    running.wait()?.ok()?;
    del(&node, &old, &node.vfs()[0])?.ok()?;
    assert!(new.link("eth0")?.is_some_and(|link| link.up));
    let row = &vfs(&node)?[0];
    assert_eq!((&row["state"], &row["container"]), (&json!("used"), &json!(new.container)), "{row}");
    del(&node, &new, &node.vfs()[0])?.ok()?;
    home(&node, &node.vfs()[0])?;
    assert!(left(&node)?.is_empty());
    Ok(())
}

#[test]
fn takes_over_pods_that_upstreams_plugin_attached() -> Result<()> {
    let node = Node::builder().naming(Naming::Simulated).privileged(false).start()?;
    let before = home(&node, &node.vfs()[0])?;
    let pod = node.pod("web", "web-0")?;
    let result = add(&node, &pod, &node.vfs()[0])?.ok()?;
    // Upstream's plugin keeps no records.
    std::fs::remove_dir_all(node.root().join("run/dpu-cni"))?;
    let conf = node.conf_for(&node.vfs()[0]);
    let attached = pod.link("eth0")?;
    node.run(PLUGIN, Verb::Check, &pod, &after(conf.clone(), result))?.ok()?;
    gc(&node, Some(json!([])))?;
    gc(&node, None)?;
    assert_eq!(pod.link("eth0")?, attached, "it is not ours to touch while the pod lives");
    node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?.index, before.index);
    assert!(pod.links()?.is_empty());
    Ok(())
}

#[test]
fn a_namespace_closed_to_us_loses_no_vf() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    // Without CAP_SYS_ADMIN nobody enters a namespace.
    let call = node.call(PLUGIN, Verb::Del)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0]));
    call.with("+net_admin").run()?.error()?;
    assert!(pod.link("eth0")?.is_some());
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn a_strangers_del_takes_no_vf() -> Result<()> {
    let node = Node::builder().naming(Naming::Simulated).privileged(false).start()?;
    let (vf, pod, stranger) = (&node.vfs()[0], node.pod("web", "web-0")?, node.pod("web", "stranger")?);
    let result = add(&node, &pod, vf)?.ok()?;
    // With the namespace and the device of a pod that has a record of its own.
    let netns = pod.netns().path().to_string_lossy().into_owned();
    let call = node.call(PLUGIN, Verb::Del)?.pod(&stranger).conf(&node.conf_for(vf));
    call.env("CNI_NETNS", netns).run()?.ok()?;
    node.run(PLUGIN, Verb::Check, &pod, &after(node.conf_for(vf), result))?.ok()?;
    Ok(())
}

/// containerd passes today's configuration to the DEL of yesterday's pod.
#[test]
fn a_network_may_be_renamed_under_a_running_pod() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    let mut renamed = node.conf_for(&node.vfs()[0]);
    renamed["name"] = json!("tomorrow");
    let other = node.pod("web", "other")?;
    node.run(PLUGIN, Verb::Del, &other, &renamed)?.ok()?;
    assert!(pod.link("eth0")?.is_some(), "it is another container's");
    let path = record(&node)?.0;
    let name = path.file_name().context("no name")?.to_string_lossy().into_owned();
    let twin = path.with_file_name(name.replace(&name[name.len() - 21..], "0123456789abcdef.json"));
    fs::copy(&path, &twin)?;
    node.run(PLUGIN, Verb::Del, &pod, &renamed)?.ok()?;
    assert!(path.exists() && twin.exists(), "which of two is meant cannot be told");
    fs::remove_file(twin)?;
    node.run(PLUGIN, Verb::Del, &pod, &renamed)?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    let heard = node.received().pop().context("nothing received")?;
    assert_eq!(heard.config["name"], node.conf()["name"], "the server knows it by its old name");
    Ok(())
}
