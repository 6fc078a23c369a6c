//! How a random call is made: a valid one, of which a few things are changed, from one wrong value up to noise.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::pod::Pod;
use crate::stop::Stop;
use crate::trial::Trial;
use crate::versions::KNOWN;
use testkit::numbers::Numbers;

const VERBS: &[&str] =
    &["ADD", "ADD", "ADD", "DEL", "DEL", "CHECK", "STATUS", "GC", "VERSION", "", "add", "UPDATE"];
const VARIABLES: &[&str] = &[
    "CNI_COMMAND",
    "CNI_CONTAINERID",
    "CNI_NETNS",
    "CNI_IFNAME",
    "CNI_ARGS",
    "CNI_PATH",
    "CNI_NETNS_OVERRIDE",
];
const KEYS: &[&str] = &[
    "cniVersion",
    "name",
    "type",
    "prevResult",
    "runtimeConfig",
    "ipam",
    "dns",
    "args",
    "capabilities",
    "deviceID",
    "cni.dev/valid-attachments",
    "cni.dev/attachments",
    "logLevel",
    "mtu",
];
const TEXTS: &[&[u8]] = &[
    b"",
    b" ",
    b"a",
    b"-",
    b"1.1.0",
    b"eth0",
    b"lo",
    b"..",
    b"a/b",
    b"IgnoreUnknown=1;K8S_POD_NAME=x",
    b"=;;=;a=b=c",
    b"\xff\xfe\x80",
    b"\xe2\x80\xa8\xe2\x80\x83",
    b"%s%n%x",
    b"\"}{\\",
    b"\x1b[31m\x07\x7f",
    b"0000:00:00.0",
    b"18446744073709551616",
];

/// What the calls of one worker are made from.
pub(super) struct Material {
    calls: Vec<Call>,
    netns: Vec<std::path::PathBuf>,
}

impl Material {
    pub(super) fn new(t: &Trial<'_>, pod: &Pod) -> Result<Material, Stop> {
        let verbs = ["ADD", "DEL", "CHECK"].map(|verb| t.call(verb, pod));
        let mut calls = verbs.to_vec();
        calls.extend(["STATUS", "GC", "VERSION"].map(|verb| t.node_call(verb)));
        // Only namespaces of the suite's own, and things that are none.
        let file = t.dir().join("not-a-namespace");
        std::fs::write(&file, "")?;
        let netns = vec![
            pod.container.path().to_owned(),
            "/proc/self/ns/net".into(),
            t.dir().join("missing"),
            t.dir().to_owned(),
            file,
            "/dev/null".into(),
        ];
        Ok(Material { calls, netns })
    }

    pub(super) fn call(&self, numbers: &mut Numbers) -> Call {
        let mut call = numbers.pick(&self.calls).clone();
        for _ in 0..numbers.below(4) {
            call = self.variable(call, numbers);
        }
        match numbers.below(8) {
            0 => call,
            1..=4 => call.with_conf(|conf| spoil(conf, numbers)),
            5 => {
                let text = harmless(call.conf()).to_string().into_bytes();
                call.stdin(scramble(text, numbers))
            }
            6 => {
                let noise =
                    (0..numbers.below(200)).map(|_| numbers.any().to_le_bytes()[0]).collect::<Vec<u8>>();
                call.stdin(noise)
            }
            _ => call.stdin(value(numbers, 6).to_string()),
        }
    }

    fn variable(&self, call: Call, numbers: &mut Numbers) -> Call {
        let name = *numbers.pick(VARIABLES);
        let text = match name {
            _ if numbers.once_in(4) => return call.without(name),
            "CNI_COMMAND" => numbers.pick(VERBS).as_bytes().to_vec(),
            // Never a path at random: it might be one of the machine's.
            "CNI_NETNS" => numbers.pick(&self.netns).as_os_str().as_bytes().to_vec(),
            "CNI_PATH" => b"/nowhere".to_vec(),
            _ => text(numbers),
        };
        call.env(name, OsStr::from_bytes(&text))
    }
}

/// A value for a variable: no NUL, which no environment can hold.
fn text(numbers: &mut Numbers) -> Vec<u8> {
    match numbers.below(4) {
        0 => (0..numbers.below(40)).map(|_| numbers.any().to_le_bytes()[0].max(1)).collect(),
        1 => numbers.pick(TEXTS).repeat(numbers.below(600)),
        _ => numbers.pick(TEXTS).to_vec(),
    }
}

/// Sets or removes a few keys of a configuration, at any depth.
fn spoil(conf: &mut Map<String, Value>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(3) {
        let own: Vec<String> = conf.keys().cloned().collect();
        let key = if numbers.once_in(2) && !own.is_empty() {
            numbers.pick(&own).clone()
        } else {
            (*numbers.pick(KEYS)).to_owned()
        };
        match conf.get_mut(&key) {
            Some(Value::Object(inner)) if numbers.once_in(2) => spoil(inner, numbers),
            _ if numbers.once_in(4) => drop(conf.remove(&key)),
            _ => drop(conf.insert(key, value(numbers, 4))),
        }
    }
}

/// Any JSON value, of at most this depth. Strings hold no path, so that nothing is read or written at one.
fn value(numbers: &mut Numbers, depth: usize) -> Value {
    let kinds = if depth == 0 { 5 } else { 7 };
    match numbers.below(kinds) {
        0 => Value::Null,
        1 => json!(numbers.once_in(2)),
        2 => json!(numbers.any()),
        3 => json!(*numbers.pick(KNOWN)),
        4 => json!(String::from_utf8_lossy(&text(numbers)).replace('/', "_")),
        5 => (0..numbers.below(4)).map(|_| value(numbers, depth - 1)).collect(),
        _ => {
            let pairs =
                (0..numbers.below(4)).map(|_| ((*numbers.pick(KEYS)).to_owned(), value(numbers, depth - 1)));
            Value::Object(pairs.collect())
        }
    }
}

/// The configuration without any string that could be a path: changing one of its bytes would make another path.
fn harmless(conf: &Map<String, Value>) -> Value {
    fn clean(value: &Value) -> Value {
        match value {
            Value::String(text) if text.contains('/') => json!("x"),
            Value::Array(items) => items.iter().map(clean).collect(),
            Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), clean(value))).collect(),
            other => other.clone(),
        }
    }
    clean(&Value::Object(conf.clone()))
}

/// Changes, removes, doubles a few bytes.
fn scramble(mut bytes: Vec<u8>, numbers: &mut Numbers) -> Vec<u8> {
    for _ in 0..=numbers.below(6) {
        if bytes.is_empty() {
            break;
        }
        let at = numbers.below(bytes.len());
        match numbers.below(5) {
            0 => bytes.truncate(at),
            1 => drop(bytes.remove(at)),
            2 => bytes[at] ^= 1 << numbers.below(8),
            3 => bytes.insert(at, *numbers.pick(b"{}[]\",:\\\0\xff0-.eE ")),
            _ => bytes.extend_from_within(at..),
        }
    }
    bytes
}
