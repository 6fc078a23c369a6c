//! `conformance node` as a script runs it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::process::{Process, Sink, Stdin};

/// Killed if the test ends early.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_obeys_and_leaves_nothing_behind() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let env = dir.path().join("node.env");
    let mut node = Command::new(env!("CARGO_BIN_EXE_conformance"))
        .args(["node", "--vfs", "3", "--vfio", "1", "--env"])
        .env_remove("CNI_PATH")
        .arg(&env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map(Running)?;
    let mut lines = BufReader::new(node.0.stdout.take().context("no output")?).lines().map_while(Result::ok);
    let mut say = node.0.stdin.take().context("no input")?;
    let introduction: Vec<String> =
        lines.by_ref().take_while(|line| !line.contains("has a configuration")).collect();
    let typed =
        |line: &str| introduction.iter().position(|said| said.starts_with("  ") && said.ends_with(line));
    let order = [
        "ip netns add web-0",
        "cnitool add ovn-kubernetes /run/netns/web-0",
        "$CNI_PATH/dpu-host vfs",
        "cnitool del ovn-kubernetes /run/netns/web-0",
        "ip netns del web-0",
    ]
    .map(typed);
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{introduction:#?}");
    assert!(introduction.iter().any(|line| line.contains("/var/lib/cni/results")), "{introduction:#?}");
    let exports: Vec<&str> =
        introduction.iter().map(|line| line.trim()).filter(|line| line.starts_with("export ")).collect();
    // In a shell that knows nothing: what is asked for afterwards.
    let asked = "test -x \"$CNI_PATH/dpu-host\" && ls \"$NETCONFPATH\" && echo \"$CNI_ARGS\"";
    let pasted = Command::new("/bin/sh")
        .args(["-euc", &format!("{}\n{asked}", exports.join("\n"))])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()?;
    let printed = String::from_utf8(pasted.stdout)?;
    assert_eq!(
        printed.lines().collect::<Vec<_>>(),
        ["10-ovn-kubernetes.conflist", "IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=web-0"],
        "{}",
        String::from_utf8_lossy(&pasted.stderr)
    );

    let env = fs::read_to_string(&env)?;
    let value = |key: &str| {
        let assignment = format!("{key}='");
        let value = env.lines().find_map(|line| line.strip_prefix(assignment.as_str())?.strip_suffix('\''));
        value.map(String::from).with_context(|| format!("no {key} in {env}"))
    };
    assert_eq!(value("NODE_DEVICES")?, "0000:03:00.2 0000:03:00.3 0000:03:00.4");
    let root = value("DPU_CNI_ROOT")?;
    let host = Path::new("/run/netns").join(value("NODE_HOST")?);
    let socket = Path::new(&root).join(ovnkube::SOCKET.trim_start_matches('/'));
    for name in ["0000:03:00.2", "none", "resource"] {
        let conf = Path::new(&value("NODE_CONFS")?).join(name).join("10-ovn-kubernetes.conflist");
        let list: serde_json::Value = serde_json::from_slice(&fs::read(conf)?)?;
        assert_eq!(
            (list["name"].as_str(), list["plugins"][0]["type"].as_str()),
            (Some("ovn-kubernetes"), Some("dpu-host"))
        );
    }
    assert!(host.exists() && socket.exists());
    writeln!(say, "server away\nfly")?;
    let answers: Vec<_> = lines.by_ref().skip_while(|line| line != "done").take(2).collect();
    assert!(answers[1].contains("\"fly\" is not understood"), "{answers:?}");
    assert!(!socket.exists());

    kill(Pid::from_raw(node.0.id().try_into()?), Signal::SIGTERM)?;
    assert!(node.0.wait()?.success());
    assert!(!host.exists() && !Path::new(&root).exists());
    Ok(())
}

#[test]
fn it_ends_with_its_input() -> Result<()> {
    let process = Process {
        program: env!("CARGO_BIN_EXE_conformance").into(),
        args: ["node", "--vfs", "1"].map(Into::into).into(),
        env: std::env::vars_os().collect(),
        cwd: "/".into(),
        stdin: Stdin::Bytes(b"server away\n".to_vec()),
        stdout: Sink::Captured,
        stderr: Sink::Captured,
        timeout: Duration::from_secs(60),
    };
    let done = process.start()?.finish()?;
    let said = String::from_utf8(done.stdout.clone())?;
    ensure!(done.ending() == "exit 0", "{}: {said} {}", done.ending(), String::from_utf8_lossy(&done.stderr));
    ensure!(said.ends_with("done\n"), "it did not do what it was told first: {said}");
    let root =
        said.lines().find_map(|line| line.trim().strip_prefix("Its files")).context("no files")?.trim();
    ensure!(!Path::new(root).exists(), "{root} is left");
    Ok(())
}
