//! What crash tests rest on: a kill happens where it is said to, and whatever is wrong with a VF is seen.

use anyhow::{Context, Result, ensure};
use crash::{self, Fault, Place, World};
use node::{Node, Pod, Verb, Xdp};
use serde_json::{Value, json};

use crate::scene::{Kind, Setting};

const ADD: Setting = Setting { kind: Kind::Add, privileged: false, udn: false };
const ATTACHED: Setting = Setting { kind: Kind::Del, privileged: false, udn: false };

#[test]
fn a_kill_happens_where_it_is_said_to() -> Result<()> {
    let points = crash::instants(&ADD.trace()?);
    let label = |start: &str| points.iter().position(|point| point.label.starts_with(start));
    let moves = label("before RTM_SETLINK").context("an ADD moves the VF")?;
    ensure!(points[moves + 1].label.starts_with("after RTM_SETLINK"), "{:?}", points[moves + 1]);
    let scene = ADD.scene()?;
    for (point, in_pod) in [(moves, false), (moves + 1, true)] {
        let pods = scene.prepare()?;
        let injected =
            crash::inject(scene.call(&pods[0])?, &points[point], Fault::Kill, scene.world.node.root())?;
        ensure!(injected.hit, "{:?}", injected.output);
        ensure!(injected.output.stdout.is_empty(), "a killed ADD says nothing: {:?}", injected.output);
        let place = scene.world.census(&[&pods[0]])?.vfs[0].place;
        ensure!(place == if in_pod { Place::Pod(0) } else { Place::Host }, "{point}: {place:?}");
        scene.finish(&[&pods[0]])?;
    }
    Ok(())
}

#[test]
fn whatever_a_vf_lacks_at_home_is_seen() -> Result<()> {
    let node = Node::builder().vfs(1).privileged(false).start()?;
    let world = World::new(node)?;
    let vf = &world.node.vfs()[0].name;
    let plant = |script: &str| world.node.change_host(&script.replace("VF", vf));
    world.clean(&[])?;
    for (wrong, right) in [
        ("link set VF mtu 1400", "link set VF mtu 1500"),
        ("link set VF address 02:00:00:00:00:01", "link set VF address 52:54:00:00:00:00"),
        ("link set VF name stray", "link set stray name VF"),
        ("link set VF alias other", "link set VF alias spare"),
        ("link set VF promisc on", "link set VF promisc off"),
        ("link set VF allmulticast on", "link set VF allmulticast off"),
        ("link set VF up", "link set VF down"),
        ("link set VF arp off", "link set VF arp on"),
        ("link set VF txqueuelen 7", "link set VF txqueuelen 1000"),
        ("link property del dev VF altname VF-a", "link property add dev VF altname VF-a"),
        ("link property add dev VF altname other", "link property del dev VF altname other"),
    ] {
        plant(wrong)?;
        ensure!(world.interrupted(&[]).is_err(), "unseen after a kill: {wrong}");
        ensure!(world.settled(&[]).is_err(), "unseen: {wrong}");
        plant(right)?;
        world.clean(&[]).with_context(|| format!("after {right}"))?;
    }
    drop(world.node.attach_host_xdp(vf, Xdp::Generic)?);
    ensure!(world.settled(&[]).is_err(), "unseen: an XDP program");
    plant("link set VF xdpgeneric off")?;
    world.node.switch_host(vf, &["tx", "off"])?;
    ensure!(world.settled(&[]).is_err(), "unseen: a feature");
    world.node.switch_host(vf, &["tx", "on"])?;
    world.clean(&[])?;
    plant("link del VF")?;
    ensure!(world.settled(&[]).is_err(), "a lost VF is unseen");
    Ok(())
}

#[test]
fn whatever_becomes_of_another_link_is_seen() -> Result<()> {
    let world = World::new(Node::builder().vfs(1).privileged(false).start()?)?;
    let links = world.node.host_links()?;
    let pf = links.iter().find(|link| link.name != world.node.vfs()[0].name).context("no PF")?;
    let plant =
        |script: &str| world.node.change_host(&script.replace("PF", &pf.name).replace("MAC", &pf.mac));
    for (wrong, right) in [
        ("link set PF mtu 1400", "link set PF mtu 1500"),
        ("link set PF address 02:00:00:00:00:01", "link set PF address MAC"),
        ("link set PF name stray", "link set stray name PF"),
        ("link set PF up", "link set PF down"),
        ("link add stray type bridge", "link del stray"),
    ] {
        plant(wrong)?;
        ensure!(world.clean(&[]).is_err(), "unseen: {wrong}");
        plant(right)?;
        world.clean(&[]).with_context(|| format!("after {right}"))?;
    }
    Ok(())
}

#[test]
fn whatever_a_record_lacks_is_seen() -> Result<()> {
    let scene = ATTACHED.scene()?;
    let root = scene.world.node.root();
    let pods = scene.prepare()?;
    let pod = [&pods[0]];
    let state = root.join("run/dpu-cni");
    let records = std::fs::read_dir(state.join("attachments"))?.collect::<Result<Vec<_>, _>>()?;
    let [record] = records.as_slice() else { anyhow::bail!("one record: {records:?}") };
    let record = record.path();
    let right: Value = serde_json::from_slice(&std::fs::read(&record)?)?;
    let write = |record_is: &Value| std::fs::write(&record, record_is.to_string());
    scene.world.settled(&pod)?;

    let lies: [(&str, Value); 7] = [
        ("/devices/0/home/name", json!("eth7")),
        ("/devices/0/home/mtu", json!(1400)),
        ("/devices/0/home/alias", json!(null)),
        ("/devices/0/home/altnames", json!([])),
        ("/devices/0/home/features/wanted", json!([0, 0])),
        ("/netns_id/inode", json!(1)),
        ("/stage", json!("released")),
    ];
    for (place, lie) in lies {
        let mut wrong = right.clone();
        *wrong.pointer_mut(place).with_context(|| format!("no {place} in {right}"))? = lie;
        write(&wrong)?;
        ensure!(scene.world.settled(&pod).is_err(), "unseen: a wrong {place}");
    }
    std::fs::remove_file(&record)?;
    ensure!(scene.world.settled(&pod).is_err(), "unseen: a VF in a pod without a record");
    ensure!(scene.world.interrupted(&pod).is_err(), "unseen after a kill: a VF in a pod without a record");
    write(&right)?;
    let claim = state.join("devices").join(scene.world.node.vfs()[0].device_id());
    let target = std::fs::read_link(&claim)?;
    std::fs::remove_file(&claim)?;
    ensure!(scene.world.settled(&pod).is_err(), "unseen: a VF in a pod without a claim");
    std::os::unix::fs::symlink(target, &claim)?;
    scene.world.settled(&pod)?;

    scene.run(Verb::Del, &pods[0], 0)?.ok()?;
    write(&right)?;
    ensure!(scene.world.clean(&pod).is_err(), "unseen: a record that outlives its attachment");
    scene.del(&pods[0], &pod)?;
    scene.finish(&pods.iter().collect::<Vec<&Pod>>())
}
