//! Parts of the node die while ADDs and DELs are under way, and come back. Afterwards every pod that should run runs,
//! every VF is where its record says, and no pod is refused that has nothing to do with it.

use cluster::{Cluster, Multus, Role, objects};
use node::{Answer, Card};
use rstest::rstest;

use super::stops::{Instant, Stops};
use super::support::{Alone, delete, host, start};

/// Who dies, and what brings it back.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Kubelet,
    Containerd,
    /// The process of the call that is under way. containerd calls again.
    Plugin,
    ApiServer,
    Server,
}

impl Victim {
    fn dies(self, cluster: &Cluster) {
        let parts = cluster.parts();
        match self {
            Victim::Kubelet => parts.kubelet.kill().unwrap(),
            Victim::Containerd => parts.containerd.kill().unwrap(),
            Victim::Plugin => cluster.signal_all("dpu-host", "KILL").unwrap(),
            Victim::ApiServer => parts.api_server.kill().unwrap(),
            Victim::Server => cluster.node().stop_server(),
        }
    }

    fn comes_back(self, cluster: &Cluster) {
        let (parts, place) = (cluster.parts(), cluster.place());
        match self {
            Victim::Kubelet => parts.kubelet.start(place).unwrap(),
            Victim::Containerd => parts.containerd.start(place).unwrap(),
            Victim::Plugin => {}
            Victim::ApiServer => parts.api_server.start(place).unwrap(),
            Victim::Server => cluster.node().start_server().unwrap(),
        }
    }
}

/// Waits until the server has been asked `command` for this pod.
fn until_asked(cluster: &Alone, command: &str, pod: &str) {
    let name = format!(";K8S_POD_NAME={pod};");
    cluster
        .until(&format!("{command} of {pod}"), || {
            let received = cluster.node().received();
            let asked = |request: &&node::Received| {
                request.command == command && format!(";{};", request.env["CNI_ARGS"]).contains(&name)
            };
            received.iter().find(asked).map(|_| ())
        })
        .unwrap();
}

/// Eight calls are under way, four of them ADDs and four DELs, each at another instant. The victim dies, the calls go on
/// without it, and it comes back.
#[rstest]
fn whoever_dies_at_whatever_instant_no_vf_is_lost_and_no_pod_refused(
    #[values(Victim::Kubelet, Victim::Containerd, Victim::Plugin, Victim::ApiServer, Victim::Server)] victim: Victim,
) {
    const LEAVING: [&str; 4] = ["del-locked", "del-moved", "del-answered", "del-awaits"];
    const STAYING: [&str; 5] = ["innocent", "add-locked", "add-moved", "add-answered", "add-awaits"];
    let cluster = host(9);
    let pods = |names: &[&str]| names.iter().map(|name| objects::pod(name)).collect::<Vec<_>>();
    cluster.apply(&pods(&[&LEAVING[..], &["innocent"]].concat())).unwrap();
    cluster.until_settled(&[&LEAVING[..], &["innocent"]].concat());

    let stops = Stops::new(&cluster);
    let (add, del) = ([Instant::AddLocked, Instant::AddMoved], [Instant::DelLocked, Instant::DelMoved]);
    for (verb, names, instants) in [("ADD", &STAYING[1..4], add), ("DEL", &LEAVING[..3], del)] {
        for (name, instant) in names.iter().zip(instants.into_iter().chain([Instant::Answered])) {
            stops.stop(verb, name, instant);
        }
    }
    cluster.apply(&pods(&STAYING[1..4])).unwrap();
    STAYING[1..4].iter().for_each(|pod| stops.until_stopped("ADD", pod));
    cluster.node().behave(|behaviour| behaviour.card = Card::Never);
    cluster.apply(&pods(&STAYING[4..])).unwrap();
    until_asked(&cluster, "ADD", "add-awaits");
    // Not before: the kubelet may give the next pod a VF that a DEL holds.
    delete(&cluster, &LEAVING[..3]);
    LEAVING[..3].iter().for_each(|pod| stops.until_stopped("DEL", pod));
    cluster.node().behave(|behaviour| behaviour.del = Answer::Hang);
    delete(&cluster, &LEAVING[3..]);
    until_asked(&cluster, "DEL", "del-awaits");

    victim.dies(&cluster);
    cluster.node().behave(|behaviour| {
        behaviour.card = Card::Ready;
        behaviour.del = Answer::Proper;
    });
    stops.go_on();
    victim.comes_back(&cluster);
    for pod in LEAVING {
        cluster.until_gone(pod).unwrap();
    }
    for pod in STAYING {
        cluster.until_runs(pod).unwrap();
    }
    cluster.until_settled(&STAYING);

    // All that is left is to be had.
    let next = ["next-0", "next-1", "next-2", "next-3"];
    cluster.apply(&pods(&next)).unwrap();
    cluster.until_settled(&[&STAYING[..], &next].concat());
    delete(&cluster, &["--all"]);
    cluster.until_settled(&[]);
}

/// Multus' daemon goes on with an ADD whose runtime has died, keeps its result, and names it to GC as alive.
#[rstest]
fn whoever_dies_under_multus_no_vf_is_lost_and_no_pod_refused(
    #[values(Victim::Kubelet, Victim::Containerd)] victim: Victim,
) {
    let mut cluster = start(Role::HostUnderMultus { vfs: 3 });
    let plugin = cluster.device_plugin().unwrap();
    cluster.plugin = Some(plugin);
    Multus::serve(&cluster.cluster, || {
        cluster.until_node_ready("True").unwrap();
        cluster.until_allocatable(3).unwrap();
        dies_during_an_add_and_a_del(&cluster, victim);
    });
}

fn dies_during_an_add_and_a_del(cluster: &Alone, victim: Victim) {
    cluster.apply(&[objects::pod("innocent")]).unwrap();
    cluster.until_runs("innocent").unwrap();

    cluster.node().behave(|behaviour| behaviour.card = Card::Never);
    cluster.apply(&[objects::pod("adding")]).unwrap();
    until_asked(cluster, "ADD", "adding");
    victim.dies(cluster);
    cluster.node().behave(|behaviour| behaviour.card = Card::Ready);
    victim.comes_back(cluster);
    cluster.until_runs("adding").unwrap();
    cluster.until_settled(&["adding", "innocent"]);

    cluster.node().behave(|behaviour| behaviour.del = Answer::Hang);
    delete(cluster, &["adding"]);
    until_asked(cluster, "DEL", "adding");
    victim.dies(cluster);
    cluster.node().behave(|behaviour| behaviour.del = Answer::Proper);
    victim.comes_back(cluster);
    cluster.until_gone("adding").unwrap();
    cluster.until_settled(&["innocent"]);

    // All that is left is to be had.
    cluster.apply(&[objects::pod("next-0"), objects::pod("next-1")]).unwrap();
    for pod in ["next-0", "next-1"] {
        cluster.until_runs(pod).unwrap();
    }
    cluster.until_settled(&["innocent", "next-0", "next-1"]);
    delete(cluster, &["--all"]);
    cluster.until_settled(&[]);
}

/// Its files below /run are gone with it, and so is every sandbox; pods come again, in new ones.
#[test]
fn a_node_that_is_restarted_gives_its_pods_vfs_again() {
    let cluster = host(3);
    cluster.apply(&[objects::stateful_set("db", 3)]).unwrap();
    let names = ["db-0", "db-1", "db-2"];
    for name in names {
        cluster.until_runs(name).unwrap();
    }
    cluster.until_settled(&names);
    let before = names.map(|name| cluster.sandbox_of(name));

    cluster.reboot().unwrap();
    for (name, before) in names.iter().zip(&before) {
        cluster
            .until(&format!("{name} has another sandbox"), || {
                cluster.sandbox_of(name).filter(|now| Some(now) != before.as_ref())
            })
            .unwrap();
        cluster.until_runs(name).unwrap();
    }
    cluster.until_settled(&names);
    cluster.kubectl(&["delete", "statefulset", "db", "--wait=false"]).unwrap();
    cluster.until_settled(&[]);
}
