//! A pod whose VF went away with its card, and what it gets back.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};
use node::{Answer, Families, Generation, Kubelet, Lease, Naming, Node, Verb};
use serde_json::{Value, json};

use super::*;

/// What the record has of this device's addresses and routes, in no order.
fn noted(node: &Node, at: usize) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
    let (_, record) = record(node)?;
    let list = |key: &str| -> BTreeSet<String> {
        let values = record["devices"][at]["plumbing"][key].as_array().cloned().unwrap_or_default();
        values.iter().map(Value::to_string).collect()
    };
    Ok((list("addresses"), list("routes")))
}

/// Attaches a pod with a primary user-defined network, on the first two VFs.
fn attach_with_udn(node: &Node) -> Result<(Pod, Value)> {
    let pod = node.pod("web", "web-0")?;
    let conf = with_two_vfs(node, &pod)?;
    let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    Ok((pod, after(conf, result)))
}

#[test]
fn what_a_server_has_done_itself_is_noted_as_what_it_asked_for() -> Result<()> {
    let mut both = Vec::new();
    for privileged in [true, false] {
        let node = Node::builder().privileged(privileged).start()?;
        attach_with_udn(&node)?;
        both.push([noted(&node, 0)?, noted(&node, 1)?]);
    }
    assert_eq!(both[0], both[1]);
    let [(addresses, routes), _] = &both[0];
    assert!(addresses.len() == 2 && routes.len() >= 2, "{both:?}");
    Ok(())
}

/// What `dpu-host vfs --restore` says of each VF: its outcome, and why. Its exit status says the same of all of them, and
/// each that its pod does not have gets a line for the journal.
fn restore(node: &Node) -> Result<Vec<(String, String)>> {
    let output = vfs_ended(node, &["--restore", "--json"])?;
    let lines: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let is = |outcome: &str| lines.iter().any(|line| line["outcome"] == outcome);
    let status = if is("cannot") { 1 } else { i32::from(is("waits")) * 3 };
    ensure!(output.status.code() == Some(status), "{output:?}");
    let journal = String::from_utf8(output.stderr)?;
    for line in lines.iter().filter(|line| !line["note"].is_null()) {
        let [device, pod, outcome] = ["device", "pod", "outcome"].map(|key| text(line, key));
        let said = format!("dpu-host: VF {device} of pod {pod} {outcome}: ");
        ensure!(journal.lines().filter(|line| line.starts_with(&said)).count() == 1, "{said} {journal}");
    }
    Ok(lines.iter().map(|line| (text(line, "outcome"), text(line, "note"))).collect())
}

/// The outcomes alone.
fn outcomes(node: &Node) -> Result<Vec<String>> {
    Ok(restore(node)?.into_iter().map(|(outcome, _)| outcome).collect())
}

/// The card goes down and comes back.
fn reset(node: &Node) -> Result<()> {
    node.card_goes_down()?;
    node.card_comes_up()
}

/// All that a pod has on an interface, its index aside.
fn inside(pod: &Pod, ifname: &str) -> Result<Value> {
    let link = pod.link(ifname)?.with_context(|| format!("no {ifname}"))?;
    let routes = |family: &str| -> Result<Vec<String>> {
        let routes = pod.ip(&[family, "route", "show", "table", "all", "dev", ifname])?;
        let mut routes: Vec<String> = routes
            .as_array()
            .into_iter()
            .flatten()
            .filter(|route| route["protocol"] != "kernel")
            .map(Value::to_string)
            .collect();
        routes.sort();
        Ok(routes)
    };
    let setting = |key: &str| {
        let path = format!("/proc/sys/net/ipv6/conf/{ifname}/{key}");
        pod.netns().netns().run(|| fs::read_to_string(path))
    };
    let settings: Vec<String> = ["disable_ipv6", "dad_transmits", "addr_gen_mode", "accept_ra"]
        .iter()
        .map(|key| Ok(setting(key)??))
        .collect::<Result<_>>()?;
    let addresses: Vec<String> = link.addresses.iter().map(ToString::to_string).collect();
    Ok(json!({"mac": link.mac, "mtu": link.mtu, "up": link.up, "addresses": addresses, "v4": routes("-4")?,
        "v6": routes("-6")?, "settings": settings}))
}

#[test]
fn a_pod_has_everything_back_and_its_vf_goes_home_as_the_new_one_was() -> Result<()> {
    for naming in [Naming::Pci, Naming::Simulated] {
        for (generation, privileged) in
            [(Generation::New, false), (Generation::New, true), (Generation::Old, true)]
        {
            if (naming, generation) != (Naming::Simulated, Generation::Old) {
                let node =
                    Node::builder().naming(naming).generation(generation).privileged(privileged).start()?;
                everything_back(&node)
                    .with_context(|| format!("{naming:?}, {generation:?}, privileged {privileged}"))?;
            }
        }
    }
    Ok(())
}

fn everything_back(node: &Node) -> Result<()> {
    let pod = node.pod("web", "web-0")?;
    let conf = node.conf_for(&node.vfs()[0]);
    let result = node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    let conf = after(conf, result);
    let before = inside(&pod, "eth0")?;
    ensure!(outcomes(node)? == ["there"], "nothing is lost");
    reset(node)?;
    ensure!(pod.link("eth0")?.is_none(), "its VF is gone");
    let new = home(node, &node.vfs()[0])?;
    ensure!(new.mac != node.vfs()[0].mac, "another function has another MAC");

    ensure!(outcomes(node)? == ["restored"]);
    assert_eq!(inside(&pod, "eth0")?, before);
    let gateway = node.pod_object(&pod).context("no pod")?.interfaces["eth0"].gateways[0];
    ensure!(pod.ping(gateway)?, "the gateway does not answer");
    node.run(PLUGIN, Verb::Check, &pod, &conf)?.ok()?;
    let row = row(node, node.vfs()[0].device_id())?;
    ensure!(
        row["state"] == "used" && row["restored"]["count"] == 1 && row["restored"]["at"].as_u64() > Some(0),
        "{row}"
    );
    ensure!(vfs_as(node, &["--prometheus"])?.contains("dpu_cni_vf_restored_total{device="));
    ensure!(outcomes(node)? == ["there"], "it is done once");

    node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    assert_eq!(home(node, &node.vfs()[0])?, new);
    ensure!(left(node)?.is_empty(), "{:?}", left(node)?);
    Ok(())
}

#[test]
fn a_pod_of_a_user_defined_network_has_both_back() -> Result<()> {
    for privileged in [true, false] {
        let node = Node::builder().privileged(privileged).families(Families::Dual).start()?;
        let (pod, conf) = attach_with_udn(&node)?;
        let before = (inside(&pod, "eth0")?, inside(&pod, "ovn-udn1")?);
        reset(&node)?;
        let new = homes(&node)?;
        assert_eq!(outcomes(&node)?, ["restored", "restored"], "privileged {privileged}");
        assert_eq!((inside(&pod, "eth0")?, inside(&pod, "ovn-udn1")?), before, "privileged {privileged}");
        node.run(PLUGIN, Verb::Check, &pod, &conf)?.ok()?;
        node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
        assert_eq!(homes(&node)?, new);
    }
    Ok(())
}

#[test]
fn several_interfaces_of_a_network_have_their_tables_and_rules_back() -> Result<()> {
    let node = Node::builder().vfs(3).privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let names = ["net1", "net2"];
    node.give_interfaces(&pod, "web/blue", &names)?;
    for (name, vf) in names.iter().zip(node.vfs()) {
        let mut conf = node.conf_for(vf);
        conf["name"] = json!("blue");
        conf["topology"] = json!("layer3");
        conf["netAttachDefName"] = json!("web/blue");
        node.call(PLUGIN, Verb::Add)?.pod(&pod).env("CNI_IFNAME", *name).conf(&conf).run()?.ok()?;
    }
    let rules = || pod.ip(&["-4", "rule", "show"]);
    let before = (inside(&pod, "net1")?, inside(&pod, "net2")?, rules()?);
    reset(&node)?;
    assert_eq!(outcomes(&node)?, ["restored", "restored"]);
    assert_eq!((inside(&pod, "net1")?, inside(&pod, "net2")?, rules()?), before);
    Ok(())
}

#[test]
fn nothing_is_moved_before_the_cards_lease_is_healthy() -> Result<()> {
    let (node, pod, _) = attached(true)?;
    reset(&node)?;
    node.behave(|behaviour| behaviour.lease = Lease::Expired);
    let lines = restore(&node)?;
    assert_eq!(lines[0].0, "waits");
    assert!(lines[0].1.contains("the card's lease") && lines[0].1.contains("lease expired"), "{lines:?}");
    assert!(pod.link("eth0")?.is_none());

    let node = &node;
    let waiting = std::thread::scope(|scope| -> Result<String> {
        let waiting = scope.spawn(|| vfs_as(node, &["--restore", "--wait"]));
        // It asks until it hears otherwise.
        let asked = node.commands().len();
        wait_until(|| Ok(node.commands().len() > asked + 2))?;
        node.behave(|behaviour| behaviour.lease = Lease::Healthy);
        waiting.join().ok().context("a panic")?
    })?;
    assert!(waiting.contains("restored"), "{waiting}");
    assert!(pod.link("eth0")?.is_some_and(|link| link.up));
    Ok(())
}

#[test]
fn a_server_that_is_away_or_knows_no_lease_keeps_no_pod_waiting() -> Result<()> {
    for generation in [Generation::Old, Generation::New] {
        let node = Node::builder().generation(generation).start()?;
        let pod = node.pod("web", "web-0")?;
        add(&node, &pod, &node.vfs()[0])?.ok()?;
        reset(&node)?;
        match generation {
            Generation::Old => node.behave(|behaviour| behaviour.lease = Lease::Expired),
            Generation::New => node.stop_server(),
        }
        assert_eq!(outcomes(&node)?, ["restored"], "{generation:?}");
    }
    Ok(())
}

/// Who may know that the VF is another pod's by now, or that the card is not back, is not passed over.
#[test]
fn who_is_there_and_says_nothing_is_waited_for() -> Result<()> {
    let (node, pod, _) = attached(true)?;
    reset(&node)?;
    node.behave(|behaviour| behaviour.status = Answer::Hang);
    let lines = restore(&node)?;
    assert!(lines[0].0 == "waits" && lines[0].1.contains("has not answered"), "{lines:?}");
    node.behave(|behaviour| {
        behaviour.status = Answer::Proper;
        behaviour.kubelet = Kubelet::Refuses;
    });
    let lines = restore(&node)?;
    assert!(lines[0].0 == "waits" && lines[0].1.contains("kubelet"), "{lines:?}");
    assert!(pod.link("eth0")?.is_none());
    node.behave(|behaviour| behaviour.kubelet = Kubelet::Healthy);
    assert_eq!(outcomes(&node)?, ["restored"]);
    Ok(())
}

/// The configuration names another socket, and who restores has no configuration.
#[test]
fn whom_the_last_add_asked_is_asked() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let usual = node.root().join("run/ovn-kubernetes/cni");
    let other = node.root().join("run/ovn-kubernetes/other");
    fs::rename(&usual, &other)?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["socket"] = json!("/run/ovn-kubernetes/other/ovn-cni-server.sock");
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    reset(&node)?;
    node.behave(|behaviour| behaviour.lease = Lease::Expired);
    let lines = restore(&node)?;
    assert!(lines[0].0 == "waits" && lines[0].1.contains("lease expired"), "{lines:?}");
    // It is no longer said so: what was kept is forgotten.
    node.behave(|behaviour| behaviour.lease = Lease::Healthy);
    node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    fs::rename(&other, &usual)?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    assert!(!node.root().join("run/dpu-cni/neighbours").exists());
    Ok(())
}

#[test]
fn functions_come_late_under_other_names_or_never() -> Result<()> {
    let node = Node::builder().vfs(3).start()?;
    let pods = [node.pod("web", "web-0")?, node.pod("web", "web-1")?, node.pod("web", "web-2")?];
    for (pod, vf) in pods.iter().zip(node.vfs()) {
        add(&node, pod, vf)?.ok()?;
    }
    node.card_goes_down()?;
    let vfs = node.vfs();
    node.card_comes_up_without(&[&vfs[1], &vfs[2]])?;
    assert_eq!(outcomes(&node)?, ["restored", "waits", "waits"]);
    let lines = restore(&node)?;
    assert!(lines[1].1.contains("the card has yet to bring it back"), "{lines:?}");
    assert_eq!(row(&node, vfs[1].device_id())?["state"], "lost");

    node.function_comes(&vfs[1], "ens9f9v1")?;
    assert_eq!(outcomes(&node)?, ["there", "restored", "waits"]);
    del(&node, &pods[1], &vfs[1])?.ok()?;
    assert!(node.host_link("ens9f9v1")?.is_some(), "what it was called is what it is called again");
    // Nothing but a DEL ends the one that never comes.
    del(&node, &pods[2], &vfs[2])?.ok()?;
    assert_eq!(outcomes(&node)?, ["there"]);
    Ok(())
}

#[test]
fn a_card_may_reset_twice() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    let before = inside(&pod, "eth0")?;
    for count in [1, 2] {
        reset(&node)?;
        assert_eq!(outcomes(&node)?, ["restored"]);
        assert_eq!(inside(&pod, "eth0")?, before);
        assert_eq!(row(&node, node.vfs()[0].device_id())?["restored"]["count"], count);
    }
    // Twice in a row, with nobody looking in between.
    reset(&node)?;
    reset(&node)?;
    let new = home(&node, &node.vfs()[0])?;
    assert_eq!(outcomes(&node)?, ["restored"]);
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, new);
    Ok(())
}

#[test]
fn a_function_that_the_kubelet_has_given_to_another_pod_is_not_taken() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    node.allocate(&pod, RESOURCE, &[node.vfs()[1].device_id()]);
    let other = node.pod("web", "web-1")?;
    node.allocate(&other, RESOURCE, &[node.vfs()[0].device_id()]);
    reset(&node)?;
    let new = home(&node, &node.vfs()[0])?;
    let lines = restore(&node)?;
    assert_eq!(lines[0].0, "cannot");
    assert!(lines[0].1.contains("given it to pod web/web-1"), "{lines:?}");
    assert_eq!(home(&node, &node.vfs()[0])?, new);
    // The other one gets it, and the first keeps off.
    add(&node, &other, &node.vfs()[0])?.ok()?;
    outcomes(&node)?;
    assert!(other.link("eth0")?.is_some() && pod.link("eth0")?.is_none());
    del(&node, &other, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, new);
    Ok(())
}

#[test]
fn a_name_that_is_taken_in_the_pod_is_left_to_it() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    reset(&node)?;
    let new = home(&node, &node.vfs()[0])?;
    pod.change("link add eth0 type bridge")?;
    let own = pod.link("eth0")?;
    let lines = restore(&node)?;
    assert_eq!(lines[0].0, "cannot");
    assert!(lines[0].1.contains("the pod has another link called eth0"), "{lines:?}");
    assert_eq!((home(&node, &node.vfs()[0])?, pod.link("eth0")?), (new.clone(), own));
    pod.change("link del eth0")?;
    assert_eq!(outcomes(&node)?, ["restored"]);
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, new);
    Ok(())
}

#[test]
fn a_namespace_that_is_another_ones_by_now_gets_nothing() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    reset(&node)?;
    let new = home(&node, &node.vfs()[0])?;
    pod.netns().unbind()?;
    let other = node.pod("web", "web-1")?;
    let other = node.sandbox_in_place_of(&pod, &other)?;
    assert_eq!(outcomes(&node)?, [] as [&str; 0]);
    assert!(other.links()?.is_empty());
    assert_eq!(home(&node, &node.vfs()[0])?, new);
    Ok(())
}

#[test]
fn what_another_has_put_back_is_left_alone() -> Result<()> {
    let (node, pod, _) = attached(true)?;
    reset(&node)?;
    let (name, path) = (&node.vfs()[0].name, pod.netns().path().display().to_string());
    let index = home(&node, &node.vfs()[0])?.index;
    node.change_host(&format!("link set {name} netns {path}"))?;
    pod.change(&format!("link set {name} name eth0\nlink set eth0 address 0a:58:0a:80:02:02 mtu 1400 up\naddress add 10.128.2.2/23 dev eth0"))?;
    let theirs = pod.link("eth0")?.context("no eth0")?;
    assert_eq!(theirs.index, index);
    // A real one is known by its parent. A simulated one that somebody else has moved is known by nothing.
    assert_eq!(outcomes(&node)?, ["waits"]);
    assert_eq!(pod.link("eth0")?, Some(theirs));
    Ok(())
}

#[test]
fn an_older_versions_record_says_that_it_cannot_be_restored_and_detaches() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    rewrite(&node, |record| {
        for key in ["plumbing", "pod_mac", "incarnation"] {
            record["devices"][0].as_object_mut().expect("a device").remove(key);
        }
    })?;
    reset(&node)?;
    let new = home(&node, &node.vfs()[0])?;
    let lines = restore(&node)?;
    assert_eq!(lines[0].0, "cannot");
    assert!(
        lines[0].1.contains("an older dpu-host attached it") && lines[0].1.contains("delete pod"),
        "{lines:?}"
    );
    let row = row(&node, node.vfs()[0].device_id())?;
    assert!(row["state"] == "lost" && row["note"].to_string().contains("older dpu-host"), "{row}");
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?.mac, new.mac);
    assert!(left(&node)?.is_empty());
    Ok(())
}

#[test]
fn a_pod_that_is_deleted_meanwhile_loses_nothing() -> Result<()> {
    let node = Node::builder().vfs(4).privileged(false).start()?;
    for round in 0..8 {
        let pod = node.pod("web", &format!("web-{round}"))?;
        add(&node, &pod, &node.vfs()[0])?.ok()?;
        reset(&node)?;
        let new = home(&node, &node.vfs()[0])?;
        let conf = node.conf_for(&node.vfs()[0]);
        std::thread::scope(|scope| -> Result<()> {
            let restoring = scope.spawn(|| vfs_ended(&node, &["--restore"]));
            std::thread::sleep(Duration::from_millis(round));
            node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
            let output = restoring.join().ok().context("a panic")??;
            ensure!(matches!(output.status.code(), Some(0 | 1 | 3)), "{output:?}");
            Ok(())
        })?;
        assert_eq!(home(&node, &node.vfs()[0])?, new, "round {round}");
        assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    }
    Ok(())
}

#[test]
fn the_next_call_gives_back_what_no_unit_has() -> Result<()> {
    for verb in [Verb::Add, Verb::Del, Verb::Gc] {
        let (node, pod, _) = attached(false)?;
        let before = inside(&pod, "eth0")?;
        reset(&node)?;
        // Polled verbs do nothing of the kind.
        let (code, _) = node
            .run(
                PLUGIN,
                Verb::Check,
                &pod,
                &after(node.conf_for(&node.vfs()[0]), json!({"cniVersion": "1.1.0"})),
            )?
            .error()?;
        assert_eq!(code, 108);
        node.call(PLUGIN, Verb::Status)?.conf(&node.conf()).run()?.ok()?;
        assert!(pod.link("eth0")?.is_none());

        let other = node.pod("web", "web-1")?;
        match verb {
            Verb::Gc => gc(&node, None)?,
            _ => drop(node.run(PLUGIN, verb, &other, &node.conf_for(&node.vfs()[1]))?.ok()?),
        }
        assert_eq!(inside(&pod, "eth0")?, before, "{verb:?}");
    }
    Ok(())
}

#[test]
fn one_that_the_card_has_not_connected_is_said_to_wait() -> Result<()> {
    let (node, pod, _) = attached(false)?;
    let vf = &node.vfs()[0];
    node.card_goes_down()?;
    // Its function is there before the card's ovnkube-node is.
    node.function_comes(vf, &vf.name)?;
    let lines = restore(&node)?;
    assert!(pod.link("eth0")?.is_some_and(|link| link.up));
    assert!(
        lines[0].0 == "waits" && lines[0].1.ends_with("not connected it since it was restored"),
        "{lines:?}"
    );
    let lines = restore(&node)?;
    assert!(lines[0].0 == "waits" && lines[0].1.ends_with("has not connected it"), "{lines:?}");
    // What the pod does itself is not the card's to mend.
    pod.change("link set eth0 down")?;
    assert_eq!(outcomes(&node)?, ["there"]);
    Ok(())
}

#[test]
fn a_virtual_machine_gets_no_other_function() -> Result<()> {
    let node = Node::builder().vfs(2).vfio(1).start()?;
    let vf = node.vfs().iter().find(|vf| vf.vfio).context("no VFIO VF")?;
    let pod = node.pod("web", "vm-0")?;
    add(&node, &pod, vf)?.ok()?;
    assert_eq!(outcomes(&node)?, ["there"]);
    node.card_goes_down()?;
    assert_eq!(outcomes(&node)?, ["waits"]);
    // Bound again, it is another one.
    node.card_comes_up()?;
    let lines = restore(&node)?;
    assert_eq!(lines[0].0, "cannot");
    assert!(lines[0].1.contains("re-created: delete pod web/vm-0"), "{lines:?}");
    let row = row(&node, vf.device_id())?;
    assert_eq!(row["state"], "lost", "{row}");
    Ok(())
}
