//! What the machine config daemon makes of a MachineConfig: a model of its decoding, with its refusals.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;

/// A file as the machine config daemon would write it: mode and content.
pub(crate) struct Written {
    pub(crate) mode: u32,
    pub(crate) content: Vec<u8>,
}

/// `DecodeIgnitionFileContents` of the machine config operator, and its refusals.
pub(crate) fn decode(config: &Value) -> Vec<(String, Written)> {
    let ignition = &config["spec"]["config"];
    let text = ignition.to_string();
    let (parsed, warnings) = ignition_config::Config::parse_str(&text).expect("Ignition takes it");
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(matches!(parsed, ignition_config::Config::V3_4(_)));
    for refused in ["links", "directories", "disks", "filesystems", "raid"] {
        assert!(ignition["storage"][refused].is_null(), "{refused} cannot be changed on a node");
    }
    let files = ignition["storage"]["files"].as_array().expect("files");
    files.iter().map(|file| (file["path"].as_str().expect("a path").to_owned(), write(file))).collect()
}

fn write(file: &Value) -> Written {
    assert!(file["append"].is_null());
    let mode = file["mode"].as_u64().and_then(|mode| u32::try_from(mode).ok()).expect("a mode");
    assert!(mode <= 0o777, "special bits are refused");
    let data = file["contents"]["source"]
        .as_str()
        .expect("a source")
        .strip_prefix("data:;base64,")
        .expect("a data URL");
    let data = STANDARD.decode(data).expect("base64");
    let content = match file["contents"]["compression"].as_str() {
        None | Some("") => data,
        Some("gzip") => {
            let mut decoder = GzDecoder::new(data.as_slice());
            let mut content = Vec::new();
            decoder.read_to_end(&mut content).expect("gzip");
            assert_eq!(decoder.header().expect("a header").mtime(), 0, "no time gets into it");
            content
        }
        Some(other) => panic!("the daemon does not decode {other}"),
    };
    Written { mode, content }
}
