//! Under runtimes that serve CRI.

use rstest::rstest;
use runtimes::cri::Refusal;
use runtimes::{Kind, Runtime, Setup};
use serde_json::{Value, json};
use testkit::binaries;

use super::{HINT, REFUSED};

/// One file for old and new runtimes, as it is installed on a node.
fn configuration() -> Value {
    json!({
        "cniVersion": "0.4.0",
        "cniVersions": ["0.4.0", "1.0.0", "1.1.0"],
        "name": "dpu-nic",
        "disableCheck": true,
        "loadOnlyInlinedPlugins": true,
        "plugins": [{ "type": "dpu-nic-placeholder" }],
    })
}

fn setup() -> Setup {
    let plugin = binaries::plugin("dpu-nic-placeholder").unwrap();
    // containerd attaches loopback beside the network, even where that refuses.
    Setup::new().unwrap().reference_plugin("loopback").unwrap().plugin(&plugin).unwrap()
}

fn start(kind: Kind) -> Runtime {
    let setup = setup().configuration("00-dpu-nic.conflist", &configuration()).unwrap();
    Runtime::start(kind, setup, None).unwrap()
}

/// Not Ready before, Ready as soon as the configuration is there.
#[rstest]
#[case::containerd(Kind::Containerd)]
#[case::crio(Kind::Crio)]
fn makes_the_node_ready(#[case] kind: Kind) {
    if kind.skipped() {
        return;
    }
    let mut runtime = Runtime::start(kind, setup(), None).unwrap();
    let before = runtime.cri().network().unwrap();
    assert!(!before.status, "ready without a network: {before:?}");

    runtime.setup().add_configuration("00-dpu-nic.conflist", &configuration()).unwrap();
    runtime.wait(|runtime| runtime.cri().network().is_ok_and(|network| network.status)).unwrap();
}

/// The whole text of the pod's event, up to the sandbox's identifier; and nothing is left of the attempt.
#[rstest]
#[case::containerd(Kind::Containerd, "failed to setup network for sandbox \"<id>\": ")]
#[case::crio(
    Kind::Crio,
    "failed to create pod network sandbox k8s_web-0_shop_uid-of-shop-web-0_0(<id>): \
     error adding pod shop_web-0 to CNI network \"dpu-nic\": "
)]
fn refuses_a_pod_with_a_sentence(#[case] kind: Kind, #[case] prefix: &str) {
    if kind.skipped() {
        return;
    }
    let runtime = start(kind);
    let refused = runtime.cri().run_sandbox(&runtime.pod("shop", "web-0")).unwrap_err();
    let refusal = refused.downcast::<Refusal>().unwrap();
    assert_eq!(
        without_identifiers(&refusal.message),
        format!("{prefix}plugin type=\"dpu-nic-placeholder\" failed (add): {REFUSED}; {HINT}")
    );
    assert_eq!(runtime.leftovers().unwrap(), Vec::<String>::new());
}

/// A refused pod is retried with a new sandbox, as often as kubelet likes; its name is free each time.
#[rstest]
#[case::containerd(Kind::Containerd)]
#[case::crio(Kind::Crio)]
fn refuses_it_again(#[case] kind: Kind) {
    if kind.skipped() {
        return;
    }
    let runtime = start(kind);
    let pod = runtime.pod("shop", "web-0");
    let texts = [(); 3].map(|()| runtime.cri().run_sandbox(&pod).unwrap_err().to_string());
    for text in &texts {
        assert_eq!(without_identifiers(text), without_identifiers(&texts[0]));
    }
    assert_eq!(runtime.leftovers().unwrap(), Vec::<String>::new());
}

/// A pod of the host's network runs, with the host's interfaces, and is removed without a trace.
#[rstest]
#[case::containerd(Kind::Containerd)]
#[case::crio(Kind::Crio)]
fn lets_host_network_pods_run(#[case] kind: Kind) {
    if kind.skipped() {
        return;
    }
    let runtime = start(kind);
    let cri = runtime.cri();
    let pod = runtime.pod("shop", "agent").on_host_network();
    let sandbox = cri.run_sandbox(&pod).unwrap();
    let container = cri.run_container(&sandbox, &pod).unwrap();
    let own = cri.exec(&container, &["ls", "-l", "/proc/self/ns/net"]).unwrap();
    let host = format!("net:[{}]", runtime.place().network().id().inode);
    assert!(own.contains(&host), "the container is in {own}, the host's network is {host}");

    cri.remove_sandbox(&sandbox).unwrap();
    assert_eq!(runtime.leftovers().unwrap(), Vec::<String>::new());
}

/// Runtimes name sandboxes by 64 hexadecimal digits.
fn without_identifiers(text: &str) -> String {
    let is_identifier = |word: &str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words.fold(String::new(), |text, word| match word.char_indices().last() {
        Some((end, last)) if is_identifier(&word[..end]) => format!("{text}<id>{last}"),
        _ => text + word,
    })
}
