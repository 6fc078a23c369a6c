//! DEL and GC: the VF is home, as it was, whatever happened.

use anyhow::{Context, Result};
use conformance::node::{Answer, Card, Naming, Node, Verb};
use serde_json::{Value, json};

use super::*;

/// A node, a pod attached to its first VF, and that VF as it was before.
fn attached(privileged: bool) -> Result<(Node, Pod, LinkState)> {
    let node = Node::builder().privileged(privileged).start()?;
    let before = home(&node, &node.vfs()[0])?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    Ok((node, pod, before))
}

#[test]
fn a_detached_pod_may_be_detached_again_and_one_that_never_was_too() -> Result<()> {
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
    let row =
        vfs(&node)?.into_iter().find(|row| row["device"] == node.vfs()[0].device_id()).context("no row")?;
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
fn a_server_that_is_down_hears_of_it_later() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    node.stop_server();
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    assert_eq!(left(&node)?.len(), 1);
    node.start_server()?;
    let known = node.received().len();
    del(&node, &node.pod("web", "other")?, &node.vfs()[1])?.ok()?;
    node.idle()?;
    let told: Vec<_> = node.received().split_off(known);
    assert!(told.iter().any(|request| request.env["CNI_CONTAINERID"] == pod.container), "{told:?}");
    assert!(left(&node)?.is_empty());
    Ok(())
}

#[test]
fn a_server_that_cannot_act_on_it_now_hears_of_it_later() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    for (refusal, again) in [("etcdserver: request timed out", true), ("broken stdin args", false)] {
        node.behave(|b| b.del = Answer::Refuse(format!("[web/web-0 1234] failed to update pod: {refusal}")));
        del(&node, &pod, &node.vfs()[0])?.ok()?;
        assert_eq!(home(&node, &node.vfs()[0])?, before);
        assert_eq!(!left(&node)?.is_empty(), again, "{refusal}: {:?}", left(&node)?);
        node.behave(|b| b.del = Answer::Proper);
        del(&node, &node.pod("web", "other")?, &node.vfs()[1])?.ok()?;
        node.idle()?;
        let object = node.pod_object(&pod).context("no pod")?;
        assert!(object.details.is_empty() && left(&node)?.is_empty(), "{refusal}");
    }
    Ok(())
}

#[test]
fn a_del_that_is_refused_keeps_no_other_from_being_told_and_is_not_told_for_ever() -> Result<()> {
    let node = Node::builder().privileged(false).vfs(3).start()?;
    let pods = [node.pod("web", "a")?, node.pod("web", "b")?];
    for (pod, vf) in pods.iter().zip(node.vfs()) {
        add(&node, pod, vf)?.ok()?;
    }
    node.behave(|b| b.del = Answer::Refuse("failed to update pod: etcdserver: request timed out".into()));
    for (pod, vf) in pods.iter().zip(node.vfs()) {
        del(&node, pod, vf)?.ok()?;
    }
    let told = |call: usize| -> Result<bool> {
        let known = node.received().len();
        let other = node.pod("web", &format!("other-{call}"))?;
        add(&node, &other, &node.vfs()[2])?.ok()?;
        del(&node, &other, &node.vfs()[2])?.ok()?;
        let told = node.received().split_off(known);
        Ok(pods.iter().all(|pod| told.iter().any(|request| request.env["CNI_CONTAINERID"] == pod.container)))
    };
    assert!(told(1)?, "the first refusal was the last word");
    for file in left(&node)? {
        let path = node.root().join("run/dpu-cni").join(file);
        let mut untold: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        untold["since"] = json!(untold["since"].as_u64().context("no time")? - 2 * 3600);
        std::fs::write(&path, untold.to_string())?;
    }
    told(2)?;
    // The last one has just been refused for the first time.
    assert!(left(&node)?.iter().all(|file| !pods.iter().any(|pod| file.contains(&pod.container))));
    Ok(())
}

#[test]
fn a_del_that_was_not_heard_is_not_told_of_a_pod_that_is_attached_again() -> Result<()> {
    // A privileged server takes the VF out of the pod.
    let (node, pod, _) = attached(true)?;
    node.behave(|b| b.del = Answer::HangUp);
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    node.behave(|b| b.del = Answer::Proper);
    // cnitool names a container after its namespace: it is the same one again.
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    node.idle()?;
    assert!(pod.link("eth0")?.is_some_and(|link| link.up), "{:?}", node.commands());
    Ok(())
}

#[test]
fn a_server_that_hangs_holds_up_no_del() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    node.behave(|b| b.del = Answer::Hang);
    let running = node.call(PLUGIN, Verb::Del)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0])).spawn()?;
    running.wait()?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn a_late_del_of_an_old_sandbox_touches_no_newer_one() -> Result<()> {
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

fn gc(node: &Node, valid: Option<Value>) -> Result<()> {
    let mut conf = node.conf();
    if let Some(valid) = valid {
        conf["cni.dev/valid-attachments"] = valid;
    }
    node.call(PLUGIN, Verb::Gc)?.conf(&conf).run()?.ok()?;
    Ok(())
}

#[test]
fn gc_reclaims_what_is_not_listed_and_nothing_else() -> Result<()> {
    let node = Node::builder().privileged(false).vfs(3).start()?;
    let before: Vec<_> = node.vfs().iter().map(|vf| home(&node, vf)).collect::<Result<_>>()?;
    let stale = node.pod("web", "stale")?;
    let living = node.pod("blue", "living")?;
    node.give_udn(&living, &node.vfs()[2])?;
    add(&node, &stale, &node.vfs()[0])?.ok()?;
    add(&node, &living, &node.vfs()[1])?.ok()?;
    gc(&node, Some(json!([{"containerID": living.container, "ifname": "eth0"}])))?;
    assert_eq!(home(&node, &node.vfs()[0])?, before[0]);
    // The list has eth0 only, and ovn-udn1 belongs to it.
    assert!(living.link("eth0")?.is_some() && living.link("ovn-udn1")?.is_some());
    gc(&node, Some(Value::Null))?;
    assert!(living.links()?.is_empty());
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    Ok(())
}

#[test]
fn gc_without_a_list_reclaims_what_has_no_namespace() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let before = home(&node, &node.vfs()[0])?;
    let gone = node.pod("web", "gone")?;
    let living = node.pod("web", "living")?;
    add(&node, &gone, &node.vfs()[0])?.ok()?;
    add(&node, &living, &node.vfs()[1])?.ok()?;
    node.lose_netns(&gone)?;
    gc(&node, None)?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    assert!(living.link("eth0")?.is_some());
    Ok(())
}

#[test]
fn gc_leaves_other_networks_alone() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    let mut conf = node.conf();
    conf["name"] = json!("another");
    conf["cni.dev/valid-attachments"] = json!([]);
    node.call(PLUGIN, Verb::Gc)?.conf(&conf).run()?.ok()?;
    assert!(pod.link("eth0")?.is_some());
    Ok(())
}

#[test]
fn any_call_reclaims_a_few_whose_pod_is_gone() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    node.lose_netns(&pod)?;
    del(&node, &node.pod("web", "other")?, &node.vfs()[1])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn a_namespace_that_lives_but_cannot_be_entered_loses_no_vf() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    // Without CAP_SYS_ADMIN nobody enters a namespace.
    let program = conformance::binaries::plugin(PLUGIN)?;
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-all,+net_admin", "--inh-caps", "-all"]).arg(program);
    command.env("CNI_COMMAND", "DEL").env("CNI_CONTAINERID", &pod.container).env("CNI_IFNAME", "eth0");
    command.env("CNI_NETNS", pod.netns().path()).env("CNI_ARGS", pod.args()).env("CNI_PATH", "/x");
    command.env("DPU_CNI_ROOT", node.root());
    let conf = node.root().join("conf");
    std::fs::write(&conf, node.conf_for(&node.vfs()[0]).to_string())?;
    command.stdin(std::fs::File::open(conf)?);
    let output = node.host().netns().run(|| command.output())??;
    assert!(!output.status.success(), "{output:?}");
    assert!(pod.link("eth0")?.is_some());
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn a_del_of_a_stranger_takes_no_vf_that_is_anothers() -> Result<()> {
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
