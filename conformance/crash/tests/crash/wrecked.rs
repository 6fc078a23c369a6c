//! The DEL of a pod whose record nobody can read, killed at every instant: the record is kept for a person to see, and its
//! VF is free for the next pod.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use crash::{Fault, Point, Records};
use node::{Call, Node, Pod, Verb};

use crate::ATTEMPTS;

/// What is left of it.
const WRECK: &str = "{";

/// A node with a pod whose record is damaged. What its VF was at home is lost with that, so each is used once.
struct Wrecked {
    node: Node,
    pod: Pod,
}

impl Wrecked {
    fn new() -> Result<Self> {
        let node = Node::builder().vfs(1).privileged(false).start()?;
        let wrecked = Wrecked { pod: node.pod("web", "web-0")?, node };
        wrecked.call(Verb::Add, &wrecked.pod)?.run()?.ok()?;
        let [record] = &wrecked.files("attachments")?[..] else { bail!("there is to be one record") };
        fs::write(record, WRECK)?;
        Ok(wrecked)
    }

    fn call(&self, verb: Verb, pod: &Pod) -> Result<Call<'_>> {
        Ok(self.node.call("dpu-host", verb)?.pod(pod).conf(&self.node.conf_for(&self.node.vfs()[0])))
    }

    fn files(&self, dir: &str) -> Result<Vec<PathBuf>> {
        let files = fs::read_dir(self.node.root().join("run/dpu-cni").join(dir)).into_iter().flatten();
        files.map(|file| Ok(file?.path())).collect()
    }
}

#[test]
fn an_unreadable_record_is_kept_and_frees_its_vf() -> Result<()> {
    let traced = Wrecked::new()?;
    let (output, events) = crash::trace(traced.call(Verb::Del, &traced.pod)?, traced.node.root())?;
    output.ok()?;
    let points = crash::instants(&events);
    ensure!(points.iter().any(|point| point.label.contains("/unreadable")), "nothing is moved: {points:?}");
    points.iter().try_for_each(|point| hit(point).with_context(|| point.to_string()))
}

fn hit(point: &Point) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let wrecked = Wrecked::new()?;
        let Wrecked { node, pod } = &wrecked;
        let killed = crash::inject(wrecked.call(Verb::Del, pod)?, point, Fault::Kill, node.root())?;
        if killed.hit {
            wrecked.call(Verb::Del, pod)?.run()?.ok().context("DEL once more")?;
            return wrecked.judge();
        }
    }
    bail!("it was never killed there, {ATTEMPTS} times")
}

impl Wrecked {
    /// Its DEL has succeeded.
    fn judge(&self) -> Result<()> {
        let kept = self.files("unreadable")?;
        let [kept] = &kept[..] else { bail!("one record is to be kept: {kept:?}") };
        ensure!(fs::read_to_string(kept)? == WRECK, "what is kept is not what was found");
        // The kernel brings a VF home when the namespace goes.
        self.node.lose_netns(&self.pod)?;
        self.node.refresh_sysfs()?;
        let next = self.node.pod("web", "next")?;
        self.call(Verb::Add, &next)?.run()?.ok().context("ADD of the next pod")?;
        self.call(Verb::Del, &next)?.run()?.ok().context("DEL of the next pod")?;
        let records = Records::read(self.node.root())?;
        ensure!(records.is_empty(), "left in the state directory: {records:?}");
        Ok(())
    }
}
