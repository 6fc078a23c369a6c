//! What is read, and from what: YAML as `kubectl` reads it, lists with nothing in them, several documents, a whole
//! cluster's pods.

use serde_json::{Value, json};

use crate::support::Place;

const GATHERED: &str = "must-gather/quay-io-img";

fn pod(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name }, "spec": { "containers": [{ "name": "c" }] } })
}

/// How many workloads are judged in a text.
fn judged(text: &str) -> (i32, usize, String) {
    let place = Place::new();
    place.write("objects", text);
    let ran = place.run(&["pod-spec", "lint", "--json", "objects"]);
    let lines: Value = serde_json::from_str(&ran.out).unwrap_or_default();
    (ran.code, lines.as_array().map_or(0, Vec::len), ran.err)
}

#[test]
fn a_file_mode_stays_what_it_is() {
    let place = Place::new();
    let volume = |mode: &str| {
        format!(
            "kind: Pod\nmetadata: {{name: p}}\nspec:\n  containers: [{{name: c}}]\n  volumes:\n  - {{name: v, secret: {{secretName: s, defaultMode: {mode}}}}}\n"
        )
    };
    for (written, meant) in
        [("0400", 256), ("0744", 484), ("0o400", 256), ("420", 420), ("0_7", 7), ("1__0", 10)]
    {
        place.write("pod.yaml", volume(written));
        let patched = place.run(&["pod-spec", "patch", "pod.yaml"]).ok().out;
        assert!(patched.contains(&format!("defaultMode: {meant}\n")), "{written}: {patched}");
    }
}

#[test]
fn a_must_gather_has_empty_lists_and_broken_files() {
    let place = Place::new();
    let node = "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: w1\n  labels: {node-role.kubernetes.io/worker: \"\", network.operator.openshift.io/dpu-host: \"\"}\n\
                spec:\n  taints: [{key: network.operator.openshift.io/dpu-host, value: \"true\", effect: NoSchedule}]\nstatus:\n  allocatable: {openshift.io/dpuvf: \"15\"}\n";
    let core = format!("{GATHERED}/namespaces/openshift-network-operator/core");
    place.write(&format!("{GATHERED}/cluster-scoped-resources/core/nodes/w1.yaml"), node);
    place.write(
        &format!("{core}/persistentvolumeclaims.yaml"),
        "---\napiVersion: v1\nitems: []\nkind: PersistentVolumeClaimList\n",
    );
    place.write(
        &format!("{core}/configmaps.yaml"),
        "---\napiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: hardware-offload-config}\n  data: {dpu-host-mode-label: a=b}\n",
    );
    let audit = || place.run(&["audit", "--root", "must-gather"]);
    let ran = audit();
    assert!(
        ran.out.contains("hardware-offload-config has dpu-host-mode-label"),
        "an item without kind: {}{}",
        ran.out,
        ran.err
    );
    assert!(!ran.out.contains("persistentvolumeclaims"), "an empty list is an answer: {}", ran.out);

    place.write(&format!("{core}/configmaps.yaml"), "");
    place.write(&format!("{core}/events.yaml"), b"\xff\xfe");
    place.write(&format!("{core}/pods.yaml"), "kind: List\nitems:\n- just words\n");
    let ran = audit();
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    for words in [
        "configmaps.yaml: it holds no objects",
        "events.yaml cannot be read",
        "pods.yaml: \"just words\" is no object",
    ] {
        assert!(
            ran.out.lines().any(|line| line.starts_with("warning") && line.contains(words)),
            "{words}: {}",
            ran.out
        );
    }

    place.write(&format!("{GATHERED}/cluster-scoped-resources/core/nodes/w1.yaml"), "");
    let ran = audit();
    assert_eq!(ran.code, 2, "nothing at all: {}", ran.out);
}

#[test]
fn one_bad_answer_does_not_hide_the_others() {
    let place = Place::new();
    place.write("empty", "");
    place.write("none.json", r#"{"apiVersion":"v1","kind":"List","items":[]}"#);
    place.write("null.yaml", "apiVersion: v1\nkind: NodeList\nitems:\n");
    place.write("node.json", json!({ "kind": "List", "items": [{ "kind": "Node", "metadata": { "name": "w1" } }, { "metadata": {} }] }).to_string());
    let files =
        ["empty", "none.json", "null.yaml", "missing", "node.json"].map(|file| ["--objects", file]).concat();
    let ran = place.run(&[&["audit", "--root", "."], files.as_slice()].concat());
    for words in [
        "empty: it holds no objects",
        "missing cannot be read",
        "{\"metadata\":{}} is no object of a cluster",
    ] {
        assert!(
            ran.out.lines().any(|line| line.starts_with("warning") && line.contains(words)),
            "{words}: {}{}",
            ran.out,
            ran.err
        );
    }
    assert!(ran.out.contains("no node has a mode label"), "{}", ran.out);
    assert!(!ran.out.contains("none.json") && !ran.out.contains("null.yaml"), "{}", ran.out);
}

#[test]
fn documents_of_json_follow_each_other() {
    let (a, b) = (pod("a"), pod("b"));
    for text in [
        format!("{a}\n---\n{b}\n"),
        format!("{a}{b}"),
        format!("{a}\n{b}"),
        format!("---\n{a}\n---\n---\n{b}\n---\n"),
        format!("[{a},{b}]"),
        format!("{{kind: Pod, metadata: {{name: a}}, spec: {{containers: [{{name: c}}]}}}}\n---\n{b}"),
    ] {
        let (code, count, err) = judged(&text);
        assert_eq!((code, count), (1, 2), "{text}: {err}");
    }
    let (_, _, err) = judged(&format!("{a}\n{}", &b.to_string()[..40]));
    assert!(err.contains("line 2: EOF while parsing"), "cut off: {err}");
}

#[test]
fn a_large_cluster_is_read() {
    let documents: String =
        (0..1_100).map(|number| format!("---\n{}\n", pod(&format!("p{number}")))).collect();
    assert_eq!(judged(&format!("# a comment: this is YAML\n{documents}")).1, 1_100);

    let mut pod = "- kind: Pod\n  metadata:\n    name: p\n    labels:\n".to_owned();
    (0..200).for_each(|label| pod += &format!("      l{label}: v\n"));
    pod += "  spec:\n    containers:\n    - name: c\n";
    assert_eq!(judged(&format!("kind: List\nitems:\n{}", pod.repeat(3_000))).1, 3_000);

    let anchored = format!(
        "kind: List\nitems:\n- &p\n  kind: Pod\n  spec:\n    containers:\n    - name: c\n{}",
        "- *p\n".repeat(150)
    );
    assert_eq!(judged(&anchored).1, 151);
}

#[test]
fn a_bomb_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        bomb += &format!("a{level}: &a{level} [{below}]\n");
    }
    let mut deep = "a0: &a0 [x]\n".to_owned();
    (1..400).for_each(|level| deep += &format!("a{level}: &a{level} [*a{}]\n", level - 1));
    for text in [bomb, deep, "- ".repeat(300), "[".repeat(100_000)] {
        let (code, _, err) = judged(&text);
        assert_eq!(code, 2, "{err}");
        assert!(err.lines().count() == 1 && err.starts_with("refused: objects: line "), "{err}");
    }
    let (_, _, err) = judged(&format!("a: &a [{}]\nb: [{}]\n", "x, ".repeat(2_000), "*a, ".repeat(1_000)));
    assert!(err.contains("too large as YAML, give JSON"), "{err}");
}
