//! A stand-in for thick Multus, which no registry serves: a shim that the runtime calls, and a daemon that outlives the
//! runtime. It plays what Multus 4.3 does with its first delegate (`pkg/multus/multus.go`, `pkg/server`, `pkg/server/api`):
//! a result that nobody took is kept all the same, GC is told what Multus itself has kept, a failed ADD is followed by a
//! DEL, the shim's DEL never fails, codes of errors become 999, and a pod that the API server no longer has gets a result
//! of which nothing is true.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::binaries;

use super::cluster::Cluster;
use super::role::{CALLS, NETWORK, host_plugin};

/// Between two looks for a call.
const PAUSE: Duration = Duration::from_millis(20);

/// The daemon.
#[derive(Debug, Default)]
pub struct Multus {
    /// Results by container and interface, as it keeps them in `/var/lib/cni/multus/results`.
    kept: Mutex<BTreeMap<(String, String), Value>>,
    stop: AtomicBool,
}

impl Multus {
    /// Serves calls while `work` goes on.
    pub fn serve<T>(cluster: &Cluster, work: impl FnOnce() -> T) -> T {
        let multus = Multus::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                while !multus.stop.load(Ordering::Relaxed) {
                    for call in Self::new_calls(cluster).unwrap_or_default() {
                        let multus = &multus;
                        // Whoever called sees a failure: there is no answer.
                        scope.spawn(move || multus.answer(cluster, &call));
                    }
                    thread::sleep(PAUSE);
                }
            });
            let _stop = Stop(&multus.stop);
            work()
        })
    }

    /// Calls that have come since the last look; taken up by their names.
    fn new_calls(cluster: &Cluster) -> Result<Vec<PathBuf>> {
        let mut new = Vec::new();
        for entry in fs::read_dir(cluster.setup().path(CALLS))? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "ready") && !path.join("taken").exists() {
                fs::write(path.join("taken"), "")?;
                new.push(path);
            }
        }
        Ok(new)
    }

    fn answer(&self, cluster: &Cluster, call: &Path) -> Result<()> {
        let env = fs::read_to_string(call.join("env"))?;
        let env: BTreeMap<&str, &str> = env.lines().filter_map(|line| line.split_once('=')).collect();
        let (status, stdout) = match self.delegate(cluster, &env) {
            Ok(stdout) => (0, stdout),
            Err(error) => {
                let msg = format!("Cmd{} (shim): {error:#}", env.get("CNI_COMMAND").unwrap_or(&""));
                (1, json!({"cniVersion": "1.1.0", "code": 999, "msg": msg}).to_string())
            }
        };
        fs::write(call.join("stdout"), stdout)?;
        fs::write(call.join("status.new"), status.to_string())?;
        Ok(fs::rename(call.join("status.new"), call.join("status"))?)
    }

    fn delegate(&self, cluster: &Cluster, env: &BTreeMap<&str, &str>) -> Result<String> {
        let text = |key: &str| env.get(key).copied().unwrap_or_default().to_owned();
        let attachment = (text("CNI_CONTAINERID"), text("CNI_IFNAME"));
        let previous = self.kept().get(&attachment).cloned();
        let mut conf = host_plugin();
        (conf["cniVersion"], conf["name"]) = (json!("1.1.0"), json!(NETWORK));
        match env.get("CNI_COMMAND").copied().unwrap_or_default() {
            "ADD" => {
                let args: BTreeMap<&str, &str> = env
                    .get("CNI_ARGS")
                    .into_iter()
                    .flat_map(|args| args.split(';'))
                    .filter_map(|pair| pair.split_once('='))
                    .collect();
                let arg = |key: &str| args.get(key).copied().unwrap_or_default();
                if cluster.api().pod_uid(arg("K8S_POD_NAMESPACE"), arg("K8S_POD_NAME"))?.is_none() {
                    return Ok(json!({"cniVersion": "1.1.0", "ips": [{"address": "0.0.0.0/32"}]}).to_string());
                }
                let result = run(cluster, env, "ADD", &conf).inspect_err(|_| {
                    let _ = run(cluster, env, "DEL", &conf);
                })?;
                self.kept().insert(attachment, serde_json::from_str(&result)?);
                Ok(result)
            }
            "DEL" => {
                if let Some(previous) = previous {
                    conf["prevResult"] = previous;
                }
                if run(cluster, env, "DEL", &conf).is_ok() {
                    self.kept().remove(&attachment);
                }
                Ok(String::new())
            }
            "GC" => {
                let kept: Vec<_> = self.kept().keys().cloned().collect();
                let list = kept
                    .iter()
                    .map(|(container, ifname)| json!({"containerID": container, "ifname": ifname}));
                conf["cni.dev/valid-attachments"] = list.collect();
                run(cluster, env, "GC", &conf)
            }
            "CHECK" => {
                conf["prevResult"] = previous.context("no result is kept")?;
                run(cluster, env, "CHECK", &conf)
            }
            verb => run(cluster, env, verb, &conf),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), Value>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the daemon, also when the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Calls the delegate, with `CNI_ARGS` as the daemon makes them: in thick mode without the container.
fn run(cluster: &Cluster, env: &BTreeMap<&str, &str>, verb: &str, conf: &Value) -> Result<String> {
    let stdin = cluster.setup().path(CALLS).join(format!("stdin-{:?}", thread::current().id()));
    fs::write(&stdin, conf.to_string())?;
    let mut command = std::process::Command::new(binaries::plugin("dpu-host")?);
    command.envs(env).env("CNI_COMMAND", verb).env("DPU_CNI_ROOT", cluster.node().root());
    if let Some(args) = env.get("CNI_ARGS") {
        let pair = |pair: &str| match pair.split_once('=') {
            Some(("K8S_POD_INFRA_CONTAINER_ID", _)) => String::from("K8S_POD_INFRA_CONTAINER_ID="),
            Some(("IgnoreUnknown", _)) => String::from("IgnoreUnknown=true"),
            _ => pair.to_owned(),
        };
        command.env("CNI_ARGS", args.split(';').map(pair).collect::<Vec<_>>().join(";"));
    }
    command.stdin(fs::File::open(&stdin)?).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Output { status, stdout, .. } = cluster.place().spawn(&mut command)?.wait_with_output()?;
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    if status.success() {
        return Ok(stdout);
    }
    let error: Value = serde_json::from_str(&stdout).context("killed, or no error document")?;
    anyhow::bail!(
        "{}; {}",
        error["msg"].as_str().unwrap_or_default(),
        error["details"].as_str().unwrap_or_default()
    )
}
