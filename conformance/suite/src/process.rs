//! One run of a program: pipes as a runtime has them, a deadline, and nothing left alive afterwards.

use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// A plugin that prints more than this is stopped: nobody could read it.
const FLOOD: usize = 16 << 20;

/// What a program finds on its standard input.
#[derive(Clone, Debug)]
pub enum Stdin {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, and no end as long as the program runs.
    Open(Vec<u8>),
    /// A file, or something that cannot be read at all.
    File(PathBuf),
}

/// What becomes of a program's standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdout {
    /// It is kept.
    Captured,
    /// Nobody reads it: writing fails.
    Broken,
}

/// A program to run, with nothing inherited but the namespaces of the calling thread.
#[derive(Clone, Debug)]
pub struct Process {
    /// What to execute.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// Its working directory.
    pub cwd: PathBuf,
    /// Its standard input.
    pub stdin: Stdin,
    /// Its standard output.
    pub stdout: Stdout,
    /// After this long, it and what it has started are killed.
    pub timeout: Duration,
}

/// A program that has been started.
pub struct Running {
    child: Child,
    talk: Talk,
    started: Instant,
    timeout: Duration,
}

/// A program that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How.
    pub status: ExitStatus,
    /// All it printed.
    pub stdout: Vec<u8>,
    /// All it complained.
    pub stderr: Vec<u8>,
    /// From start to end.
    pub elapsed: Duration,
    /// Whether it had to be killed, at the deadline or for printing without end.
    pub timed_out: bool,
}

impl Process {
    /// Starts it, in the namespaces of the calling thread and as the head of a process group of its own.
    pub fn start(&self) -> Result<Running> {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env.iter().map(|(key, value)| (key, value)));
        command.current_dir(&self.cwd).process_group(0).stderr(Stdio::piped());
        let (input, hold) = match &self.stdin {
            Stdin::Bytes(bytes) => (bytes.clone(), false),
            Stdin::Open(bytes) => (bytes.clone(), true),
            Stdin::File(path) => {
                command.stdin(File::open(path).with_context(|| format!("opening {}", path.display()))?);
                (Vec::new(), false)
            }
        };
        if !matches!(self.stdin, Stdin::File(_)) {
            command.stdin(Stdio::piped());
        }
        match self.stdout {
            Stdout::Captured => command.stdout(Stdio::piped()),
            Stdout::Broken => command.stdout(OwnedFd::from(unread()?)),
        };
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("starting {}", self.program.display()))?;
        let talk = Talk::new(&mut child, input, hold)?;
        Ok(Running { child, talk, started, timeout: self.timeout })
    }
}

/// Something that every write to fails with EPIPE. Not a pipe: its reading end lives on for a moment in every process
/// that another thread is starting just then.
fn unread() -> Result<UnixStream> {
    let (stream, _) = UnixStream::pair().context("making a pair of sockets")?;
    stream.shutdown(Shutdown::Write).context("ending a connection")?;
    Ok(stream)
}

impl Running {
    /// Its process ID, which is its process group too.
    pub fn pid(&self) -> Pid {
        // A process ID is a positive `int`.
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Gives it its input, or as much as a pipe takes. Without this it waits for it until [`Running::finish`].
    pub fn feed(&mut self) {
        self.talk.send();
    }

    /// Sends it a signal; one that has ended already is none the worse for it.
    pub fn signal(&self, signal: Signal) {
        // The child has not been waited for, so the number is still its own.
        let _ = kill(self.pid(), signal);
    }

    /// Talks to it until it ends or its time is over, and kills whatever is left of its process group.
    pub fn finish(mut self) -> Result<Finished> {
        let deadline = self.started + self.timeout;
        let mut timed_out = !self.talk.go_on_until(deadline)?;
        // The standard library has no wait with a deadline. A program that has closed its output is about to
        // end, so the pause is seldom needed more than once.
        let mut pause = Duration::from_micros(50);
        let mut status = None;
        while !timed_out {
            status = self.child.try_wait().context("waiting for the program")?;
            if status.is_some() {
                break;
            }
            timed_out = Instant::now() >= deadline;
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        let elapsed = self.started.elapsed();
        // Not an error when it is empty, as it should be.
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let status = match status {
            Some(status) => status,
            None => self.child.wait().context("waiting for the killed program")?,
        };
        let Talk { stdout, stderr, .. } = self.talk;
        Ok(Finished { status, stdout, stderr, elapsed, timed_out })
    }
}

impl Finished {
    /// `exit 1`, `killed by signal 9`, `no end within 10 s`, `stopped after 16 MiB of output`.
    pub fn ending(&self) -> String {
        match (self.timed_out, self.status.code(), self.status.signal()) {
            (true, ..) if self.stdout.len().max(self.stderr.len()) > FLOOD => {
                format!("stopped after {} MiB of output", FLOOD >> 20)
            }
            (true, ..) => format!("no end within {} s", self.elapsed.as_secs()),
            (_, Some(code), _) => format!("exit {code}"),
            (_, _, Some(signal)) => format!("killed by signal {signal}"),
            _ => self.status.to_string(),
        }
    }
}

/// The three pipes of a child.
struct Talk {
    stdin: Option<ChildStdin>,
    input: Vec<u8>,
    sent: usize,
    hold: bool,
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Talk {
    fn new(child: &mut Child, input: Vec<u8>, hold: bool) -> Result<Talk> {
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        for end in
            [stdin.as_ref().map(AsFd::as_fd), out.as_ref().map(AsFd::as_fd), err.as_ref().map(AsFd::as_fd)]
                .into_iter()
                .flatten()
        {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).context("preparing a pipe")?;
        }
        let (stdout, stderr) = (Vec::new(), Vec::new());
        Ok(Talk { stdin, input, sent: 0, hold, out, err, stdout, stderr })
    }

    /// Until both outputs are closed. False when the time is over first.
    fn go_on_until(&mut self, deadline: Instant) -> Result<bool> {
        self.send();
        while self.out.is_some() || self.err.is_some() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stdout.len().max(self.stderr.len()) > FLOOD {
                return Ok(false);
            }
            self.wait(left)?;
            self.send();
            receive(&mut self.out, &mut self.stdout);
            receive(&mut self.err, &mut self.stderr);
        }
        Ok(true)
    }

    fn wait(&self, left: Duration) -> Result<()> {
        let reads = [self.out.as_ref().map(AsFd::as_fd), self.err.as_ref().map(AsFd::as_fd)];
        let mut ends: Vec<PollFd<'_>> = reads
            .into_iter()
            .flatten()
            .map(|end: BorrowedFd<'_>| PollFd::new(end, PollFlags::POLLIN))
            .collect();
        if let Some(stdin) = self.stdin.as_ref().filter(|_| self.sent < self.input.len()) {
            ends.push(PollFd::new(stdin.as_fd(), PollFlags::POLLOUT));
        }
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut ends, left) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno).context("waiting for the program's output"),
        }
    }

    /// As much as the pipe takes. A program need not read its input: then the rest is dropped.
    fn send(&mut self) {
        while let Some(stdin) = &mut self.stdin {
            if self.sent == self.input.len() {
                if !self.hold {
                    self.stdin = None;
                }
                return;
            }
            match stdin.write(&self.input[self.sent..]) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.stdin = None,
            }
        }
    }
}

/// All that is there; at the end, the pipe is closed.
fn receive<R: Read>(from: &mut Option<R>, into: &mut Vec<u8>) {
    let mut buffer = [0; 16 << 10];
    while let Some(pipe) = from {
        match pipe.read(&mut buffer) {
            Ok(0) => *from = None,
            Ok(read) => into.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => *from = None,
        }
        if into.len() > FLOOD {
            return;
        }
    }
}
