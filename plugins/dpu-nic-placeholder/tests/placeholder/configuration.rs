//! The keys, and the sentence under hostile names.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::call::Call;

fn sentence(args: &str, keys: Value) -> String {
    let (code, text, _) = Call::new("ADD", "1.1.0").env("CNI_ARGS", args).with(keys).run().error();
    assert_eq!(code, 100);
    assert!(text.len() < 300, "{text}");
    assert!(text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{text}");
    for forbidden in ["\"", "network is not ready", "not found", "no such file or directory"] {
        assert!(!text.to_ascii_lowercase().contains(forbidden), "{text}");
    }
    text
}

#[test]
fn the_sentence_survives_any_name_and_any_message() {
    let long = format!("K8S_POD_NAMESPACE={};K8S_POD_NAME={}", "n".repeat(63), "p".repeat(253));
    let evil = "K8S_POD_NAMESPACE=not;K8S_POD_NAME=no such file or directory\n\"é\"";
    for args in ["", "K8S_POD_NAME=web", "junk", &long, evil] {
        let hint = sentence(args, json!({}));
        assert!(hint.contains("; set hostNetwork: true in the pod spec"), "{hint}");
        for message in ["é", "x", "Network is\tnot ready, file not\nfound", &"say \"why\" ".repeat(200)] {
            sentence(args, json!({"message": message}));
        }
    }
    let text = sentence("K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web", json!({"message": "call\n\"the\" team"}));
    assert_eq!(text, "pod shop/web refused: this DPU NIC node has no pod network; call 'the' team");
}

#[test]
fn an_administrator_declares_the_node_not_ready() {
    for code in [50, 51] {
        let status = json!({"status": {"code": code, "message": "card in maintenance"}});
        let error = Call::new("STATUS", "1.1.0").with(status.clone()).run().error();
        let text = "card in maintenance; declared by the key status of network placeholder";
        assert_eq!(error, (code, text.to_owned(), "1.1.0".to_owned()));
        assert_eq!(Call::new("ADD", "1.1.0").with(status).run().error().0, 100);
    }
}

#[test]
fn bad_keys() {
    for keys in [
        json!({"message": 5}),
        json!({"status": "down"}),
        json!({"status": {"code": 11, "message": "x"}}),
        json!({"logFile": 5}),
        json!({"logLevel": 9}),
    ] {
        for verb in ["ADD", "CHECK", "STATUS"] {
            assert_eq!(Call::new(verb, "1.1.0").with(keys.clone()).run().error().0, 7, "{verb} {keys}");
        }
    }
}

#[test]
fn refusals_are_logged_if_a_log_is_wanted() {
    let root = TempDir::new().unwrap();
    fs::create_dir_all(root.path().join("var/log")).unwrap();
    let call = |verb| {
        Call::new(verb, "1.1.0")
            .env("DPU_CNI_ROOT", root.path().to_str().unwrap())
            .with(json!({"logFile": "/var/log/dpu-cni/placeholder.log"}))
            .run()
    };
    assert_eq!(call("ADD").error().0, 100);
    assert!(call("DEL").silent());
    assert!(call("STATUS").silent());
    let log = fs::read_to_string(root.path().join("var/log/dpu-cni/placeholder.log")).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    let refusal =
        " error ADD placeholder/suite-0001/eth0 shop/web: failed with code 100: pod shop/web refused: ";
    assert!(lines[0].contains(refusal), "{log}");
    assert!(lines[1].ends_with(" info DEL placeholder/suite-0001/eth0 shop/web: succeeded"), "{log}");
}

#[test]
fn a_mistyped_key_is_warned_of_and_changes_nothing() {
    let warned = |verb: &str, keys: Value| Call::new(verb, "1.1.0").with(keys).run();
    for verb in ["ADD", "STATUS"] {
        let answer = warned(verb, json!({"mesage": "x", "prevResult": null, "IPAM": {}, "cni.dev/x": 1}));
        let warnings: Vec<&str> =
            answer.stderr.lines().filter(|line| line.contains("is not known")).collect();
        assert_eq!(warnings.len(), 1, "{}", answer.stderr);
        assert!(
            warnings[0].contains("key 'mesage' is not known here, and does nothing: message and status are"),
            "{}",
            answer.stderr
        );
    }
    let answer = warned("STATUS", json!({"message": "x", "logLevel": "info"}));
    assert!(answer.silent() && answer.stderr.is_empty(), "{}", answer.stderr);
}
