//! CRI-O's calls as 1.37 makes them, kills included: CHECK right after each ADD, a DEL after one that fails, STATUS until
//! it succeeds, then once GC with the sandboxes that it still knows, and no DEL ever for one that it lost.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use node::{Card, Lease, Node, Pod, Running, Verb};
use serde_json::{Value, json};

use super::*;

/// How often a kubelet of these tests comes with a new sandbox.
const TRIES: usize = 3;

/// A stand-in: no registry serves CRI-O.
struct Crio<'a> {
    node: &'a Node,
    conf: Value,
    known: Vec<(Pod, Value)>,
}

impl<'a> Crio<'a> {
    fn new(node: &'a Node) -> Self {
        let mut conf = node.conf();
        conf["resourceName"] = json!(RESOURCE);
        Crio { node, conf, known: Vec::new() }
    }

    fn begin(&self, pod: &Pod) -> Result<Running> {
        self.node.call(PLUGIN, Verb::Add)?.pod(pod).conf(&self.conf).spawn()
    }

    /// A kubelet's pod, until it has a sandbox with a network.
    fn run(&mut self, pod: Pod) -> Result<()> {
        let mut sandbox = pod;
        for _ in 0..TRIES {
            let added = self.begin(&sandbox)?.wait()?.ok();
            let checked = added.and_then(|result| {
                let conf = after(self.conf.clone(), result);
                self.node.run(PLUGIN, Verb::Check, &sandbox, &conf)?.ok()?;
                Ok(conf)
            });
            if let Ok(conf) = checked {
                self.known.push((sandbox, conf));
                return Ok(());
            }
            self.node.run(PLUGIN, Verb::Del, &sandbox, &self.conf)?.ok()?;
            sandbox = self.node.another_sandbox(&sandbox)?;
        }
        bail!("{} has no sandbox after {TRIES} tries", sandbox.name)
    }

    /// After a start: the node becomes Ready no sooner than its network is, and GC comes once, then.
    fn start(&self) -> Result<()> {
        let status = || self.node.call(PLUGIN, Verb::Status)?.conf(&self.conf).run();
        self.node.behave(|b| b.lease = Lease::Expired);
        status()?.error().context("STATUS of a card whose lease has expired")?;
        self.node.behave(|b| b.lease = Lease::Healthy);
        status()?.ok()?;
        let list = self.known.iter().map(|(pod, _)| json!({"containerID": pod.container, "ifname": "eth0"}));
        let mut conf = self.conf.clone();
        conf["cni.dev/valid-attachments"] = list.collect();
        self.node.call(PLUGIN, Verb::Gc)?.conf(&conf).run()?.ok()?;
        Ok(())
    }

    fn stop_all(&mut self) -> Result<()> {
        for (pod, conf) in self.known.drain(..) {
            self.node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
        }
        Ok(())
    }
}

/// With the plugin, as in one control group, or without it, as systemd is told to for CRI-O.
#[test]
fn a_crio_killed_during_an_add_costs_no_vf_and_no_pod() -> Result<()> {
    for (privileged, with_plugin) in [(false, false), (false, true), (true, false), (true, true)] {
        let node = Node::builder().vfs(2).privileged(privileged).start()?;
        let before = homes(&node)?;
        let mut crio = Crio::new(&node);
        let [running, adding] = ["web-0", "web-1"].map(|name| node.pod("shop", name));
        let (running, adding) = (running?, adding?);
        for (pod, vf) in [&running, &adding].into_iter().zip(node.vfs()) {
            node.allocate(pod, RESOURCE, &[vf.device_id()]);
        }
        crio.run(running)?;

        // A second: it has been left alone long before.
        node.behave(|b| b.card = if with_plugin { Card::Never } else { Card::After(Duration::from_secs(1)) });
        let asked = node.received().len();
        let call = crio.begin(&adding)?;
        node.wait_received(asked + 1)?;
        if with_plugin {
            call.kill()?;
        } else {
            assert_eq!(call.abandon()?.status.code(), Some(1), "nobody has read its answer");
        }
        node.behave(|b| b.card = Card::Ready);
        node.idle()?;
        crio.start()?;
        let (living, _) = crio.known.first().context("a pod that runs")?;
        assert!(living.link("eth0")?.is_some_and(|link| link.up), "{privileged} {with_plugin}");

        // The lost sandbox is still there, and nobody ends it.
        crio.run(node.another_sandbox(&adding)?)?;
        assert!(adding.links()?.is_empty(), "{privileged} {with_plugin}");
        crio.stop_all()?;
        assert_eq!(homes(&node)?, before, "{privileged} {with_plugin}");
    }
    Ok(())
}
