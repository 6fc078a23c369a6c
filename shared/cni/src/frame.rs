//! A plugin's process: what it reads from, what it prints, how it ends.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use crate::env::{Command, Environment};
use crate::panic::{self, Progress, progress};
use crate::session::Session;
use crate::stdout::Stdout;
use crate::{Error, Plugin, Version, logging, reply};

/// What a plugin process has; tests put their own in its place.
pub struct Process<'p> {
    /// Reads an environment variable.
    pub env: &'p dyn Fn(&str) -> Option<OsString>,
    /// Standard input.
    pub stdin: &'p mut dyn Read,
    /// Standard output.
    pub stdout: &'p mut dyn Write,
    /// Standard error, for someone who runs the plugin by hand.
    pub stderr: &'p mut dyn Write,
}

/// Serves the one call that this process was started for: all that a plugin's `main` does, like
/// `skel.PluginMainFuncs`. The only writer of standard output.
pub fn main<P: Plugin>(plugin: &P) -> ExitCode {
    panic::install(P::NAME);
    logging::install(P::NAME);
    let process = Process {
        env: &|key| std::env::var_os(key),
        stdin: &mut Stdin,
        stdout: &mut Stdout,
        stderr: &mut io::stderr(),
    };
    run(plugin, process)
}

/// [`main`](fn@main) for a process given in pieces; it installs neither log nor panic hook.
pub fn run<P: Plugin>(plugin: &P, process: Process<'_>) -> ExitCode {
    let env = Environment::new(process.env);
    match env.command() {
        None => {
            // Nobody but a person at a terminal reads this; that it cannot be written is no failure.
            let _ = writeln!(process.stderr, "{}", about::<P>());
            ExitCode::SUCCESS
        }
        Some(Command::Version) => exit(print(Ok(Some(reply::versions())), Version::LATEST, process.stdout)),
        Some(command) => {
            let mut session = Session::new(plugin, env);
            let answer = session.answer(&command, process.stdin);
            let success = answer.is_ok();
            let written = print(answer, session.version(), process.stdout);
            if success && !written {
                session.take_back();
            }
            if let Some(verb) = session.reached() {
                plugin.afterwards(verb);
            }
            exit(success && written)
        }
    }
}

/// Prints the one document there is, if any. Whether it could be written.
fn print(answer: Result<Option<String>, Error>, version: Version, stdout: &mut dyn Write) -> bool {
    progress(Progress::Answered { success: answer.is_ok() });
    let document = answer.unwrap_or_else(|error| Some(reply::error(&error, version)));
    let written =
        document.map_or(Ok(()), |text| stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
    if let Err(error) = &written {
        progress(Progress::Answered { success: false });
        log::error!("the answer could not be written to standard output: {error}");
    }
    written.is_ok()
}

fn exit(success: bool) -> ExitCode {
    if success { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn about<P: Plugin>() -> String {
    format!(
        "{} {}: {}\nCNI protocol versions supported: {}",
        P::NAME,
        env!("CARGO_PKG_VERSION"),
        P::ABOUT,
        Version::ALL.map(Version::as_str).join(", ")
    )
}

/// Standard input, whose buffer is made when it is read: not for VERSION.
struct Stdin;

impl Read for Stdin {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        io::stdin().read(into)
    }
}
