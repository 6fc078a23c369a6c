//! What ovnkube-node is asked and told, and how long it may take over it.

use std::fs::File;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use cni::paths::{self, Place};
use cni::{Add, Attachment, NetConf, Verb};
use nix::fcntl::OFlag;
use ovnkube::{Failure, Metrics, Request, Response};
use serde_json::{Map, Value};

use super::Forward;
use crate::config;
use crate::node::Node;

/// A device information file has a few hundred bytes.
const MOST_DEVICE_INFO: u64 = 64 * 1024;
/// How long the server may take to hear of a DEL.
pub(crate) const DEL_BUDGET: Duration = Duration::from_secs(5);
/// How long the server may take to hear how long a call took: the runtime waits for our end.
const REPORT_BUDGET: Duration = Duration::from_millis(500);

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
    pass_on(node, &mut request);
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
    let mut request = forward.request("DEL", attachment, netns);
    pass_on(node, &mut request);
    node.server.call(&request, deadline)
}

/// The trace that this call is part of: both generations pass over variables that they do not know
/// (`cniserver.go: cniRequestToPodRequest`).
fn pass_on(node: &Node, request: &mut Request) {
    let variables = node.trace.context().variables();
    request.env.extend(variables.map(|(key, value)| (key.to_owned(), value.to_owned())));
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
