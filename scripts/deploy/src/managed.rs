//! Files that a MachineConfig manages on a node, by the machine config daemon's own record of what it wrote
//! (`pkg/daemon/daemon.go: currentConfigPath`).

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::tree::Tree;

const CURRENT: &str = "/etc/machine-config-daemon/currentconfig";

/// A file as a MachineConfig has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Managed {
    pub(crate) mode: u32,
    /// `None` when it is not inline, or cannot be decoded.
    pub(crate) content: Option<Vec<u8>>,
}

/// The node's managed files by path; none where there is no daemon.
pub(crate) fn files(tree: &Tree) -> BTreeMap<String, Managed> {
    let text = tree.read(CURRENT).unwrap_or_default();
    let config: Value = serde_json::from_str(&text).unwrap_or_default();
    of(&config)
}

/// The files of a MachineConfig.
pub(crate) fn of(config: &Value) -> BTreeMap<String, Managed> {
    let files = config["spec"]["config"]["storage"]["files"].as_array();
    files
        .into_iter()
        .flatten()
        .filter_map(|file| Some((file["path"].as_str()?.to_owned(), one(file))))
        .collect()
}

fn one(file: &Value) -> Managed {
    let contents = &file["contents"];
    let mode = file["mode"].as_u64().and_then(|mode| u32::try_from(mode).ok()).unwrap_or(0o644);
    let plain = contents["source"].as_str().and_then(decode_url);
    let content = match contents["compression"].as_str().unwrap_or_default() {
        "" => plain,
        "gzip" => plain.and_then(|bytes| gunzip(&bytes)),
        _ => None,
    };
    Managed { mode, content }
}

/// `data:[<type>][;base64],<data>` (RFC 2397); what is not base64 is percent-encoded.
fn decode_url(url: &str) -> Option<Vec<u8>> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    if head.ends_with(";base64") {
        return STANDARD.decode(data).ok();
    }
    let mut bytes = Vec::new();
    let mut rest = data.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    Some(bytes)
}

fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut content).ok()?;
    Some(content)
}
