//! One run of a program: pipes as a runtime has them, a deadline, and nothing left alive afterwards. The suite, the
//! simulated node and the benchmark all start plugins with this.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use rustix::process::{PidfdFlags, pidfd_open};

/// A plugin that prints more than this is stopped: nobody could read it.
const FLOOD: usize = 16 << 20;

/// What a program finds on its standard input.
#[derive(Clone, Debug)]
pub enum Stdin {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, and no end as long as the program runs.
    Open(Vec<u8>),
    /// These bytes, in a temporary file: nobody has to feed it.
    Spooled(Vec<u8>),
    /// A file, or something that cannot be read at all.
    File(PathBuf),
}

/// What becomes of what a program prints or complains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// It is read from a pipe as it comes.
    Captured,
    /// It goes into a temporary file, and is read at the end.
    Spooled,
    /// Nobody reads it: writing fails.
    Broken,
}

/// A program to run, with nothing inherited but the namespaces of the calling thread.
#[derive(Clone, Debug)]
pub struct Process {
    /// What to execute; a name without a slash is looked for on the `PATH` of its environment.
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
    pub stdout: Sink,
    /// Its standard error.
    pub stderr: Sink,
    /// After this long, it and what it has started are killed.
    pub timeout: Duration,
}

/// A program that has only to be started: files and pipes are there.
pub struct Prepared {
    command: Command,
    /// What is fed to it, and whether its end is kept back.
    input: (Vec<u8>, bool),
    spools: [Option<File>; 2],
    timeout: Duration,
}

/// A program that has been started.
///
/// Dropping it kills it, and what it has started.
pub struct Running {
    child: Child,
    talk: Talk,
    spools: [Option<File>; 2],
    started: Instant,
    timeout: Duration,
    ended: bool,
}

/// A program that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How.
    pub status: ExitStatus,
    /// All it printed.
    pub stdout: Vec<u8>,
    /// All it wrote to standard error.
    pub stderr: Vec<u8>,
    /// From start to end.
    pub elapsed: Duration,
    /// Whether it had to be killed, at the deadline or for printing without end.
    pub timed_out: bool,
}

impl Process {
    /// Makes everything ready but the process.
    ///
    /// # Errors
    /// When its input cannot be opened, or no temporary file made.
    pub fn prepare(&self) -> Result<Prepared> {
        let mut command = Command::new(&self.program);
        // With nothing more to set the standard library starts it by vfork: our own size does not count.
        command.args(&self.args).env_clear().envs(self.env.iter().map(|(key, value)| (key, value)));
        command.current_dir(&self.cwd).process_group(0);
        let mut input = (Vec::new(), false);
        command.stdin(match &self.stdin {
            Stdin::Bytes(bytes) | Stdin::Open(bytes) => {
                input = (bytes.clone(), matches!(self.stdin, Stdin::Open(_)));
                Stdio::piped()
            }
            Stdin::Spooled(bytes) => spool(bytes)?.into(),
            Stdin::File(path) => {
                File::open(path).with_context(|| format!("opening {}", path.display()))?.into()
            }
        });
        let ((stdout, out), (stderr, err)) = (sink(self.stdout)?, sink(self.stderr)?);
        command.stdout(stdout).stderr(stderr);
        Ok(Prepared { command, input, spools: [out, err], timeout: self.timeout })
    }

    /// Starts it, in the namespaces of the calling thread and as the head of a process group of its own.
    ///
    /// # Errors
    /// As for [`Process::prepare`], and when it cannot be executed.
    pub fn start(&self) -> Result<Running> {
        self.prepare()?.start()
    }
}

impl Prepared {
    /// Starts it, as [`Process::start`], and returns at once.
    ///
    /// # Errors
    /// When it cannot be executed.
    pub fn start(mut self) -> Result<Running> {
        let started = Instant::now();
        let mut child = self
            .command
            .spawn()
            .with_context(|| format!("starting {}", self.command.get_program().display()))?;
        let talk = Talk::new(&mut child, self.input.0, self.input.1)?;
        Ok(Running { child, talk, spools: self.spools, started, timeout: self.timeout, ended: false })
    }
}

/// Bytes as a temporary file, at its beginning.
///
/// # Errors
/// When none can be made.
pub fn spool(bytes: &[u8]) -> Result<File> {
    let mut file = tempfile::tempfile().context("making a temporary file")?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// The program's end of it, and ours if that is a file.
fn sink(sink: Sink) -> Result<(Stdio, Option<File>)> {
    Ok(match sink {
        Sink::Captured => (Stdio::piped(), None),
        Sink::Broken => (OwnedFd::from(unread()?).into(), None),
        Sink::Spooled => {
            let file = spool(&[])?;
            (file.try_clone()?.into(), Some(file))
        }
    })
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

    /// Kills it at once, wherever it is, and what it has started.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(mut self) -> Result<()> {
        self.end().map(drop).context("waiting for the killed program")
    }

    /// Leaves it alone, as a runtime does that is killed: nobody reads what it says from now on, and what it writes
    /// meets a closed pipe. [`Running::finish`] still waits for its end.
    pub fn abandon(&mut self) {
        (self.talk.out, self.talk.err) = (None, None);
    }

    /// Talks to it until it ends or its time is over, and kills whatever is left of its process group.
    ///
    /// # Errors
    /// When the kernel does not let us wait (pidfd_open(2) is of Linux 5.3).
    pub fn finish(mut self) -> Result<Finished> {
        let deadline = self.started + self.timeout;
        let timed_out = !(self.talk.go_on_until(deadline)? && self.ends_until(deadline)?);
        let elapsed = self.started.elapsed();
        let status = self.end().context("waiting for the program")?;
        let [mut stdout, mut stderr] = [&mut self.talk.stdout, &mut self.talk.stderr].map(std::mem::take);
        for (spool, text) in self.spools.iter_mut().zip([&mut stdout, &mut stderr]) {
            let Some(spool) = spool else { continue };
            spool.rewind()?;
            spool.read_to_end(text)?;
        }
        Ok(Finished { status, stdout, stderr, elapsed, timed_out })
    }

    /// Whether it has ended by then. It is not waited for: its number is still its own.
    fn ends_until(&self, deadline: Instant) -> Result<bool> {
        let pid = rustix::process::Pid::from_child(&self.child);
        let end = pidfd_open(pid, PidfdFlags::empty()).context("watching the program")?;
        loop {
            let left = PollTimeout::try_from(deadline.saturating_duration_since(Instant::now()));
            let left = left.unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(end.as_fd(), PollFlags::POLLIN)], left) {
                Ok(ready) if ready > 0 => return Ok(true),
                Ok(_) if Instant::now() >= deadline => return Ok(false),
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(errno).context("watching the program"),
            }
        }
    }

    /// Kills what is left of its group, and waits for it.
    fn end(&mut self) -> io::Result<ExitStatus> {
        // Not an error when it is empty, as it should be.
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let status = self.child.wait()?;
        self.ended = true;
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.end();
        }
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
