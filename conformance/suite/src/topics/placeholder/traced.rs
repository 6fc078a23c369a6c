//! 146: nothing is opened that could change anything.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::call::Call;
use crate::stop::{Stop, Verdict};
use crate::trial::Trial;
use crate::witness::State;

pub(super) fn touches_nothing(t: &Trial<'_>) -> Verdict {
    let missing = t.call("ADD", &t.pod()?).env("CNI_NETNS", t.dir().join("no-such-namespace"));
    let taken = t.pod()?;
    taken.container.ip(&["link", "add", &taken.ifname, "type", "veth", "peer", "name", "conformance"])?;
    let chained = t.pod()?;
    let previous: Value = json!({"cniVersion": t.version});
    let (inside, outside) = (State::of(&taken.container)?, State::here()?);
    let calls = [missing, t.call("ADD", &taken), t.call("ADD", &chained).key("prevResult", previous)];
    calls.iter().try_for_each(|call| t.same_as_plain(call))?;
    if State::of(&taken.container)? != inside || State::here()? != outside {
        return Err(Stop::failed("ADD", "changed container or host", "nothing changed"));
    }
    if Command::new("strace").arg("-V").output().is_err() {
        t.remark("system calls not looked at: strace is not installed");
        return Ok(());
    }
    let netns = taken.container.path().to_owned();
    calls.iter().enumerate().try_for_each(|(index, call)| trace(t, call, index, &netns))
}

/// The call under strace: it opens no netlink socket and no namespace, and joins none.
fn trace(t: &Trial<'_>, call: &Call, index: usize, netns: &Path) -> Verdict {
    let log = t.dir().join(format!("trace.{index}"));
    let calls = "socket,setns,unshare,open,openat,openat2";
    let script = format!("exec /usr/bin/env strace -f -qq -e trace={calls} -o '{}' \"$0\"", log.display());
    let traced = call.clone().shell(&script);
    t.same_as_plain(&traced)?;
    let log = std::fs::read_to_string(log)?;
    let netns = netns.to_string_lossy();
    let forbidden = |line: &&str| {
        line.contains("AF_NETLINK")
            || line.contains("setns(")
            || line.contains("unshare(")
            || line.contains(&*netns)
    };
    match log.lines().find(forbidden) {
        None => Ok(()),
        Some(line) => Err(Stop::failed(traced.sent(), line, "no namespace and no netlink socket opened")),
    }
}
