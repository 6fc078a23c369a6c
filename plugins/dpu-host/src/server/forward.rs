//! An attachment in the server's terms: its configuration and `CNI_ARGS`, without what is ours or the runtime's.

use std::collections::BTreeMap;

use cni::{Args, Attachment, NetConf};
use ovnkube::Request;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::keys;
use crate::device::DeviceId;

/// Keys of the runtime's that the server has no use for; old ones refuse a `prevResult` of a version they do not know.
const RUNTIME_KEYS: [&str; 4] = ["prevResult", "runtimeConfig", "capabilities", "cniVersions"];
/// The newest version that both generations of the server parse.
const NEWEST_FORWARDED: cni::Version = cni::Version::V1_0_0;

/// An attachment as the server knows it: what its ADD is asked with, and its DEL told with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Forward {
    /// The configuration, in the server's terms.
    pub(crate) config: Value,
    /// `CNI_ARGS`, rebuilt from what the server reads.
    pub(crate) args: String,
}

impl Forward {
    /// A copy for the server: its own type, a version it knows, the device, and nothing of ours or the runtime's.
    pub(crate) fn new(
        conf: &NetConf,
        args: &Args,
        attachment: &Attachment,
        device: Option<&DeviceId>,
        call: &str,
    ) -> Self {
        let dropped = |key: &str| {
            keys::OWN.contains(&key) || RUNTIME_KEYS.contains(&key) || key.starts_with("cni.dev/")
        };
        let mut config: Map<String, Value> = conf
            .map()
            .iter()
            .filter(|(key, _)| !dropped(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        // The server takes text only.
        if let Some(level) = config.get_mut("logLevel").filter(|level| level.is_number()) {
            *level = level.to_string().into();
        }
        config.insert("type".into(), ovnkube::PLUGIN_TYPE.into());
        config.insert("cniVersion".into(), conf.version().min(NEWEST_FORWARDED).as_str().into());
        if let Some(device) = device {
            config.insert("deviceID".into(), device.to_string().into());
        }
        Forward { config: Value::Object(config), args: rebuilt(args, &attachment.container, call) }
    }

    /// The request of one command.
    pub(crate) fn request(&self, command: &str, attachment: &Attachment, netns: &str) -> Request {
        let env = [
            ("CNI_COMMAND", command),
            ("CNI_CONTAINERID", &attachment.container),
            ("CNI_NETNS", netns),
            ("CNI_IFNAME", &attachment.ifname),
            ("CNI_ARGS", &self.args),
        ];
        Request {
            env: env
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>(),
            config: self.config.to_string().into_bytes(),
            device_info: Map::new(),
        }
    }
}

/// `CNI_ARGS` as the server's strict parser takes it: one `=` in each pair, no empty piece, no value that we lack.
fn rebuilt(args: &Args, container: &str, call: &str) -> String {
    let mut pairs = vec!["IgnoreUnknown=1".to_owned()];
    for key in ["K8S_POD_NAMESPACE", "K8S_POD_NAME", "K8S_POD_UID"] {
        if let Some(value) = args.get(key).filter(|value| !value.contains('=')) {
            pairs.push(format!("{key}={value}"));
        }
    }
    // Thick Multus leaves it empty; it is the sandbox's ID, which is what `CNI_CONTAINERID` is.
    pairs.push(format!("K8S_POD_INFRA_CONTAINER_ID={container}"));
    // Found again in the server's log.
    pairs.push(format!("DPU_CNI_CALL={call}"));
    pairs.join(";")
}
