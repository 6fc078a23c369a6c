//! The parsers of this plugin as its fuzz targets (conformance/fuzz) call them. In no other build.

use cni::{Args, Attachment, NetConf, Pod};
use ovnkube::Failure;

use crate::config::Config;
use crate::device::{DeviceId, dra};
use crate::record::attachment::Record;
use crate::record::pending_del::PendingDel;
use crate::record::store;
use crate::server::{Forward, refusals};

/// Reads a configuration as ADD and as DEL do. The paths that ADD would use; DEL always has some.
pub fn configuration(conf: &NetConf) -> Option<[std::path::PathBuf; 3]> {
    let _ = Config::lenient(conf);
    let _ = DeviceId::configured(conf);
    let Config { socket, pod_resources, state_dir, .. } = Config::strict(conf).ok()?;
    Some([socket, pod_resources, state_dir])
}

/// What the server is told of an ADD: the configuration and `CNI_ARGS`.
pub fn forwarded(conf: &NetConf, args: &Args, attachment: &Attachment) -> (serde_json::Value, String) {
    let device = DeviceId::configured(conf).ok().flatten();
    let forward = Forward::new(conf, args, attachment, device.as_ref(), "call");
    (forward.config, forward.args)
}

/// Reads a record, and writes it again.
pub fn record(content: &[u8]) {
    let Ok(record) = Record::parse(content) else { return };
    let written = serde_json::to_vec(&record).unwrap_or_default();
    assert_eq!(Record::parse(&written).ok(), Some(record), "read as it was written");
}

/// Reads a DEL that the server has yet to hear of, and writes it again.
pub fn pending_del(content: &[u8]) {
    let Ok(pending) = serde_json::from_slice::<PendingDel>(content) else { return };
    let written = serde_json::to_string(&pending).unwrap_or_default();
    assert!(serde_json::from_str::<PendingDel>(&written).is_ok(), "read as it was written: {written}");
}

/// Reads a device ID; as it is written in paths.
pub fn device(text: &str) -> Option<String> {
    text.parse::<DeviceId>().ok().map(|id| id.to_string())
}

/// Reads what a driver of claims leaves on the node: the devices' addresses.
pub fn metadata(text: &str) -> Vec<String> {
    dra::told(text).into_iter().map(|(_, address)| address.to_string()).collect()
}

/// The file name of an attachment.
pub fn file_name(attachment: &Attachment) -> String {
    store::key(attachment)
}

/// What a pod's event shows of a failed ADD.
pub fn explained(failure: &Failure) -> cni::Error {
    let pod = Pod { namespace: Some("web".into()), name: Some("web-0".into()), uid: None };
    refusals::explain(failure, &pod, &DeviceId::Netdev("eth0-2".into()))
}
