//! Answers in upstream's encodings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ovnkube::{KubeAuth, Response};
use serde_json::{Map, Value, json};

use super::http;
use crate::behaviour::Generation;

/// The API token in every answer to ADD. It must turn up nowhere: no log, no record, no error.
pub const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.this-token-must-not-leak.c2lnbmF0dXJl";

/// What a request gets.
pub(super) enum Reply {
    /// 200 without a body.
    Empty,
    Response(Box<Response>, Generation),
    /// 400 with a text, which is nearly every error.
    Refused(String),
    /// 400 with a CNI error.
    Error {
        code: u32,
        msg: String,
    },
    /// What the router says by itself.
    Status(u16),
}

impl Reply {
    pub(super) fn bytes(&self) -> Vec<u8> {
        const TEXT: &str = "text/plain; charset=utf-8";
        match self {
            Reply::Empty => http::answer(200, "", b""),
            Reply::Response(response, generation) => {
                http::answer(200, "application/json", body(response, *generation).to_string().as_bytes())
            }
            Reply::Refused(text) => http::answer(400, TEXT, format!("{text}\n").as_bytes()),
            Reply::Error { code, msg } => http::answer(
                400,
                "application/json",
                format!("{}\n", json!({"code": code, "msg": msg})).as_bytes(),
            ),
            Reply::Status(404) => http::answer(404, TEXT, b"404 page not found\n"),
            Reply::Status(status) => http::answer(*status, "", b""),
        }
    }
}

/// The response as JSON; old servers know less and call one thing otherwise.
fn body(response: &Response, generation: Generation) -> Value {
    let mut body = serde_json::to_value(response).unwrap_or_default();
    if generation == Generation::Old
        && let Some(members) = body.as_object_mut()
    {
        members.retain(|key, _| !key.starts_with("PrimaryUDN"));
        if let Some(pod) = members.get_mut("PodIFInfo").and_then(Value::as_object_mut) {
            let nad = pod.remove("nadKey").unwrap_or_default();
            pod.insert(String::from("nadName"), nad);
            pod.retain(|key, _| !["GatewayIPv6LLA", "pod-if-names"].contains(&key.as_str()));
        }
        if let Some(result) = members.get_mut("Result").and_then(Value::as_object_mut) {
            result.insert(String::from("dns"), json!({}));
        }
    }
    body
}

/// The way to the API server that every ADD is answered with, with a CA bundle of about this many bytes; without one it is
/// a way without TLS.
pub(super) fn kube_auth(ca_bundle: usize) -> KubeAuth {
    let line = "MIIDDDCCAfSgAwIBAgIBATANBgkqhkiG9w0BAQsFADAmMSQwIgYDVQQDDBtpbmdy\n";
    let bundle = format!(
        "-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n",
        line.repeat(ca_bundle / line.len() + 1)
    );
    let scheme = if ca_bundle == 0 { "http" } else { "https" };
    let members = [
        ("kube-api-server", format!("{scheme}://api-int.example:6443")),
        ("kube-api-token", TOKEN.into()),
        ("kube-api-token-file", String::from("/var/run/secrets/kubernetes.io/serviceaccount/token")),
        ("kube-ca-data", STANDARD.encode(bundle)),
    ];
    KubeAuth::new(members.into_iter().map(|(key, value)| (key.into(), value.into())).collect::<Map<_, _>>())
}
