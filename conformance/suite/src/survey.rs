//! The first look at a plugin: its versions, and how it answers plain calls. Nothing is judged here.

use anyhow::{Result, anyhow, bail};
use serde_json::Value;

use super::answer::Outcome;
use super::stop::Stop;
use super::suite::{IDLE_DEL, Suite};
use super::threads::on_private_host;
use super::trial::Trial;
use super::versions::{self, at_least};

/// The number of no check.
const SURVEY: u16 = 0;
/// It has the most containers at a time in [`plain`].
const CONTAINERS: usize = 2;

/// Fills in [`Suite::versions`], [`Suite::chosen`] and [`Suite::plain`]; `only` are the versions that are wanted, all if there is none.
///
/// # Errors
/// When it is no CNI plugin, or lists none of those.
pub(crate) fn survey(suite: &mut Suite, only: &[String]) -> Result<()> {
    let listed = on_private_host(&suite.kept(), || list(suite))?.map_err(explain)?;
    // A plugin without a VERSION is checked as far as it goes, with a version that everybody speaks.
    suite.versions = if listed.is_empty() { vec!["1.0.0".to_owned()] } else { listed };
    if let Some(other) = only.iter().find(|version| !suite.lists(version)) {
        bail!("the plugin does not list version {other}, but {}", suite.versions.join(", "));
    }
    let wanted = |version: &&String| only.is_empty() || only.contains(version);
    suite.chosen = suite.versions.iter().filter(wanted).cloned().collect();
    let versions = suite.versions.clone();
    for version in versions {
        let plain = on_private_host(&suite.kept(), || plain(suite, &version))?.map_err(explain)?;
        suite.plain.extend(plain.into_iter().map(|(verb, outcome)| ((verb, version.clone()), outcome)));
    }
    Ok(())
}

fn list(suite: &Suite) -> Result<Vec<String>, Stop> {
    let trial = Trial::begin(suite, SURVEY, CONTAINERS, "1.0.0")?;
    let call = trial.version_call();
    let running = call.start().map_err(|stop| match stop {
        // It names the trial's copy.
        Stop::Broken(error) => {
            anyhow!("{} does not start: {}", suite.plugin.display(), error.root_cause()).into()
        }
        other => other,
    })?;
    let answer = call.answer(running)?;
    // Whatever else is wrong with the answer is for the checks.
    if !answer.finished().timed_out && !answer.stdout().contains('{') {
        let plugin = suite.plugin.display();
        return Err(anyhow!("{plugin} does not answer VERSION: is it a CNI plugin?").into());
    }
    let object = answer.object().unwrap_or_default();
    let listed = object.get("supportedVersions").and_then(Value::as_array).cloned().unwrap_or_default();
    let known = listed.iter().filter_map(Value::as_str).filter(|version| versions::KNOWN.contains(version));
    Ok(known.map(str::to_owned).collect())
}

fn plain(suite: &Suite, version: &str) -> Result<Vec<(&'static str, Outcome)>, Stop> {
    let trial = Trial::begin(suite, SURVEY, CONTAINERS, version)?;
    let pod = trial.pod()?;
    let add = trial.call("ADD", &pod).run()?;
    let mut found = vec![("ADD", add.outcome())];
    if at_least(version, versions::CHECK) {
        let call = trial.call("CHECK", &pod);
        let call = match add.object() {
            Ok(result) => call.key("prevResult", result),
            Err(_) => call,
        };
        found.push(("CHECK", call.run()?.outcome()));
    }
    found.push(("DEL", trial.call("DEL", &pod).run()?.outcome()));
    found.push((IDLE_DEL, trial.call("DEL", &trial.pod()?).run()?.outcome()));
    if at_least(version, versions::STATUS) {
        for verb in ["STATUS", "GC"] {
            found.push((verb, trial.node_call(verb).run()?.outcome()));
        }
    }
    Ok(found)
}

fn explain(stop: Stop) -> anyhow::Error {
    match stop {
        Stop::Broken(error) => error,
        Stop::Skipped(reason) => anyhow!(reason),
        Stop::Failed(failure) => anyhow!("{failure}"),
    }
}
