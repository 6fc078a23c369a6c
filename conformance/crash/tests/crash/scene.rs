//! A node, a pod, and the call that is to be hit.

use std::cell::RefCell;
use std::fmt;

use anyhow::{Context, Result, ensure};
use crash::{self, Event, Place, World};
use node::{Call, Node, Output, Pod, Running, Verb, Xdp};
use serde_json::{Value, json};

const PLUGIN: &str = "dpu-host";
/// The pod of the call, which may have a primary user-defined network, and the pool that its VFs are of.
const WITH_UDN: &str = "old";
const RESOURCE: &str = "openshift.io/dpuvf";

/// The call, and what came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// ADD on a fresh node.
    Add,
    /// ADD on a node whose server is known to move VFs itself.
    AddKnown,
    /// ADD with a VF whose last holder is dead, and whose name another link has.
    AddHandedOver,
    /// ADD of a pod that is attached in an older sandbox.
    AddAnew,
    /// ADD with a VF that the kubelet has given to the pod, while the sandbox of its last holder lives.
    AddTakenOver,
    /// ADD whose answer cannot be written.
    AddUnwritten,
    /// DEL of an attached pod.
    Del,
    /// DEL after its namespace has died.
    DelNetnsGone,
    /// DEL while another link has the VF's name.
    DelNameTaken,
    /// DEL while the server is down.
    DelServerDown,
    /// GC that lists nothing: one pod lives, one has lost its namespace.
    Gc,
    /// GC without a list, and the kubelet has forgotten the pod, whose sandbox it has left behind.
    GcOrphan,
    /// `dpu-host vfs --restore` after the card was reset.
    Restore,
    /// `dpu-host vfs --release` of the VF of a pod whose sandbox lives.
    Release,
}

/// Starts the program in its arguments with a standard output that takes nothing.
const FULL: &str = r#"exec "$@" >/dev/full"#;

/// A call to be hit: what, and on which kind of node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// The call.
    pub(crate) kind: Kind,
    /// Whether the server moves VFs itself.
    pub(crate) privileged: bool,
    /// Whether the pod has a primary user-defined network, on the second VF.
    pub(crate) udn: bool,
}

/// A node on which the same thing can be set up again and again.
pub(crate) struct Scene {
    pub(crate) world: World,
    /// What the ADD of the pod has printed.
    pub(crate) result: RefCell<Value>,
    pub(crate) setting: Setting,
}

impl Setting {
    pub(crate) fn scene(self) -> Result<Scene> {
        let node = Node::builder().vfs(3).privileged(self.privileged).start()?;
        Ok(Scene { world: World::new(node)?, result: RefCell::default(), setting: self })
    }

    /// What the call does when nothing stops it.
    pub(crate) fn trace(self) -> Result<Vec<Event>> {
        let scene = self.scene()?;
        let pods = scene.prepare()?;
        let (output, events) = crash::trace(scene.call(&pods[0])?, scene.world.node.root())?;
        ensure!(output.status.success() != (self.kind == Kind::AddUnwritten), "{output:?}");
        Ok(events)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_not = |is: bool, text| if is { text } else { "" };
        let (server, vfs) = (or_not(self.privileged, ", privileged server"), or_not(self.udn, ", two VFs"));
        write!(f, "{:?}{server}{vfs}", self.kind)
    }
}

impl Scene {
    /// Sets everything up to the call, and returns the pods, the one of the call first.
    pub(crate) fn prepare(&self) -> Result<Vec<Pod>> {
        let node = &self.world.node;
        let state = node.root().join("run/dpu-cni");
        if state.exists() {
            std::fs::remove_dir_all(state)?;
        }
        let mut pods = vec![self.pod(WITH_UDN)?];
        node.allocate(&pods[0], RESOURCE, &[node.vfs()[0].device_id()]);
        if self.setting.udn {
            node.give_udn(&pods[0], &node.vfs()[1])?;
        }
        if !self.is_add() {
            self.result.replace(self.run(Verb::Add, &pods[0], 0)?.ok()?);
            tamper(&pods[0])?;
        }
        match self.setting.kind {
            Kind::Add | Kind::AddUnwritten | Kind::Release => {}
            // Not everywhere: whoever puts it there takes longer than a call.
            Kind::Del => pods[0].attach_xdp("eth0", Xdp::Generic).map(drop)?,
            Kind::AddKnown => {
                let before = self.pod("before")?;
                self.run(Verb::Add, &before, 0)?.ok()?;
                self.run(Verb::Del, &before, 0)?.ok()?;
            }
            Kind::AddHandedOver => {
                pods.push(self.lost(0, tamper)?);
                self.take_name()?;
            }
            Kind::AddAnew => {
                self.run(Verb::Add, &pods[0], 0)?.ok()?;
                tamper(&pods[0])?;
                let mut anew = node.another_sandbox(&pods[0])?;
                anew.container = container("anew");
                pods.insert(0, anew);
            }
            Kind::AddTakenOver => {
                let holder = self.pod("holder")?;
                self.run(Verb::Add, &holder, 0)?.ok()?;
                tamper(&holder)?;
                node.unlist(&holder);
                pods.push(holder);
            }
            Kind::Restore => {
                // How often its answer is waited for differs from run to run.
                node.stop_kubelet();
                node.card_goes_down()?;
                node.card_comes_up()?;
                self.world.dress()?;
            }
            Kind::DelNetnsGone => node.lose_netns(&pods[0])?,
            Kind::DelNameTaken => self.take_name()?,
            Kind::DelServerDown => node.stop_server(),
            Kind::Gc => pods.push(self.lost(2, |_| Ok(()))?),
            Kind::GcOrphan => node.unlist(&pods[0]),
        }
        // It comes home within the call, and nobody looks after the simulated sysfs meanwhile.
        if !matches!(self.setting.kind, Kind::AddAnew | Kind::AddTakenOver) {
            self.mirror(&pods)?;
        }
        Ok(pods)
    }

    /// The call.
    pub(crate) fn call<'a>(&'a self, pod: &Pod) -> Result<Call<'a>> {
        match self.setting.kind {
            Kind::Gc => self.gc_call(),
            Kind::GcOrphan => Ok(self.world.node.call(PLUGIN, Verb::Gc)?.conf(&self.world.node.conf())),
            Kind::Restore => self.restore_call(),
            Kind::Release => {
                let device = self.world.node.vfs()[0].device_id();
                Ok(self.world.node.call(PLUGIN, Verb::Del)?.args(&["vfs", "--release", device, "--yes"]))
            }
            Kind::AddUnwritten => Ok(self.call_of(Verb::Add, pod, 0)?.through("sh", &["-c", FULL, "sh"])),
            _ if self.is_add() => self.call_of(Verb::Add, pod, 0),
            _ => self.call_of(Verb::Del, pod, 0),
        }
    }

    /// Ends the namespaces of these pods.
    pub(crate) fn lose(&self, pods: &[&Pod]) -> Result<()> {
        for pod in pods.iter().filter(|pod| pod.netns().path().exists()) {
            self.world.node.lose_netns(pod)?;
        }
        self.world.mirror_sysfs(pods)
    }

    /// Whether the call is an ADD.
    pub(crate) fn is_add(&self) -> bool {
        matches!(
            self.setting.kind,
            Kind::Add
                | Kind::AddKnown
                | Kind::AddHandedOver
                | Kind::AddAnew
                | Kind::AddTakenOver
                | Kind::AddUnwritten
        )
    }

    pub(crate) fn call_of<'a>(&'a self, verb: Verb, pod: &Pod, vf: usize) -> Result<Call<'a>> {
        let node = &self.world.node;
        let mut conf = node.conf_for(&node.vfs()[vf]);
        // What a privileged server moves without a word only the kubelet tells: simulated VFs have no parent.
        if self.setting.udn && self.setting.privileged && pod.name == WITH_UDN {
            conf = node.conf();
            conf["resourceName"] = json!(RESOURCE);
        }
        Ok(node.call(PLUGIN, verb)?.pod(pod).conf(&conf))
    }

    fn gc_call(&self) -> Result<Call<'_>> {
        let node = &self.world.node;
        let mut conf = node.conf();
        conf["cni.dev/valid-attachments"] = json!([]);
        Ok(node.call(PLUGIN, Verb::Gc)?.conf(&conf))
    }

    fn restore_call(&self) -> Result<Call<'_>> {
        Ok(self.world.node.call(PLUGIN, Verb::Del)?.args(&["vfs", "--restore"]))
    }

    /// Gives every pod back what it has lost.
    pub(crate) fn restore(&self) -> Result<()> {
        let output = self.restore_call()?.run()?;
        ensure!(output.status.success(), "{output:?}");
        Ok(())
    }

    pub(crate) fn run(&self, verb: Verb, pod: &Pod, vf: usize) -> Result<Output> {
        self.call_of(verb, pod, vf)?.run()
    }

    /// A pod whose container ID is the same in every run, and so the order of its files in a directory.
    fn pod(&self, name: &str) -> Result<Pod> {
        let mut pod = self.world.node.pod("web", name)?;
        pod.container = container(name);
        Ok(pod)
    }

    /// A pod that was given this VF, did this to it, and whose namespace died.
    fn lost(&self, vf: usize, deed: impl FnOnce(&Pod) -> Result<()>) -> Result<Pod> {
        let pod = self.pod("lost")?;
        self.run(Verb::Add, &pod, vf)?.ok()?;
        deed(&pod)?;
        self.world.node.lose_netns(&pod)?;
        Ok(pod)
    }

    /// Gives the first VF's name to another link.
    pub(crate) fn take_name(&self) -> Result<()> {
        let node = &self.world.node;
        node.change_host(&format!("link add dev {} type bridge", node.vfs()[0].name))
    }

    /// GC with an empty list.
    pub(crate) fn gc(&self) -> Result<()> {
        self.gc_call()?.run()?.ok().context("GC").map(|_| ())
    }

    /// A DEL that must succeed and leave every VF where it belongs.
    pub(crate) fn del(&self, pod: &Pod, all: &[&Pod]) -> Result<()> {
        self.run(Verb::Del, pod, 0)?.ok().context("DEL")?;
        self.world.mirror_sysfs(all)?;
        self.world.settled(all).context("after DEL")
    }

    /// An ADD of a new pod on the first VF, which must succeed.
    pub(crate) fn add_another(&self, all: &[&Pod]) -> Result<Pod> {
        let (new, add) = self.begin_another()?;
        let result = add.wait()?.ok().context("ADD of another pod")?;
        self.holds(&new, &result, all).context("after ADD of another pod")?;
        Ok(new)
    }

    /// The same, under way.
    pub(crate) fn begin_another(&self) -> Result<(Pod, Running)> {
        self.server_up()?;
        let new = self.pod("new")?;
        let add = self.call_of(Verb::Add, &new, 0)?.spawn()?;
        Ok((new, add))
    }

    /// The pod has the first VF, and CHECK says so.
    pub(crate) fn holds(&self, pod: &Pod, result: &Value, others: &[&Pod]) -> Result<()> {
        let all = [&[pod], others].concat();
        self.world.mirror_sysfs(&all)?;
        self.world.settled(&all)?;
        let place = self.world.census(&all)?.vfs[0].place;
        ensure!(place == Place::Pod(0), "pod {} has no VF: it is in {place:?} of {}", pod.name, all.len());
        let node = &self.world.node;
        let mut conf = node.conf_for(&node.vfs()[0]);
        conf["prevResult"] = result.clone();
        node.run(PLUGIN, Verb::Check, pod, &conf)?.ok().context("CHECK").map(|_| ())
    }

    /// A DEL of a pod that has no VF; it does its share for all others.
    pub(crate) fn del_stranger(&self, pods: &[&Pod]) -> Result<()> {
        let node = &self.world.node;
        let stranger = self.pod("stranger")?;
        node.run(PLUGIN, Verb::Del, &stranger, &node.conf())?.ok().context("DEL of a stranger")?;
        node.idle()?;
        self.world.mirror_sysfs(pods)
    }

    /// Everything ends: the pods are deleted, time goes by, and one more call does its share. Nothing may be left.
    pub(crate) fn finish(&self, pods: &[&Pod]) -> Result<()> {
        let node = &self.world.node;
        let name = &node.vfs()[0].name;
        // Whatever else has it is no VF.
        if node.host_link(name)?.is_some_and(|link| link.index != self.world.home(0).index) {
            node.change_host(&format!("link del {name}"))?;
        }
        self.server_up()?;
        for pod in pods {
            self.del(pod, pods)?;
        }
        self.world.age()?;
        self.del_stranger(pods)?;
        self.world.clean(pods).context("at the end")
    }

    fn server_up(&self) -> Result<()> {
        if self.setting.kind == Kind::DelServerDown { self.world.node.start_server() } else { Ok(()) }
    }

    pub(crate) fn mirror(&self, pods: &[Pod]) -> Result<()> {
        self.world.mirror_sysfs(&pods.iter().collect::<Vec<_>>())
    }
}

/// Does to a pod's interface what the pod may do.
fn tamper(pod: &Pod) -> Result<()> {
    pod.change("link set eth0 mtu 1300\nlink property add dev eth0 altname mine-too")?;
    crash::tamper(pod)
}

/// The ID of a container, which says whose it is.
fn container(name: &str) -> String {
    name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().repeat(3)
}
