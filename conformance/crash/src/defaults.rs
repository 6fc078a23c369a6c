//! What links begin with in a pod's namespace: an ADD may change that for as long as it runs.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::records::{self, Records};
use node::{Namespace, Node};

/// The settings of IPv6 that an ADD may change by default.
const SETTINGS: [&str; 2] = ["accept_dad", "accept_ra"];

/// What is kept of a namespace whose defaults are changed.
#[derive(Deserialize)]
struct Kept {
    values: Vec<(String, String)>,
}

/// Whether defaults may be changed by now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// Where a file says what they were: the ADD was killed.
    Kept,
    /// Nowhere.
    Never,
}

/// That the defaults of these namespaces are those of every new one, or that it is said what they were.
///
/// # Errors
/// The first that are not.
pub(super) fn judge(node: &Node, pods: &[&Namespace], allowed: Allowed) -> Result<()> {
    let new = read(node.host())?;
    // Whoever has one open keeps it, but it is no pod's any more once its path is gone.
    for pod in pods.iter().filter(|pod| pod.path().exists()) {
        let now = read(pod)?;
        let changed: Vec<_> =
            new.iter().zip(&now).filter(|(was, is)| was != is).map(|(was, _)| was).collect();
        if changed.is_empty() {
            continue;
        }
        ensure!(
            allowed == Allowed::Kept,
            "{}: by default it has {now:?} instead of {new:?}",
            pod.path().display()
        );
        let kept = kept(node, pod)?;
        ensure!(
            changed.into_iter().all(|was| kept.values.contains(was)),
            "{}: by default it has {now:?}, and yet the file says {:?}",
            pod.path().display(),
            kept.values
        );
    }
    Ok(())
}

fn read(namespace: &Namespace) -> Result<Vec<(String, String)>> {
    let value = |key: &str| {
        let text = fs::read_to_string(format!("/proc/sys/net/ipv6/conf/default/{key}"))?;
        Ok((key.to_owned(), text.trim().to_owned()))
    };
    namespace.netns().run(|| SETTINGS.into_iter().map(value).collect())?
}

/// What the plugin has kept of this namespace.
fn kept(node: &Node, pod: &Namespace) -> Result<Kept> {
    let id = pod.netns().id();
    let own =
        |content: &Value| content["netns_id"]["inode"] == id.inode && content["netns_id"]["dev"] == id.dev;
    let files = records::files(node.root()).into_iter().filter(|(dir, ..)| *dir == Records::DEFAULTS);
    let mut contents = files.filter_map(|(_, path, _)| serde_json::from_slice(&fs::read(path).ok()?).ok());
    let found = contents.find(own);
    let found =
        found.with_context(|| format!("{}: no file says what it had by default", pod.path().display()))?;
    Ok(serde_json::from_value(found)?)
}
