//! How long pods are without network after a reset of the card: from when their functions are back and its lease is healthy
//! until the last of them has heard its gateway. What starts `dpu-host vfs --restore` on a node, udev and systemd, is
//! left out.

use std::net::IpAddr;
use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use linux::Netns;

use super::call::{IFNAME, Pod};
use super::curve::{Curve, Point};
use super::kernel::Replay;
use super::plan::Plan;
use super::process::{Cost, Invocation, children_cpu};
use super::progress::Progress;
use super::site::Site;
use super::subject::Field;
use node::{Families, Lease, Node};

/// Names of curves, which the limits are stated in.
pub(super) const RESTORED: &str = "dpu-host: N pods back after a reset of the card";
pub(super) const KERNEL: &str = "kernel alone: N ADDs in turn, beside that";

/// A node whose every VF a pod has, and the call that gives them back.
struct Scene {
    site: Site,
    pods: Vec<(node::Pod, IpAddr)>,
    restore: Invocation,
}

/// Resets cards under different numbers of pods; the kernel makes as many moves on `site` meanwhile.
///
/// # Errors
/// When something does not end as it has to.
pub(super) fn curves(
    field: &Field,
    site: &Site,
    pods: &[node::Pod],
    plan: &Plan,
    progress: &mut Progress,
) -> Result<Vec<Curve>> {
    let mut curves = [RESTORED, KERNEL].map(|name| Curve { name: name.to_owned(), points: Vec::new() });
    for &count in &plan.lost {
        let scene = Scene::new(field, count)?;
        let pairs = site.node.vfs().iter().zip(pods).take(count);
        let replays = pairs.map(|(vf, pod)| Replay::new(site, vf, pod)).collect::<Result<Vec<_>>>()?;
        let (mut ours, mut kernel) = (Vec::new(), Vec::new());
        for _ in 0..plan.resets {
            progress.advance(1, &format!("{count} pods after a reset of the card"));
            ours.push(scene.recovery()?);
            let began = Instant::now();
            replays.iter().try_for_each(Replay::add)?;
            kernel.push(Cost { wall: began.elapsed(), ..Cost::default() });
            replays.iter().try_for_each(Replay::del)?;
        }
        for (curve, costs) in curves.iter_mut().zip([ours, kernel]) {
            curve.points.push(Point::new(count, &costs, None));
        }
    }
    Ok(curves.into())
}

impl Scene {
    fn new(field: &Field, count: usize) -> Result<Self> {
        let node = Node::builder().vfs(u32::try_from(count)?).families(Families::Dual).start()?;
        let site = Site::over(node)?;
        let mut pods = Vec::new();
        for (at, vf) in site.node.vfs().iter().enumerate() {
            let pod = site.node.pod("bench", &format!("lost-{at}"))?;
            let object = site.node.pod_object(&pod).context("the pod just made")?;
            let gateway = object.interfaces.get(IFNAME).and_then(|interface| interface.gateways.first());
            let gateway = *gateway.context("a pod's gateway")?;
            let conf = site.node.conf_for(vf);
            site.of_pod(&field.dpu_host.path, "ADD", &Pod::from(&pod), &conf).output()?;
            pods.push((pod, gateway));
        }
        let args = ["vfs", "--restore"].map(str::to_owned).to_vec();
        let restore = site.on_host(Invocation { args, ..Invocation::new(&field.dpu_host.path) });
        Ok(Scene { site, pods, restore })
    }

    /// One reset, and how long it takes from its end until all pods hear their gateway.
    fn recovery(&self) -> Result<Cost> {
        self.site.node.card_goes_down()?;
        self.site.node.behave(|behaviour| behaviour.lease = Lease::Expired);
        self.site.node.card_comes_up()?;
        let (before, began) = (children_cpu()?, Instant::now());
        self.restore.measure()?;
        let cpu = children_cpu()?.saturating_sub(before);
        thread::scope(|scope| {
            let wait = |(pod, gateway): &(node::Pod, IpAddr)| hear(pod.netns().netns(), *gateway);
            let waiting: Vec<_> = self.pods.iter().map(|pod| scope.spawn(move || wait(pod))).collect();
            waiting.into_iter().try_for_each(|one| one.join().map_err(|_| anyhow!("waiting for a pod"))?)
        })?;
        Ok(Cost { wall: began.elapsed(), cpu })
    }
}

/// Waits until a gateway answers: it is asked every 10 ms, for half a minute.
fn hear(pod: &Netns, gateway: IpAddr) -> Result<()> {
    let mut ping = Command::new("ping");
    ping.args(["-n", "-q", "-c", "1", "-i", "0.01", "-w", "30", &gateway.to_string()]);
    let done = pod.run(|| ping.output())?.context("running ping")?;
    ensure!(done.status.success(), "{gateway} does not answer a pod whose VF was given back");
    Ok(())
}
