//! Where the time of one ADD goes: the plugin's own account of its phases; the rest is starting and ending the process, and what it
//! does for others once its answer is out.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use serde_json::json;

use super::call::Pod;
use super::progress::Progress;
use super::site::Site;
use super::stats::Summary;
use super::subject::Field;

/// The log file, below the node's root.
const LOG: &str = "/var/log/dpu-host-bench.log";

/// The median ADD of `rounds`, by phase.
///
/// # Errors
/// When something does not end as it has to, or the plugin's log does not tell.
pub(super) fn trace(
    field: &Field,
    site: &Site,
    pod: &node::Pod,
    rounds: usize,
    progress: &mut Progress,
) -> Result<String> {
    let plugin = &field.dpu_host.path;
    let mut conf = site.node.conf_for(&site.node.vfs()[0]);
    let pod = Pod::from(pod);
    let del = site.of_pod(plugin, "DEL", &pod, &conf);
    conf["logFile"] = json!(LOG);
    conf["logLevel"] = json!("debug");
    let add = site.of_pod(plugin, "ADD", &pod, &conf);
    let log = site.node.root().join(LOG.trim_start_matches('/'));
    let mut phases: Vec<(String, Vec<f64>)> = Vec::new();
    for _ in 0..rounds {
        progress.advance(1, "phases of an ADD");
        let wall = add.measure()?.wall.as_secs_f64() * 1e3;
        del.measure()?;
        let text = fs::read_to_string(&log).with_context(|| format!("reading {}", log.display()))?;
        fs::remove_file(&log)?;
        let told = read(&text).with_context(|| format!("no phases in the log: {text}"))?;
        let known: f64 = told.iter().map(|(_, took)| took).sum();
        let outside =
            [("exec, housekeeping, exit".to_owned(), (wall - known).max(0.0)), ("all".to_owned(), wall)];
        for (phase, took) in told.into_iter().chain(outside) {
            match phases.iter_mut().find(|(name, _)| *name == phase) {
                Some((_, all)) => all.push(took),
                None => phases.push((phase, vec![took])),
            }
        }
    }
    let mut text = format!("Phases of an ADD, medians of {rounds} in ms:\n");
    for (phase, all) in phases {
        let one = Summary::of(&all);
        writeln!(text, "  {phase:<30} {:8.3}  ({:.3} - {:.3})", one.median, one.low, one.high)?;
    }
    Ok(text)
}

/// The phases of the line that follows an ADD's answer: `... total=12.3ms parse=0.1 claim=0.2 server=1.1 ...`.
fn read(log: &str) -> Option<Vec<(String, f64)>> {
    let line = log.lines().rfind(|line| line.contains(" total="))?;
    let (_, after) = line.split_once(" total=")?;
    let phases = after.split_whitespace().skip(1).map_while(|word| {
        let (name, took) = word.trim_end_matches(')').split_once('=')?;
        Some((name.to_owned(), took.parse().ok()?))
    });
    Some(phases.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_read_from_the_line_after_the_answer() {
        let log = "t dpu-host[1] debug ADD x: opened\n\
                   t dpu-host[1] info ADD x: succeeded (call=1 vf=v total=12.3ms device=0.25 move=9.0)\n\
                   t dpu-host[1] debug ADD x: answered (call=1 vf=v total=12.4ms device=0.25 move=9.0 print=0.1)\n";
        let phases = read(log).unwrap();
        assert_eq!(
            phases,
            [("device".to_owned(), 0.25), ("move".to_owned(), 9.0), ("print".to_owned(), 0.1)]
        );
        assert_eq!(read("nothing of it"), None);
    }
}
