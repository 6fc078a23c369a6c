//! Calls of the plugin that stop half way, each at an instant of its own, until they are told to go on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cluster::Cluster;
use testkit::binaries;

/// What stands in the plugin's place. A call that is to stop does so once: the runtime's next one runs through. strace
/// leaves the plugin the runtime's own child, which is killed when the runtime gives the call up.
const SCRIPT: &str = r#"#!/bin/sh
pod=${CNI_ARGS##*K8S_POD_NAME=}
stop=$STOPS/$CNI_COMMAND-${pod%%;*}
mv "$stop" "$stop.taken" 2>/dev/null || exec $PLUGIN
read -r call number <"$stop.taken"
[ "$call" = exit ] || exec strace -D -f -o "$stop.reached" -e trace="$call" -e inject="$call:signal=STOP:when=$number" $PLUGIN
$PLUGIN
status=$?
echo 'stopped by this script' >"$stop.reached"
until [ -e "$STOPS/go" ]; do sleep 0.05; done
exit $status
"#;

/// An instant of an ADD or a DEL: the last thing that it has done. System calls are counted in the main thread.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Instant {
    /// ADD has the VF's lock; nothing is recorded.
    AddLocked,
    /// ADD has recorded that the VF is in the pod, after record and claim; nothing is printed.
    AddMoved,
    /// DEL has the VF's lock; the VF is in the pod.
    DelLocked,
    /// DEL has brought the VF home and given up its claim; its record is there.
    DelMoved,
    /// The answer is printed, and the runtime has not heard that the call is over.
    Answered,
}

impl Instant {
    fn call(self) -> &'static str {
        match self {
            // The first is that of the ADD itself.
            Instant::AddLocked => "flock 2",
            Instant::AddMoved => "?rename,?renameat,?renameat2 3",
            Instant::DelLocked => "flock 1",
            Instant::DelMoved => "?unlink,?unlinkat 1",
            Instant::Answered => "exit",
        }
    }
}

/// The calls that stop.
pub(crate) struct Stops<'a> {
    cluster: &'a Cluster,
    dir: PathBuf,
}

impl<'a> Stops<'a> {
    /// From now on the runtime calls the plugin through them.
    pub(crate) fn new(cluster: &'a Cluster) -> Self {
        let dir = cluster.setup().path("stops");
        fs::create_dir(&dir).unwrap();
        let plugin = binaries::plugin("dpu-host").unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let script = SCRIPT.replace("$STOPS", &text(&dir)).replace("$PLUGIN", &text(&plugin));
        let path = dir.join("dpu-host");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        // In one step: the runtime may be calling it.
        fs::rename(path, cluster.setup().plugins().join("dpu-host")).unwrap();
        Stops { cluster, dir }
    }

    /// The next call of this verb for this pod stops there.
    pub(crate) fn stop(&self, verb: &str, pod: &str, instant: Instant) {
        let file = self.dir.join(format!("{verb}-{pod}"));
        fs::write(file.with_extension("new"), format!("{}\n", instant.call())).unwrap();
        fs::rename(file.with_extension("new"), file).unwrap();
    }

    /// Waits until it has.
    pub(crate) fn until_stopped(&self, verb: &str, pod: &str) {
        let file = self.dir.join(format!("{verb}-{pod}.reached"));
        let stopped = || fs::read_to_string(&file).ok()?.contains("stopped by ").then_some(());
        self.cluster.until(&format!("{verb} of {pod} stops"), stopped).unwrap();
    }

    /// All go on that are still there.
    pub(crate) fn go_on(&self) {
        fs::write(self.dir.join("go"), "").unwrap();
        self.cluster.signal_all("dpu-host", "CONT").unwrap();
    }
}
