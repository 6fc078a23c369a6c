//! A client of the node's server that acts for a pod.

use std::time::{Duration, Instant};

use node::{Node, Pod, Verb};
use ovnkube::{Client, Failure, Health, PLUGIN_TYPE, Request, Response};
use serde_json::Value;

/// More than any answer here takes.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) fn client(node: &Node) -> Client {
    Client::new(node.server_socket())
}

/// What a plugin would send.
pub(crate) fn request(verb: Verb, pod: &Pod, conf: &Value) -> Request {
    let mut conf = conf.clone();
    conf["type"] = PLUGIN_TYPE.into();
    let env = [
        ("CNI_COMMAND", verb.as_str().into()),
        ("CNI_CONTAINERID", pod.container.clone()),
        ("CNI_NETNS", pod.netns().path().display().to_string()),
        ("CNI_IFNAME", pod.ifname.clone()),
        ("CNI_ARGS", pod.args()),
    ];
    let env = env.into_iter().map(|(key, value)| (key.into(), value)).collect();
    Request { env, config: conf.to_string().into_bytes(), ..Request::default() }
}

pub(crate) fn call(node: &Node, verb: Verb, pod: &Pod, conf: &Value) -> Result<Response, Failure> {
    client(node).call(&request(verb, pod, conf), Instant::now() + SOON)
}

pub(crate) fn status(node: &Node) -> Result<Health, Failure> {
    client(node).status(Instant::now() + SOON)
}
