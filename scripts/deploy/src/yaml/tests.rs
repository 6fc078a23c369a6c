//! What `kubectl` makes of a text is in `tests/kubectl-yaml.json`: each with the JSON that `YAMLToJSON` of
//! sigs.k8s.io/yaml 1.6.0 gives for it, or that it refuses it. The table is the output of a Go program of one loop.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{compose, documents, print};

/// One text.
#[derive(Deserialize)]
struct Entry {
    text: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    refused: bool,
}

fn table() -> Vec<Entry> {
    serde_json::from_str(include_str!("../../tests/kubectl-yaml.json")).expect("the table")
}

/// Where we refuse what kubectl takes: a key that is there twice, or is no word.
const STRICTER: [&str; 16] = [
    "a: 1\na: 2",
    "a: 1\n'a': 2",
    "1: a\n'1': b",
    "09: v",
    "1.5: v",
    "1e3: v",
    "1e21: v",
    "1e20: v",
    ".5: v",
    ".inf: v",
    "-.inf: v",
    ".nan: v",
    "1.10: v",
    "123456789.123: v",
    "1e-7: v",
    "3.14159265358979: v",
];
/// Where YAML 1.2 allows what 1.1 does not.
const MILDER: [&str; 4] =
    ["%YAML 1.2\n---\na: yes", "a: x\u{85}y", "a: \"\\U0001F600 \\/ \\e \\_ \\N\"", "a: &a-b.c 1\nb: *a-b.c"];

#[test]
fn every_text_is_what_kubectl_takes_it_for() {
    let table = table();
    assert!(table.len() > 600);
    let mut wrong = Vec::new();
    for Entry { text, value, refused } in table {
        let read =
            compose::documents(&text).map(|documents| documents.into_iter().next().unwrap_or_default());
        let agreed = match &read {
            Ok(read) => (!refused && *read == value) || MILDER.contains(&text.as_str()),
            Err(_) => refused || STRICTER.contains(&text.as_str()),
        };
        if !agreed {
            wrong.push(format!("{text:?}: kubectl {value}, we {read:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_printed_is_read_back_the_same() {
    for Entry { text, value, .. } in table() {
        // As a word, as a key, and as what it is.
        for value in [json!({ "v": text }), json!({ text.clone(): "v" }), json!({ "list": [text, value] })] {
            let printed = print(&value).expect("YAML");
            assert_eq!(documents(&printed), Ok(vec![value]), "{printed}");
        }
    }
}

#[test]
fn too_large_a_text_is_refused_with_its_line() {
    let text = "- [a, b]\n- c\n";
    assert_eq!(compose::up_to(5, text), Ok(vec![json!([["a", "b"], "c"])]));
    let error = compose::up_to(4, text).expect_err("five values");
    assert_eq!((error.line, error.why.as_str()), (2, "too large as YAML: give JSON"));
}
