//! Every verb in every version.

use std::fs;
use std::thread;

use serde_json::json;
use tempfile::TempDir;

use crate::call::{Call, VERSIONS};

const REFUSAL: &str = "pod shop/web refused: this DPU NIC node has no pod network; set hostNetwork: true in the pod \
                       spec, or keep the pod off DPU NIC nodes (nodeSelector, affinity or taint)";

fn refused(version: &str) -> (u64, String, String) {
    (100, REFUSAL.to_owned(), version.to_owned())
}

#[test]
fn version_lists_them_all() {
    for stdin in ["{\"cniVersion\":\"0.4.0\"}", "", "junk"] {
        let answer = Call::new("VERSION", "").stdin(stdin).run();
        let expected = json!({"cniVersion": "1.1.0", "supportedVersions": VERSIONS});
        assert_eq!(serde_json::from_str::<serde_json::Value>(&answer.stdout).unwrap(), expected);
        assert_eq!(answer.exit, Some(0));
    }
}

#[test]
fn many_at_once_say_the_same() {
    let runs: Vec<_> = (0..50).map(|_| thread::spawn(|| Call::new("VERSION", "").run())).collect();
    let mut answers: Vec<_> = runs.into_iter().map(|run| run.join().unwrap()).collect();
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[test]
fn add_refuses_in_every_version() {
    for version in VERSIONS {
        assert_eq!(Call::new("ADD", version).run().error(), refused(version));
    }
    assert_eq!(Call::new("ADD", "").run().error(), refused("0.1.0"));
}

#[test]
fn check_refuses_likewise_where_it_exists() {
    for version in VERSIONS {
        let error = Call::new("CHECK", version).run().error();
        if version < "0.4.0" {
            assert_eq!(error.0, 1);
        } else {
            assert_eq!(error, refused(version));
        }
    }
}

#[test]
fn status_is_ready() {
    assert!(Call::new("STATUS", "1.1.0").run().silent());
    let bare =
        Call::new("STATUS", "1.1.0").env("CNI_CONTAINERID", "").without("CNI_NETNS").without("CNI_ARGS");
    assert!(bare.run().silent());
    for version in VERSIONS.iter().filter(|version| **version != "1.1.0") {
        assert_eq!(Call::new("STATUS", version).run().error().0, 1);
    }
}

#[test]
fn del_and_gc_succeed_whatever_they_are_given() {
    for verb in ["DEL", "GC"] {
        for version in VERSIONS.iter().chain(&["", "9.9.9", "junk"]) {
            assert!(Call::new(verb, version).run().silent(), "{verb} {version}");
        }
        for stdin in ["", "{", "null", "[]", "junk", "{}", "{\"name\":5}", "\u{feff}{}"] {
            assert!(Call::new(verb, "1.1.0").stdin(stdin).run().silent(), "{verb} {stdin}");
        }
        assert!(Call::new(verb, "1.1.0").stdin(b"\xff\xfe".as_slice()).run().silent());
        for key in ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH", "CNI_ARGS"] {
            assert!(Call::new(verb, "1.1.0").without(key).run().silent(), "{verb} {key}");
            assert!(Call::new(verb, "1.1.0").env(key, "a b/\n").run().silent(), "{verb} {key}");
        }
        for netns in ["/proc/self/ns/net", "/etc/hostname", "/nowhere"] {
            assert!(Call::new(verb, "1.1.0").env("CNI_NETNS", netns).run().silent(), "{verb} {netns}");
        }
        let odd =
            json!({"prevResult": 5, "message": 5, "status": 5, "logFile": 5, "cni.dev/valid-attachments": 5});
        assert!(Call::new(verb, "1.1.0").with(odd).run().silent());
    }
}

#[test]
fn faults_of_the_input_come_before_the_refusal() {
    let add = || Call::new("ADD", "1.0.0");
    assert_eq!(add().without("CNI_IFNAME").run().error().0, 4);
    assert_eq!(add().env("CNI_CONTAINERID", "-").run().error().0, 4);
    assert_eq!(add().stdin("").run().error().0, 6);
    assert_eq!(add().with(json!({"name": "a/b"})).run().error().0, 7);
    assert_eq!(add().env("CNI_NETNS", "/proc/self/ns/net").run().error().0, 8);
    assert_eq!(Call::new("ADD", "9.9.9").run().error().0, 1);
    assert_eq!(Call::new("NOPE", "1.0.0").run().error().0, 4);
}

#[test]
fn nothing_is_touched() {
    let folder = TempDir::new().unwrap();
    let netns = folder.path().join("netns");
    fs::write(&netns, "").unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.path().join("fifo")).status().unwrap().success());
    for path in
        [netns, folder.path().join("fifo"), folder.path().join("nowhere"), folder.path().to_path_buf()]
    {
        let call = Call::new("ADD", "1.0.0").env("CNI_NETNS", path.to_str().unwrap());
        assert_eq!(call.with(json!({"prevResult": {"cniVersion": "1.0.0"}})).run().error(), refused("1.0.0"));
    }
    let log = Call::new("ADD", "1.0.0").env("DPU_CNI_ROOT", folder.path().to_str().unwrap());
    assert_eq!(log.run().error(), refused("1.0.0"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn by_hand_it_says_what_it_is() {
    let answer = Call::new("", "").run();
    assert_eq!(answer.exit, Some(0));
    assert_eq!(answer.stdout, "");
    assert_eq!(
        answer.stderr,
        concat!(
            "dpu-nic-placeholder ",
            env!("CARGO_PKG_VERSION"),
            ": CNI plugin for nodes without a pod network: ready, and refuses\n",
            "CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n"
        )
    );
}
