//! What ovnkube-node is told, and how long it may take over it.

pub(crate) mod refusals;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use cni::paths::{self, Place};
use cni::{Add, Args, Attachment, NetConf, Verb};
use nix::fcntl::OFlag;
use ovnkube::{Failure, Metrics, Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::{self, OWN_KEYS};
use crate::device::DeviceId;
use crate::node::Node;

/// Keys of the runtime's that the server has no use for; old ones refuse a `prevResult` of a version they do not know.
const RUNTIME_KEYS: [&str; 4] = ["prevResult", "runtimeConfig", "capabilities", "cniVersions"];
/// The newest version that both generations of the server parse.
const NEWEST_FORWARDED: cni::Version = cni::Version::V1_0_0;
/// A device information file has a few hundred bytes.
const MOST_DEVICE_INFO: u64 = 64 * 1024;
/// How long the server may take to hear of a DEL.
pub(crate) const DEL_BUDGET: Duration = Duration::from_secs(5);
/// How long the server may take to hear how long a call took: the runtime waits for our end.
const REPORT_BUDGET: Duration = Duration::from_millis(500);

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
        let dropped =
            |key: &str| OWN_KEYS.contains(&key) || RUNTIME_KEYS.contains(&key) || key.starts_with("cni.dev/");
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

/// Asks for an ADD and waits for the answer until `deadline`.
///
/// # Errors
/// The failure, with what it means for the pod; see [`refusal`](crate::server::refusals).
pub(crate) fn add(
    node: &Node,
    forward: &Forward,
    call: &Add,
    deadline: Instant,
) -> Result<Response, Failure> {
    let mut request = forward.request("ADD", &call.attachment, &call.netns.to_string_lossy());
    request.device_info = device_info(&call.conf);
    node.server.call(&request, deadline)
}

/// Whether nobody listens, as while ovnkube-node restarts.
pub(crate) fn is_away(failure: &Failure) -> bool {
    matches!(failure, Failure::Unreachable { source, .. } if !config::is_misplaced(source))
}

/// Tells the server of a DEL.
pub(crate) fn del(
    node: &Node,
    forward: &Forward,
    attachment: &Attachment,
    netns: &str,
    deadline: Instant,
) -> Result<Response, Failure> {
    node.server.call(&forward.request("DEL", attachment, netns), deadline)
}

/// Tells the server how long a call took and whether it failed, for its histogram of all plugins' calls. Who reads
/// the pod's event misses nothing when it cannot be told.
pub(crate) fn report(node: &Node, verb: Verb, took: Duration, failed: bool) {
    let metrics = Metrics { command: verb.as_str().into(), elapsed: took.as_secs_f64(), failed };
    if let Err(failure) = node.server.report(&metrics, Instant::now() + REPORT_BUDGET) {
        log::debug!("not reported: {failure}");
    }
}

/// The device information that Multus leaves in a file (`runtimeConfig.CNIDeviceInfoFile`); without it nothing is lost.
fn device_info(conf: &NetConf) -> Map<String, Value> {
    const KEY: &str = "runtimeConfig.CNIDeviceInfoFile";
    let Some(file) = conf.runtime_config("CNIDeviceInfoFile").and_then(Value::as_str) else {
        return Map::new();
    };
    let read = || -> Result<Map<String, Value>, Box<dyn std::error::Error>> {
        let path = paths::confined(KEY, file, &[Place::Below("/run/k8s.cni.cncf.io")])?;
        let opened = File::from(paths::open_confined(&path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, 0)?);
        Ok(serde_json::from_str(&io::read_to_string(opened.take(MOST_DEVICE_INFO))?)?)
    };
    read().unwrap_or_else(|error| {
        log::warn!("{KEY} {file} is left out: {error}");
        Map::new()
    })
}
