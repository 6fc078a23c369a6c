//! One run of the binary.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

pub(crate) const VERSIONS: [&str; 7] = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/// A call, complete until something is taken away or changed.
pub(crate) struct Call {
    command: Command,
    stdin: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Call {
    pub(crate) fn new(verb: &str, version: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dpu-nic-placeholder"));
        command.env_clear().envs([
            ("CNI_COMMAND", verb),
            ("CNI_CONTAINERID", "suite-0001"),
            ("CNI_NETNS", "/var/run/netns/suite-nowhere"),
            ("CNI_IFNAME", "eth0"),
            ("CNI_PATH", "/opt/cni/bin"),
            (
                "CNI_ARGS",
                "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=",
            ),
        ]);
        let conf = json!({"cniVersion": version, "name": "placeholder", "type": "dpu-nic-placeholder"});
        Self { command, stdin: conf.to_string().into_bytes() }
    }

    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    pub(crate) fn without(mut self, key: &str) -> Self {
        self.command.env_remove(key);
        self
    }

    pub(crate) fn with(mut self, keys: Value) -> Self {
        let mut conf: Value = serde_json::from_slice(&self.stdin).unwrap();
        conf.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        self.stdin = conf.to_string().into_bytes();
        self
    }

    pub(crate) fn stdin(mut self, stdin: impl Into<Vec<u8>>) -> Self {
        self.stdin = stdin.into();
        self
    }

    pub(crate) fn run(mut self) -> Answer {
        let pipes = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        // The binary may end without reading.
        let _ = child.stdin.take().unwrap().write_all(&self.stdin);
        let output = child.wait_with_output().unwrap();
        Answer {
            exit: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Answer {
    /// Success without a word.
    pub(crate) fn silent(&self) -> bool {
        self.exit == Some(0) && self.stdout.is_empty()
    }

    /// The one error document, as (code, `msg; details`, cniVersion).
    pub(crate) fn error(&self) -> (u64, String, String) {
        assert_eq!(self.exit, Some(1), "{self:?}");
        let error: Value = serde_json::from_str(&self.stdout).unwrap();
        let text = |key: &str| error.get(key).map_or("", |text| text.as_str().unwrap()).to_owned();
        let shown = [text("msg"), text("details")].join("; ");
        (error["code"].as_u64().unwrap(), shown.trim_end_matches("; ").to_owned(), text("cniVersion"))
    }
}
