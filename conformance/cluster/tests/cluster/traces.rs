//! What is left of a node whose process was killed, as a test's is that takes too long.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testkit::binaries;

use super::support::alone;

/// For the node to come up, and for its traces to go.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);

fn until(what: &str, mut look: impl FnMut() -> Vec<String>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = look();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {left:?}");
        thread::sleep(PAUSE);
    }
}

/// Processes that bear one of these words in their arguments.
fn processes(words: &[&str]) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let arguments = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    let arguments = arguments.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    arguments.filter(|line| words.iter().any(|word| line.contains(word))).collect()
}

#[test]
fn a_node_whose_process_is_killed_leaves_nothing() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let env = folder.path().join("env");
    let mut command = Command::new(binaries::program("conformance").unwrap());
    command.args(["cluster", "--vfs", "1", "--env"]).arg(&env).stdin(Stdio::null()).stdout(Stdio::null());
    let mut process = command.spawn().unwrap();
    until("the node comes up", || {
        assert!(process.try_wait().unwrap().is_none(), "it ended");
        if env.exists() { Vec::new() } else { vec![String::from("no file of variables")] }
    });
    let text = fs::read_to_string(&env).unwrap();
    let said: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key, value.trim_matches('\'')))
        .collect();
    let (root, kubeconfig) = (Path::new(said["DPU_CNI_ROOT"]), Path::new(said["KUBECONFIG"]));
    let own = kubeconfig.parent().unwrap();
    let words = [root, own].map(|path| path.to_str().unwrap());
    assert!(processes(&words).len() >= 5, "{:?}", processes(&words));

    process.kill().unwrap();
    process.wait().unwrap();
    let paths = [Path::new("/run/netns").join(said["NODE_HOST"]), root.to_owned(), own.to_owned()];
    until("nothing is left", || {
        let paths = paths.iter().filter(|path| path.exists()).map(|path| path.display().to_string());
        paths.chain(processes(&words)).chain(cgroups(process.id())).collect()
    });
}

/// The control groups that the process of this number has made.
fn cgroups(id: u32) -> Vec<String> {
    let hierarchies =
        fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path());
    let group = format!("dpu-cni-{id}-0");
    let groups = hierarchies.chain([Path::new("/sys/fs/cgroup").to_owned()]).map(|root| root.join(&group));
    groups.filter(|group| group.exists()).map(|group| group.display().to_string()).collect()
}
