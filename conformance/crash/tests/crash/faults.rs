//! Every system call that changes something fails once: the call says so or succeeds, and no VF is lost.

use std::fmt;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use crash::{self, Change, Fault, Place, Point};
use node::{Output, Pod};

use crate::scene::{Kind, Scene, Setting};
use crate::{ATTEMPTS, pool, report};

/// A call, and how it fails.
struct Case {
    point: Point,
    fault: Fault,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fails with {:?}", self.point, self.fault)
    }
}

/// What fits a pod event.
const LINE: usize = 500;

/// What the kernel may answer to this change; of the errors that mean the same to us another one each time.
fn faults(number: usize, point: &Point) -> Vec<Fault> {
    let errnos: &[&str] = match &point.change {
        Some(Change::Netlink(..)) => return vec![Fault::Refusal, Fault::Errno("ENOBUFS")],
        Some(Change::Server(_)) => &["ECONNREFUSED"],
        Some(Change::Answer) => &["EPIPE"],
        Some(Change::File(what)) => match what.split(' ').next() {
            Some("open") => &["ENOSPC", "EMFILE", "EACCES"],
            Some("write") => &["ENOSPC", "EIO"],
            Some("flock") => &["ENOLCK"],
            // Nothing that flock(2) names can happen to a lock that is held.
            Some("unlock") => &[],
            Some("unlink") => &["EPERM", "EIO"],
            _ => &["ENOSPC", "EIO", "EPERM"],
        },
        None => return Vec::new(),
    };
    errnos.get(number % errnos.len().max(1)).map(|errno| Fault::Errno(errno)).into_iter().collect()
}

fn fail_everywhere(kind: Kind, privileged: bool, udn: bool) -> Result<()> {
    let setting = Setting { kind, privileged, udn };
    let began = Instant::now();
    let points = crash::changes(&setting.trace()?);
    let cases: Vec<Case> = (points.iter().enumerate())
        .flat_map(|(number, point)| {
            faults(number, point).into_iter().map(|fault| Case { point: point.clone(), fault })
        })
        .collect();
    ensure!(!cases.is_empty(), "the trace shows no change");
    pool::each(setting, &cases, hit)?;
    report(&format!(
        "{setting}: {} system calls failed in {} ways: {:.1} s",
        points.len(),
        cases.len(),
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn hit(scene: &Scene, case: &Case) -> Result<()> {
    let Case { point, fault } = case;
    let world = &scene.world;
    for _ in 0..ATTEMPTS {
        let pods = scene.prepare()?;
        let all: Vec<_> = pods.iter().collect();
        let injected = crash::inject(scene.call(&pods[0])?, point, *fault, world.node.root())?;
        world.node.idle()?;
        if !injected.hit {
            scene.finish(&all)?;
            continue;
        }
        scene.mirror(&pods)?;
        let judge = if scene.setting.kind == Kind::Restore { judge_restore } else { judge };
        judge(scene, &all, &injected.output, case).with_context(|| format!("{:?}", injected.output))?;
        return scene.finish(&all);
    }
    anyhow::bail!("it never failed there, {ATTEMPTS} times")
}

/// After a call in which something failed.
fn judge(scene: &Scene, all: &[&Pod], output: &Output, Case { point, fault }: &Case) -> Result<()> {
    let world = &scene.world;
    ensure!(!output.stderr.contains("panicked"), "it panicked");
    if output.status.success() {
        world.settled(all)?;
        return if scene.is_add() { scene.holds(all[0], &output.ok()?, &all[1..]) } else { Ok(()) };
    }
    world.interrupted(all)?;
    if point.change == Some(Change::Answer) {
        // Nobody has heard what it did, so it must not have done anything.
        world.settled(all)?;
        let away = world.census(all)?.vfs.iter().any(|seen| seen.place != Place::Host);
        ensure!(!away || !scene.is_add(), "an ADD that nobody has heard of has left a VF in the pod");
        return Ok(());
    }
    let (code, text) = output.error()?;
    ensure!(code > 0 && text.contains("; "), "no remedy: {text}");
    ensure!(!text.contains('\n') && text.len() < LINE, "not a line for a pod event: {text}");
    // Over a socket that the kernel has broken nothing can be brought home: the next call does it.
    let broken = matches!((&point.change, fault), (Some(Change::Netlink(..)), Fault::Errno(_)));
    let away = world.census(all)?.vfs.iter().position(|seen| seen.place != Place::Host);
    ensure!(away.is_none() || broken || !scene.is_add(), "a failed ADD has left VF {away:?} in the pod");
    Ok(())
}

/// After a restore in which something failed: its exit status and its lines say what it has done, and the next one does the
/// rest.
fn judge_restore(scene: &Scene, all: &[&Pod], output: &Output, Case { point, .. }: &Case) -> Result<()> {
    ensure!(!output.stderr.contains("panicked"), "it panicked");
    scene.world.interrupted(all)?;
    let has_all = || scene.holds(all[0], &scene.result.borrow(), &all[1..]);
    let complaints =
        output.stderr.lines().filter(|line| line.starts_with("dpu-host: ") && !line.contains(" back, "));
    match output.status.code() {
        Some(0) => has_all()?,
        // What cannot be printed is done all the same.
        Some(2) if point.change == Some(Change::Answer) => has_all()?,
        Some(1..=3) => ensure!(complaints.count() > 0, "nothing says what is wrong"),
        status => anyhow::bail!("it ended with {status:?}"),
    }
    scene.restore().context("the next one")?;
    has_all().context("after the next one")
}

#[test]
fn add() -> Result<()> {
    fail_everywhere(Kind::Add, false, false)
}

#[test]
fn add_with_two_vfs() -> Result<()> {
    fail_everywhere(Kind::Add, false, true)
}

#[test]
fn add_by_the_server() -> Result<()> {
    fail_everywhere(Kind::Add, true, false)
}

#[test]
fn add_by_a_server_that_is_known() -> Result<()> {
    fail_everywhere(Kind::AddKnown, true, false)
}

#[test]
fn add_handed_over() -> Result<()> {
    fail_everywhere(Kind::AddHandedOver, false, false)
}

#[test]
fn del() -> Result<()> {
    fail_everywhere(Kind::Del, false, true)
}

#[test]
fn del_after_the_namespace() -> Result<()> {
    fail_everywhere(Kind::DelNetnsGone, false, true)
}

#[test]
fn del_while_the_name_is_taken() -> Result<()> {
    fail_everywhere(Kind::DelNameTaken, false, false)
}

#[test]
fn del_while_the_server_is_down() -> Result<()> {
    fail_everywhere(Kind::DelServerDown, true, false)
}

#[test]
fn gc() -> Result<()> {
    fail_everywhere(Kind::Gc, false, true)
}

#[test]
fn restore() -> Result<()> {
    fail_everywhere(Kind::Restore, false, false)
}
