//! Many sequences, each from a seed, and the shortest form of one that fails.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::field::Field;
use crate::play::{Tally, play};
use crate::report;
use crate::script::{Script, script};

/// Sequences wait as often as they compute: for a VF that is held, for a server that is down.
const WORKERS: usize = 4;
/// A kill that failed once hits the same instant again only with luck.
const ATTEMPTS: usize = 3;
/// Addresses of the node's network run out: a forgotten pod's are not given again.
const SEQUENCES_PER_NODE: u64 = 200;
/// Shortening stops then, done or not.
const SHORTENING: Duration = Duration::from_secs(120);

/// A seed that nobody has chosen.
pub(crate) fn any_seed() -> u64 {
    RandomState::new().hash_one(0_u8) >> 16
}

/// Plays `count` sequences, the first of them from the seed `first`.
///
/// # Errors
/// The first that fails, shortened.
pub(crate) fn run(first: u64, count: u64) -> Result<()> {
    report(&format!("model: {count} sequences, MODEL_SEED={first}"));
    let began = Instant::now();
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let worker = || -> Result<Tally> {
        let (mut player, mut tally) = (Player::default(), Tally::default());
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            let seed = first.wrapping_add(number);
            let script = generate(seed)?;
            match player.play(&script) {
                Ok(played) => tally.add(played),
                // One is enough; the others leave the machine to whoever shortens it.
                Err(error) if !stop.swap(true, Ordering::Relaxed) => {
                    return Err(player.shorten(seed, script, error)?);
                }
                Err(_) => break,
            }
        }
        Ok(tally)
    };
    let ended: Vec<Result<Tally>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        let join =
            |worker: ScopedJoinHandle<'_, _>| worker.join().map_err(|_| anyhow!("a worker panicked"))?;
        workers.into_iter().map(join).collect()
    });
    let mut total = Tally::default();
    for tally in ended {
        total.add(tally?);
    }
    let Tally { calls, killed, added, restored } = total;
    report(&format!(
        "model: {count} sequences passed: {calls} calls, {added} of them ADDs that succeeded, {killed} killed, \
         {restored} VFs given back: {:.0} s",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Plays the sequence in a file, a few times.
///
/// # Errors
/// When it is none, or fails.
pub(crate) fn replay(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let script = serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
    let mut player = Player::default();
    (0..ATTEMPTS).try_for_each(|_| player.play(&script).map(drop)).with_context(|| file.display().to_string())
}

/// A node to play on, made anew when there is none, when something failed on it, or when it is worn out.
#[derive(Default)]
struct Player {
    field: Option<(Field, u64)>,
}

impl Player {
    fn play(&mut self, script: &Script) -> Result<Tally> {
        let (mut field, played) = match self.field.take() {
            Some(used) if used.1 < SEQUENCES_PER_NODE => used,
            _ => (Field::new()?, 0),
        };
        let tally = play(&mut field, script)?;
        self.field = Some((field, played + 1));
        Ok(tally)
    }

    /// How a sequence fails, if it does in one of a few attempts.
    fn failure(&mut self, script: &Script) -> Option<Error> {
        let attempts = if script.has_kills() { ATTEMPTS } else { 1 };
        (0..attempts).find_map(|_| self.play(script).err())
    }

    /// Leaves out whatever a failure does not need: halves first, then ever smaller parts, single steps again and
    /// again. What is left is written down and told.
    fn shorten(&mut self, seed: u64, mut script: Script, mut error: Error) -> Result<Error> {
        report(&format!("model: MODEL_SEED={seed} fails and is shortened: {error:#}"));
        let (all, stop) = (script.steps.len(), Instant::now() + SHORTENING);
        let mut part = all.div_ceil(2);
        while part > 0 && Instant::now() < stop {
            let before = script.steps.len();
            let mut end = before;
            while end > 0 && Instant::now() < stop {
                let begin = end.saturating_sub(part);
                let mut shorter = script.clone();
                shorter.steps.drain(begin..end);
                if let Some(still) = self.failure(&shorter) {
                    (script, error) = (shorter, still);
                }
                end = begin;
            }
            if part > 1 || script.steps.len() == before {
                part /= 2;
            }
        }
        let (file, text) = keep(seed, &script)?;
        Ok(anyhow!(
            "MODEL_SEED={seed} fails: {error:#}\n{} of its {all} steps are enough:\n{text}\nPlay them again with \
             MODEL_SCRIPT={}",
            script.steps.len(),
            file.display()
        ))
    }
}

/// The sequence of a seed.
fn generate(seed: u64) -> Result<Script> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let tree = script().new_tree(&mut runner);
    Ok(tree.map_err(|reason| anyhow!("sequence {seed} cannot be made: {reason}"))?.current())
}

/// Writes a sequence down.
fn keep(seed: u64, script: &Script) -> Result<(PathBuf, String)> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("model-{seed}.json"));
    let steps: Vec<String> = script.steps.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    let text = format!(
        "{{\"privileged\": {}, \"end\": {}, \"steps\": [\n  {}\n]}}\n",
        script.privileged,
        serde_json::to_string(&script.end)?,
        steps.join(",\n  ")
    );
    fs::write(&file, &text)?;
    Ok((file, text))
}
