//! What only a process of its own can show: panics, broken descriptors, log files.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The example plugin, which cargo builds beside the tests.
fn faulty() -> PathBuf {
    let test = env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join("examples/faulty");
    assert!(path.is_file(), "{} is missing: run `cargo build -p cni --examples`", path.display());
    path
}

fn command(verb: &str) -> Command {
    let mut command = Command::new(faulty());
    command
        .env_clear()
        .envs([
            ("CNI_COMMAND", verb),
            ("CNI_CONTAINERID", "id"),
            ("CNI_IFNAME", "eth0"),
            ("CNI_PATH", "/bin"),
        ])
        .env("CNI_NETNS", "/nowhere")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(command: &mut Command, keys: Value) -> Output {
    let mut conf = json!({"cniVersion": "1.0.0", "name": "net", "type": "faulty"});
    conf.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    if command.get_envs().any(|(_, value)| value.is_some_and(|verb| verb == "STATUS" || verb == "GC")) {
        conf["cniVersion"] = "1.1.0".into();
    }
    let mut child = command.spawn().unwrap();
    // A child that ends without reading is no failure of the test's.
    let _ = child.stdin.take().unwrap().write_all(conf.to_string().as_bytes());
    child.wait_with_output().unwrap()
}

fn one_error(output: &Output) -> (u64, String, String) {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |key: &str| error[key].as_str().unwrap().to_owned();
    (error["code"].as_u64().unwrap(), text("msg"), text("cniVersion"))
}

#[test]
fn a_panic_is_one_error_document() {
    for fault in ["panic", "panic on a thread"] {
        let output = run(&mut command("ADD"), json!({"fault": fault}));
        let (code, msg, version) = one_error(&output);
        assert_eq!((code, &*version), (999, "1.0.0"));
        assert!(msg.starts_with("internal error in faulty: "), "{msg}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("faulty: internal error"));
    }
    let output = run(&mut command("STATUS"), json!({"fault": "panic"}));
    assert_eq!(one_error(&output).1, "internal error in faulty: told to panic");
}

#[test]
fn a_panic_does_not_fail_what_never_fails() {
    for verb in ["DEL", "GC"] {
        let output = run(&mut command(verb), json!({"fault": "panic"}));
        assert!(output.status.success());
        assert!(output.stdout.is_empty());
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_panic_after_the_answer_leaves_it_alone() {
    let output = run(command("ADD").env("FAULT_AFTERWARDS", "1"), json!({}));
    assert!(output.status.success());
    assert_eq!(output.stdout, b"{\"cniVersion\":\"1.0.0\",\"dns\":{}}\n");
    let output = run(command("ADD").env("FAULT_AFTERWARDS", "1"), json!({"fault": 1}));
    assert_eq!(one_error(&output).1, "fault must be a string, not 1");
}

#[test]
fn an_unwritable_answer_is_a_failure() {
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let (reader, broken) = std::io::pipe().unwrap();
    drop(reader);
    for stdout in [full(), Stdio::from(broken)] {
        let output = run(command("ADD").stdout(stdout), json!({}));
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.starts_with("faulty: the answer could not be written to standard output: "),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 1);
    }
    let output = run(command("ADD").stderr(full()), json!({"fault": "log"}));
    assert!(output.status.success());
    let mut closed = Command::new("sh");
    closed.args(["-c", r#"exec "$0" >&-"#]).arg(faulty()).envs([
        ("CNI_COMMAND", "ADD"),
        ("CNI_CONTAINERID", "id"),
        ("CNI_IFNAME", "eth0"),
        ("CNI_PATH", "/bin"),
        ("CNI_NETNS", "/nowhere"),
    ]);
    let output = run(closed.stdin(Stdio::piped()).stderr(Stdio::piped()), json!({}));
    assert_eq!(output.status.code(), Some(1), "the standard library opens something else in its place");
}

#[test]
fn a_folder_as_standard_input() {
    let output = command("ADD").stdin(File::open("/").unwrap()).output().unwrap();
    assert_eq!(one_error(&output).0, 5);
}

/// A root with a log folder, for `DPU_CNI_ROOT`.
struct Root(TempDir);

impl Root {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        fs::create_dir_all(root.path().join("var/log")).unwrap();
        Self(root)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.0.path().join("var/log").join(name)
    }

    fn run(&self, keys: Value) -> Output {
        let output = run(command("ADD").env("DPU_CNI_ROOT", self.0.path()), keys);
        assert!(output.status.success(), "{output:?}");
        output
    }
}

#[test]
fn only_warnings_go_to_standard_error() {
    let root = Root::new();
    let quiet = root.run(json!({"fault": "log"}));
    assert_eq!(String::from_utf8(quiet.stderr).unwrap(), "faulty: a warning\n");
    let output = root.run(json!({"fault": "log", "logFile": "/var/log/faulty.log"}));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "faulty: a warning\n");
    root.run(json!({"fault": "log", "logFile": "/var/log/faulty.log", "logLevel": "5"}));
    let log = fs::read_to_string(root.log("faulty.log")).unwrap();
    let lines: Vec<&str> = log.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(lines.len(), 7, "{log}");
    assert!(lines[0].starts_with("faulty["), "{log}");
    assert!(lines[0].ends_with("] warn ADD net/id/eth0 an unnamed pod: a warning"), "{log}");
    assert!(lines[2].ends_with("] info ADD net/id/eth0 an unnamed pod: succeeded"), "{log}");
    assert!(lines[5].ends_with("] debug ADD net/id/eth0 an unnamed pod: a detail"), "{log}");
    assert_eq!(fs::metadata(root.log("faulty.log")).unwrap().permissions().mode() & 0o777, 0o600);
    root.run(json!({"fault": "log", "logFile": "/var/log/dpu-cni/ours.log"}));
    assert_eq!(fs::metadata(root.log("dpu-cni")).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(root.log("dpu-cni/ours.log").is_file());
}

#[test]
fn a_failure_is_in_the_file() {
    let root = Root::new();
    let keys = json!({"fault": 1, "logFile": "/var/log/faulty.log", "logLevel": "error"});
    let output = run(command("ADD").env("DPU_CNI_ROOT", root.0.path()), keys);
    assert_eq!(one_error(&output).0, 7);
    assert!(output.stderr.is_empty());
    let log = fs::read_to_string(root.log("faulty.log")).unwrap();
    assert!(log.ends_with("failed with code 7: fault must be a string, not 1\n"), "{log}");
}

#[test]
fn no_log_fails_a_call() {
    let root = Root::new();
    fs::write(root.log("audit.log"), "type=DAEMON_START msg=audit(1700000000.000:1)\n".repeat(9)).unwrap();
    fs::write(root.log("btmp"), "").unwrap();
    fs::write(root.log("target"), "").unwrap();
    symlink(root.log("target"), root.log("link")).unwrap();
    symlink("/tmp", root.log("dpu-cni")).unwrap();
    fs::create_dir(root.log("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(root.log("pipe")).status().unwrap().success());
    let before = fs::read(root.log("audit.log")).unwrap();
    for name in ["audit.log", "btmp", "link", "dpu-cni/x", "folder", "pipe", "ovn-kubernetes/no/x"] {
        let output = root.run(json!({"fault": "log", "logFile": format!("/var/log/{name}")}));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr.lines().count(), 2, "{name}: {stderr}");
        assert!(stderr.contains("faulty: no log in "), "{stderr}");
    }
    assert_eq!(fs::read(root.log("audit.log")).unwrap(), before);
    assert_eq!(fs::metadata(root.log("btmp")).unwrap().len(), 0);
    assert_eq!(fs::metadata(root.log("target")).unwrap().len(), 0);
}

#[test]
fn a_log_elsewhere_is_warned_of_and_never_opened() {
    let root = Root::new();
    fs::create_dir_all(root.log("pods/shop_web-0/web")).unwrap();
    fs::create_dir(root.0.path().join("etc")).unwrap();
    for file in ["/var/log/pods/shop_web-0/web/0.log", "/var/log/../etc/x", "/etc/x", "x", "/var/log"] {
        let output = root.run(json!({"fault": "log", "logFile": file}));
        let stderr = String::from_utf8(output.stderr).unwrap();
        let warning = format!("faulty: no log file: logFile {file} is not allowed; it must be ");
        assert!(stderr.starts_with(&warning), "{stderr}");
    }
    assert_eq!(fs::read_dir(root.log("pods/shop_web-0/web")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(root.0.path().join("etc")).unwrap().count(), 0);
}
