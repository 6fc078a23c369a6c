//! The control of the other tests here: with a plugin that nobody here wrote, the runtimes do what those tests
//! rely on. When this fails the harness or the machine is at fault, not a plugin.

use rstest::rstest;
use runtimes::{Kind, Runtime, Setup};
use serde_json::{Value, json};

fn bridge() -> Value {
    json!({
        "cniVersion": "0.4.0",
        "name": "control",
        "plugins": [{
            "type": "bridge",
            "bridge": "control0",
            "isGateway": true,
            "ipam": { "type": "host-local", "subnet": "10.77.0.0/24", "dataDir": "/run/ipam" },
        }],
    })
}

fn setup() -> Setup {
    let setup = Setup::new().unwrap();
    ["bridge", "host-local", "loopback"]
        .iter()
        .fold(setup, |setup, name| setup.reference_plugin(name).unwrap())
}

/// containerd and CRI-O, without a network configuration: not ready. With one: ready, without a restart.
#[rstest]
#[case::containerd(Kind::Containerd)]
#[case::crio(Kind::Crio)]
fn becomes_ready_with_a_configuration(#[case] kind: Kind) {
    if kind.skipped() {
        return;
    }
    let mut runtime = Runtime::start(kind, setup(), None).unwrap();
    let before = runtime.cri().network().unwrap();
    assert!(!before.status, "ready without a network: {before:?}");

    runtime.setup().add_configuration("10-control.conflist", &bridge()).unwrap();
    runtime.wait(|runtime| runtime.cri().network().is_ok_and(|network| network.status)).unwrap();
}

/// Two pods of an ordinary plugin reach each other, and nothing is left when they are gone.
#[rstest]
#[case::containerd(Kind::Containerd)]
#[case::crio(Kind::Crio)]
fn pods_reach_each_other_and_leave_nothing(#[case] kind: Kind) {
    if kind.skipped() {
        return;
    }
    let setup = setup().configuration("10-control.conflist", &bridge()).unwrap();
    let runtime = Runtime::start(kind, setup, None).unwrap();
    let cri = runtime.cri();
    let pods = ["one", "two"].map(|name| runtime.pod("control", name));
    let sandboxes = pods.each_ref().map(|pod| cri.run_sandbox(pod).unwrap());
    let container = cri.run_container(&sandboxes[0], &pods[0]).unwrap();
    let other = cri.address(&sandboxes[1]).unwrap();
    cri.exec(&container, &["ping", "-c", "1", "-W", "5", &other]).unwrap();

    for sandbox in &sandboxes {
        cri.remove_sandbox(sandbox).unwrap();
    }
    assert_eq!(runtime.leftovers().unwrap(), Vec::<String>::new());
}
