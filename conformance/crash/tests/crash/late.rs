//! A privileged server that moves the VF when nobody waits for it any more: the next call brings it home.

use std::fmt;

use anyhow::{Context, Result, ensure};
use crash::{Event, Place};
use node::{Answer, Card, Pod, Verb};

use crate::scene::{Kind, Scene, Setting};
use crate::{pool, report};

const SETTING: Setting = Setting { kind: Kind::Add, privileged: true, udn: false };

/// How the ADD ends while the server is still at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It is killed.
    Killed,
    /// Its time is over.
    TimedOut,
}

/// Whether a DEL comes before the server moves the VF. It is one that the server does not hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    Del,
}

/// What comes once the server has moved it.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// The DEL, or another one.
    Del,
    /// The DEL of any other pod.
    Stranger,
    /// The end of the sandbox, and an ADD of another pod with this VF.
    Another,
    /// GC, when the server's time is over.
    Gc,
}

struct Case(End, Before, Next);

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {:?} before the server, then {:?}", self.0, self.1, self.2)
    }
}

#[test]
fn what_the_server_moves_late_comes_home() -> Result<()> {
    let cases: Vec<Case> = [End::Killed, End::TimedOut]
        .into_iter()
        .flat_map(|end| [Before::Nothing, Before::Del].map(|before| (end, before)))
        .flat_map(|(end, before)| {
            [Next::Del, Next::Stranger, Next::Another, Next::Gc].map(|next| Case(end, before, next))
        })
        // Nobody but the runtime can tell that a pod is dead whose ADD was killed and whose namespace lives.
        .filter(|Case(end, before, next)| {
            !matches!((end, before, next), (End::Killed, Before::Nothing, Next::Stranger))
        })
        .collect();
    pool::each(SETTING, &cases, play)?;
    report(&format!("a late server, in {} ways", cases.len()));
    Ok(())
}

#[test]
fn what_the_server_moves_during_a_del_comes_home() -> Result<()> {
    let scene = SETTING.scene()?;
    let node = &scene.world.node;
    // The server hears of no DEL: it would not end what the killed ADD has begun.
    let begin = || -> Result<Pod> {
        let pod = scene.prepare()?.remove(0);
        node.behave(|b| (b.card, b.del) = (Card::Never, Answer::HangUp));
        give_up(&scene, &pod, End::Killed)?;
        Ok(pod)
    };
    let end = |pod: &Pod| -> Result<()> {
        node.behave(|b| (b.card, b.del) = (Card::Ready, Answer::Proper));
        node.idle()?;
        scene.world.mirror_sysfs(&[pod])?;
        scene.finish(&[pod])
    };
    let pod = begin()?;
    let (output, events) = crash::trace(scene.call_of(Verb::Del, &pod, 0)?, node.root())?;
    ensure!(output.status.success(), "{output:?}");
    end(&pod)?;
    // The last thing that a VF is given at home: it was looked for, and found there.
    let features = |event: &Event| event.change.as_ref().is_some_and(|change| change.label() == "ethtool");
    let last = events.iter().rposition(features).context("its features are not set")?;
    let earlier = events[..last].iter().rfind(|event| event.is_request());

    let pod = begin()?;
    let del = scene.call_of(Verb::Del, &pod, 0)?;
    let earlier = earlier.context("nothing is sent before")?;
    let output = crash::stop_behind(del, earlier, || serve(&scene, &pod))?;
    ensure!(output.status.success(), "{output:?}");
    ensure!(scene.world.census(&[&pod])?.vfs[0].place == Place::Host, "it is in the pod");
    end(&pod)
}

/// As a server does that looks for lost VFs itself once the card's lease is healthy.
#[test]
fn what_the_server_restores_meanwhile_ends_in_its_pod() -> Result<()> {
    let scene = Setting { kind: Kind::Restore, privileged: false, udn: false }.scene()?;
    let node = &scene.world.node;
    let pod = scene.prepare()?.remove(0);
    let (output, events) = crash::trace(scene.call(&pod)?, node.root())?;
    ensure!(output.status.success(), "{output:?}");
    scene.finish(&[&pod])?;
    let is_move = |event: &Event| event.change.as_ref().is_some_and(|change| change.label() == "RTM_SETLINK");
    let moved = events.iter().position(is_move).context("it is not moved")?;
    // Behind the last two looks at home: that before its new home is noted, and that before the move.
    let looks = events[..moved].iter().rev().filter(|event| event.is_request());
    for look in looks.take(2) {
        let pod = scene.prepare()?.remove(0);
        let output = crash::stop_behind(scene.call(&pod)?, look, || serve(&scene, &pod))?;
        ensure!(output.status.success(), "behind {} {}: {output:?}", look.name, look.nth);
        scene.holds(&pod, &scene.result.borrow(), &[])?;
        scene.finish(&[&pod])?;
    }
    Ok(())
}

fn play(scene: &Scene, Case(end, before, next): &Case) -> Result<()> {
    let world = &scene.world;
    let pods = scene.prepare()?;
    let all: Vec<&Pod> = pods.iter().collect();
    let pod = all[0];
    world.node.behave(|b| b.card = Card::Never);
    give_up(scene, pod, *end)?;
    world.interrupted(&all)?;
    if *before == Before::Del {
        world.node.behave(|b| b.del = Answer::HangUp);
        scene.del(pod, &all).context("before the server")?;
        world.node.behave(|b| b.del = Answer::Proper);
    }
    world.node.behave(|b| b.card = Card::Ready);
    world.node.idle()?;
    world.mirror_sysfs(&all)?;
    ensure!(world.census(&all)?.vfs[0].place == Place::Pod(0), "the server was to move it");
    world.interrupted(&all)?;

    match next {
        Next::Del => scene.del(pod, &all)?,
        Next::Stranger => scene.del_stranger(&all)?,
        Next::Another => {
            world.node.lose_netns(pod)?;
            world.mirror_sysfs(&all)?;
            let new = scene.add_another(&all)?;
            return scene.finish(&[&[&new], &all[..]].concat());
        }
        Next::Gc => {
            world.age()?;
            scene.gc()?;
            world.mirror_sysfs(&all)?;
        }
    }
    let place = world.census(&all)?.vfs[0].place;
    ensure!(place == Place::Host, "it is still in the pod");
    world.settled(&all)?;
    scene.finish(&all)
}

/// Moves the VF as the server does, which here keeps its own time.
fn serve(scene: &Scene, pod: &Pod) -> Result<()> {
    let node = &scene.world.node;
    let (name, netns) = (&node.vfs()[0].name, pod.netns().path());
    node.change_host(&format!("link set dev {name} netns {} name eth0", netns.display()))
}

/// Ends an ADD that the server has heard of.
fn give_up(scene: &Scene, pod: &Pod, end: End) -> Result<()> {
    let node = &scene.world.node;
    let heard = node.received().len();
    match end {
        End::Killed => {
            let add = scene.call(pod)?.spawn()?;
            node.wait_received(heard + 1)?;
            add.kill()
        }
        End::TimedOut => {
            let mut conf = node.conf_for(&node.vfs()[0]);
            conf["timeoutSeconds"] = 1.into();
            let (code, text) = node.run("dpu-host", Verb::Add, pod, &conf)?.error()?;
            ensure!(code == 11, "to be tried again: {text}");
            Ok(())
        }
    }
}
