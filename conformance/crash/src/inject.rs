//! Runs under strace: to see what a call does, or with something happening to one of its system calls.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::event::{Change, Event, parse};
use super::point::Point;
use node::{Call, Output};

/// A message type that rtnetlink does not have: it refuses it with `EOPNOTSUPP`.
const NO_MESSAGE: u16 = 0x7fff;
/// How long a call may take until it is where it is to be stopped, and how often that is looked at.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// What happens to a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed on entering it (`SIGKILL`; a call whose process is to die there is not executed).
    Kill,
    /// It is not executed and fails with this error, `ENOSPC`.
    Errno(&'static str),
    /// The kernel takes the netlink message and refuses what it asks for.
    Refusal,
}

/// How a run with a fault went.
#[derive(Debug)]
pub struct Injected {
    /// How the plugin ended, what it said.
    pub output: Output,
    /// Whether the fault happened, and where it was to: a run may differ from the traced one.
    pub hit: bool,
}

/// Runs the call, and tells every system call of it. `root` is the node's directory.
///
/// # Errors
/// Without strace, or when the call does not end.
pub fn trace(call: Call<'_>, root: &Path) -> Result<(Output, Vec<Event>)> {
    let log = Log::new()?;
    let output = call.through("strace", &["-f", "-y", "-s", "16", "-o", log.path()?]).run()?;
    let events = log.read(root)?;
    ensure!(!events.is_empty(), "strace has seen nothing: {}", output.stderr);
    Ok((output, events))
}

/// Runs the call with this fault at this point.
///
/// # Errors
/// Without strace, or when the call does not end.
pub fn inject(call: Call<'_>, point: &Point, fault: Fault, root: &Path) -> Result<Injected> {
    let log = Log::new()?;
    let effect = match (fault, &point.change) {
        (Fault::Kill, _) => "signal=KILL".to_owned(),
        (Fault::Errno(name), _) => format!("error={name}"),
        (Fault::Refusal, Some(Change::Netlink(_, length))) => {
            format!("poke_enter=@arg2={}", refused(*length))
        }
        (Fault::Refusal, _) => anyhow::bail!("{point} is no netlink message"),
    };
    let inject = format!("inject={}:{effect}:when={}", point.name, point.nth);
    let mut args = vec!["-f", "-y", "-s", "16", "-o", log.path()?, "-e", &inject];
    if let Some(path) = &point.path {
        args.extend(["-P", path]);
    }
    let output = call.through("strace", &args).run()?;
    let events = log.read(root)?;
    let hit = match fault {
        Fault::Kill => output.status.signal() == Some(Signal::SIGKILL as i32) && point.is_end_of(&events),
        Fault::Errno(_) => (1..=events.len()).any(|end| point.is_end_of(&events[..end])),
        // The log shows what the message has become.
        Fault::Refusal => (1..=events.len())
            .any(|end| is_refused(&events[end - 1]) && point.is_last_call_of(&events[..end])),
    };
    Ok(Injected { output, hit })
}

/// Runs the call, does `meanwhile` while it is stopped behind this one of its system calls, and lets it go on.
///
/// # Errors
/// Without strace; when it is never stopped there, or does not end.
pub fn stop_behind(call: Call<'_>, event: &Event, meanwhile: impl FnOnce() -> Result<()>) -> Result<Output> {
    let log = Log::new()?;
    let inject = format!("inject={}:signal=STOP:when={}", event.name, event.nth);
    let running = call.through("strace", &["-f", "-o", log.path()?, "-e", &inject]).spawn()?;
    let deadline = Instant::now() + PATIENCE;
    let stopped = loop {
        let text = std::fs::read_to_string(log.path()?)?;
        let line = text.lines().find(|line| line.ends_with("--- stopped by SIGSTOP ---"));
        if let Some((thread, _)) = line.and_then(|line| line.split_once(' ')) {
            break Pid::from_raw(thread.parse().context("the number of a thread")?);
        }
        ensure!(Instant::now() < deadline, "it was never stopped behind {} {}", event.name, event.nth);
        thread::sleep(POLL);
    };
    let done = meanwhile();
    kill(stopped, Signal::SIGCONT).context("letting it go on")?;
    let output = running.wait()?;
    done.map(|()| output)
}

/// The beginning of the message's header (`struct nlmsghdr`), as hexadecimal digits: its length as it is, another type.
fn refused(length: u32) -> String {
    let bytes = length.to_ne_bytes().into_iter().chain(NO_MESSAGE.to_ne_bytes());
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

fn is_refused(event: &Event) -> bool {
    matches!(&event.change, Some(Change::Netlink(kind, _)) if *kind == format!("{NO_MESSAGE:#x}"))
}

/// The file that strace writes to.
struct Log(tempfile::NamedTempFile);

impl Log {
    fn new() -> Result<Self> {
        Ok(Log(tempfile::NamedTempFile::new()?))
    }

    fn path(&self) -> Result<&str> {
        self.0.path().to_str().context("a path in UTF-8")
    }

    fn read(&self, root: &Path) -> Result<Vec<Event>> {
        // What a program writes need not be text.
        let bytes = std::fs::read(self.0.path()).context("reading what strace wrote")?;
        Ok(parse(&String::from_utf8_lossy(&bytes), root))
    }
}
