//! The node's programs, in the order in which they start, and what each is told.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use runtimes::cgroup::Cgroup;
use runtimes::{Setup, containerd};
use serde_json::json;

use super::daemon::Daemon;
use super::programs::program;

/// The node's name.
pub const NODE: &str = "worker-0";
/// Its address: Kubernetes takes none of a loopback network. (TEST-NET-1, RFC 5737.)
pub const ADDRESS: &str = "192.0.2.10";
/// Where the API server listens, in the node's network namespace.
const SERVER: &str = "https://127.0.0.1:6443";
/// Of everybody who speaks to it: who may do what is not what these tests are about.
const TOKEN: &str = "everybody";
const ETCD: &str = "http://127.0.0.1:2379";
/// Of the services of the cluster; nothing routes there.
const SERVICES: &str = "198.51.100.0/24";

/// All of them.
#[derive(Debug)]
pub struct Parts {
    /// etcd.
    pub etcd: Daemon,
    /// The API server.
    pub api_server: Daemon,
    /// `kubectl proxy`, through which the tests ask the API server.
    pub(super) proxy: Daemon,
    /// The controllers: pods of a StatefulSet, a DaemonSet, a Job.
    pub controller_manager: Daemon,
    /// The scheduler.
    pub scheduler: Daemon,
    /// The kubelet.
    pub kubelet: Daemon,
    /// containerd.
    pub containerd: Daemon,
}

impl Parts {
    /// With configurations below the directory of `setup`, and the kubelet's files below `root`.
    pub(super) fn new(setup: &Setup, cgroup: &Cgroup, root: &Path) -> Result<Parts> {
        write_kubeconfig(setup)?;
        write_signing_key(setup)?;
        write_kubelet_configuration(setup, cgroup)?;
        fs::write(setup.path("containerd.toml"), containerd::configuration(setup))?;
        let client = || ["--kubeconfig", &kubeconfig(setup)].map(str::to_owned);
        Ok(Parts {
            etcd: etcd(setup)?,
            api_server: api_server(setup)?,
            proxy: part(setup, "kubectl", "proxy")?.args(client()).args([
                "proxy",
                // Refused by default, for a browser's sake: exec and attach.
                "--reject-paths=^$",
                &format!("--unix-socket={}", setup.path("api.sock").display()),
            ]),
            controller_manager: part(setup, "kube-controller-manager", "controller-manager")?
                .args(client())
                .args(["--leader-elect=false", "--concurrent-daemonset-syncs=4"])
                .args(["--node-monitor-grace-period=20s", "--terminated-pod-gc-threshold=1000"]),
            scheduler: part(setup, "kube-scheduler", "scheduler")?
                .args(client())
                .args(["--leader-elect=false"]),
            kubelet: part(setup, "kubelet", "kubelet")?
                .args(client())
                .args([String::from("--config"), path(setup, "kubelet.json")])
                .args([format!("--root-dir={}", root.join("var/lib/kubelet").display())])
                .args([format!("--hostname-override={NODE}"), format!("--node-ip={ADDRESS}")]),
            containerd: part(setup, "containerd", "containerd")?
                .args([String::from("--config"), path(setup, "containerd.toml")])
                .env("PATH", search_path()?)
                .env("DPU_CNI_ROOT", root),
        })
    }

    /// All, whoever depends on another one after it.
    pub(super) fn all(&self) -> [&Daemon; 7] {
        let Parts { etcd, api_server, proxy, controller_manager, scheduler, kubelet, containerd } = self;
        [etcd, containerd, api_server, proxy, controller_manager, scheduler, kubelet]
    }
}

/// For kubectl, and everybody else who speaks to the API server.
pub(super) fn kubeconfig(setup: &Setup) -> String {
    path(setup, "kubeconfig")
}

fn path(setup: &Setup, name: &str) -> String {
    setup.path(name).to_string_lossy().into_owned()
}

fn part(setup: &Setup, name: &str, log: &str) -> Result<Daemon> {
    Ok(Daemon::new(program(name)?, setup.path(&format!("{log}.log"))))
}

fn etcd(setup: &Setup) -> Result<Daemon> {
    let daemon = Daemon::new(runtimes::program("etcd")?, setup.path("etcd.log"));
    // The directory is the place's own, in memory.
    Ok(daemon
        .args([
            "--data-dir=/var/lib/etcd",
            "--log-outputs=stderr",
            "--listen-peer-urls=http://127.0.0.1:2380",
        ])
        .args([format!("--listen-client-urls={ETCD}"), format!("--advertise-client-urls={ETCD}")]))
}

fn api_server(setup: &Setup) -> Result<Daemon> {
    let key = path(setup, "service-accounts.key");
    Ok(part(setup, "kube-apiserver", "api-server")?
        .args([format!("--etcd-servers={ETCD}"), format!("--cert-dir={}", path(setup, "certificates"))])
        .args([format!("--advertise-address={ADDRESS}"), format!("--service-cluster-ip-range={SERVICES}")])
        .args(["--authorization-mode=AlwaysAllow", "--secure-port=6443"])
        .args([format!("--token-auth-file={}", path(setup, "tokens"))])
        // kubectl exec: nobody here knows the node by its name.
        .args(["--kubelet-preferred-address-types=InternalIP"])
        // Pods without a token need no service account that a controller has to make first.
        .args(["--disable-admission-plugins=ServiceAccount", "--allow-privileged=true"])
        .args(["--service-account-issuer=https://kubernetes.default.svc", "--endpoint-reconciler-type=none"])
        .args([
            format!("--service-account-key-file={key}"),
            format!("--service-account-signing-key-file={key}"),
        ]))
}

fn write_kubeconfig(setup: &Setup) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": SERVER, "insecure-skip-tls-verify": true}}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    });
    fs::write(setup.path("tokens"), format!("{TOKEN},admin,admin,system:masters\n"))?;
    Ok(fs::write(kubeconfig(setup), config.to_string())?)
}

fn write_signing_key(setup: &Setup) -> Result<()> {
    let mut openssl = Command::new(runtimes::program("openssl")?);
    openssl.args(["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out"]);
    let done = openssl.arg(setup.path("service-accounts.key")).stdin(Stdio::null()).output()?;
    ensure!(done.status.success(), "openssl: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// Nothing of the machine is managed: pods get a control group of the test's own, no disk or memory is watched.
fn write_kubelet_configuration(setup: &Setup, cgroup: &Cgroup) -> Result<()> {
    let never = json!({
        "memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%",
        "imagefs.available": "0%", "imagefs.inodesFree": "0%",
    });
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": format!("unix://{}", path(setup, "cri.sock")),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup.parent(),
        "enforceNodeAllocatable": [],
        // Version 1 of control groups is refused since Kubernetes 1.35, and some machines have no other.
        "failCgroupV1": false,
        "failSwapOn": false,
        "evictionHard": never,
        "imageGCHighThresholdPercent": 100,
        "localStorageCapacityIsolation": false,
        "makeIPTablesUtilChains": false,
        "nodeStatusUpdateFrequency": "1s",
        "podLogsDir": path(setup, "logs"),
        "resolvConf": "",
        "volumePluginDir": path(setup, "volume-plugins"),
        "maxPods": 250,
        "eventRecordQPS": 0,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
    });
    Ok(fs::write(setup.path("kubelet.json"), config.to_string())?)
}

/// containerd finds its shim by name: this release's, not that of the machine.
fn search_path() -> Result<std::ffi::OsString> {
    let shim = program("containerd-shim-runc-v2")?;
    let runc = runtimes::program("runc")?;
    let own = [&shim, &runc].into_iter().filter_map(|path| Some(path.parent()?.to_owned()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(own.chain(std::env::split_paths(&path))).context("joining PATH")
}
