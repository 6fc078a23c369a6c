//! 131-133: many at the same time, many in a row, and killed.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::answer::{Answer, Outcome};
use crate::pod::{Attached, Pod};
use crate::result::addresses;
use crate::stop::{Stop, Verdict};
use crate::threads::at_once;
use crate::topics::add::is_there;
use crate::trial::Trial;
use crate::witness::State;

const CONTAINERS: usize = 50;

/// The same call for all pods at the same time.
fn all_at_once(t: &Trial<'_>, verb: &str, pods: &[Pod]) -> Result<Vec<Answer>, Stop> {
    let calls: Vec<_> = pods.iter().map(|pod| t.call(verb, pod)).collect();
    at_once(calls.iter().map(|call| || call.run())).into_iter().collect()
}

pub(super) fn in_parallel(t: &Trial<'_>) -> Verdict {
    let pods = (0..CONTAINERS).map(|_| t.pod()).collect::<Result<Vec<_>, _>>()?;
    let plain = t.suite.plain("ADD", t.version);
    let answers = all_at_once(t, "ADD", &pods)?;
    for answer in &answers {
        answer.expect(answer.outcome() == plain, "the same as one at a time")?;
    }
    if plain != Outcome::Ok {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    let mut attached = Vec::new();
    for (pod, answer) in pods.into_iter().zip(&answers) {
        let result = answer.object()?;
        for address in addresses(&result, &pod.ifname) {
            let own = pod.ifname != "lo";
            answer.expect(seen.insert(address) || !own, "no address twice")?;
        }
        attached.push(Attached { pod, result });
    }
    attached.iter().try_for_each(is_there)?;
    let pods: Vec<Pod> = attached.into_iter().map(|attached| attached.pod).collect();
    all_at_once(t, "DEL", &pods)?.iter().try_for_each(Answer::silent)
}

pub(super) fn alternating(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let plain = t.suite.plain("ADD", t.version);
    let cycle = || -> Verdict {
        let answer = t.call("ADD", &pod).run()?;
        answer.expect(answer.outcome() == plain, "the same every time")?;
        t.call("DEL", &pod).run()?.silent()
    };
    let look = || -> Result<_, Stop> { Ok((State::of(&pod.container)?, State::here()?, count(&t.files()?))) };
    cycle()?;
    let before = look()?;
    for _ in 1..200 {
        cycle()?;
    }
    let after = look()?;
    if before == after {
        return Ok(());
    }
    let changed = format!(
        "{} {} files: {} -> {}",
        after.0.since(&before.0),
        after.1.since(&before.1),
        before.2,
        after.2
    );
    Err(Stop::failed(
        "ADD and DEL 200 times",
        format!("left: {changed}"),
        "nothing more left than after the first",
    ))
}

/// Names may differ from one time to the next (the last address given out), their number may not.
fn count(files: &BTreeSet<String>) -> usize {
    files.len()
}

pub(super) fn killed(t: &Trial<'_>) -> Verdict {
    // How long it takes, and what a clean ADD and DEL leave.
    let pod = t.pod()?;
    let start = Instant::now();
    t.call("ADD", &pod).run()?;
    let whole = start.elapsed();
    t.call("DEL", &pod).run()?;
    let (deleted, left) = (State::of(&pod.container)?, count(&t.files()?));
    for step in 0..20 {
        let pod = t.pod()?;
        let (before, clean) = (State::of(&pod.container)?, State::here()?);
        let delay = whole.mul_f64(f64::from(step) / 16.0);
        let sent = format!("kill -9 after {:.1} ms of an ADD", delay.as_secs_f64() * 1e3);
        let call = t.call("ADD", &pod).noting(sent.clone());
        let mut running = call.start()?;
        running.feed();
        thread::sleep(delay);
        running.signal(Signal::SIGKILL);
        call.answer(running)?;
        t.rest()?;
        let answer = t.cleans_up(&t.call("DEL", &pod).noting(sent))?;
        let (inside, outside) = (State::of(&pod.container)?, settled(&clean)?);
        // An `lo` that is set down keeps its address.
        if ![&before, &deleted].contains(&&inside) || outside != clean {
            let changed = format!("left: {} {}", inside.since(&before), outside.since(&clean));
            return Err(Stop::failed(answer.sent(), changed, "nothing left"));
        }
    }
    // They may be records of what a daemon has not finished yet.
    match count(&t.files()?).saturating_sub(left) {
        0 => {}
        more => t.remark(format!("{more} files left")),
    }
    Ok(())
}

/// The host's state, once it is the expected one: what a killed plugin's device does is seen a little later, as the
/// kernel takes namespaces down in the background.
fn settled(expected: &State) -> Result<State, Stop> {
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let now = State::here()?;
        if now == *expected || Instant::now() > deadline {
            return Ok(now);
        }
        thread::sleep(Duration::from_millis(20));
    }
}
