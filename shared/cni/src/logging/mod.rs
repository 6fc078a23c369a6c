//! The log: a file if the configuration names one, and standard error for warnings.
//!
//! Logging never fails a call. libcni passes standard error on to the runtime's journal, on success only; the
//! file is what is left of a failure. A line is one write(2) on a descriptor opened for appending, so lines of
//! several processes never mix.

mod file;
mod settings;
mod time;

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use log::{Level, LevelFilter, Log, Metadata, Record};

pub(crate) use settings::Settings;

use crate::Error;
use crate::env::Verb;
use crate::error::one_line;

/// Target of the line that closes a call. Its error goes to standard output already.
const CONCLUSION: &str = "cni::conclusion";

static LOGGER: Logger =
    Logger(Mutex::new(State { name: "", context: String::new(), level: LevelFilter::Off, sink: Sink::None }));

/// Sends warnings to standard error from now on.
pub(crate) fn install(name: &'static str) {
    LOGGER.state().name = name;
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}

/// Sends lines to the file of `settings` too, each with `context`. The file is opened for the first line.
pub(crate) fn start(settings: Settings, context: String) {
    let mut state = LOGGER.state();
    // The names in it are others' words.
    state.context = one_line(context);
    if let Some(path) = settings.file {
        state.level = settings.level;
        state.sink = Sink::Closed(path);
    }
    log::set_max_level(state.level.max(LevelFilter::Warn));
}

/// Logs how a call ended, and what the plugin has to say about it; CHECK and STATUS are polled, so that they
/// succeed is worth no line.
pub(crate) fn conclude(verb: Verb, failure: Option<&Error>, remark: &str) {
    let remark = if remark.is_empty() { String::new() } else { format!(" ({remark})") };
    match failure {
        Some(error) => log::error!(target: CONCLUSION, "failed with code {}: {error}{remark}", error.code()),
        None if matches!(verb, Verb::Check | Verb::Status) => {
            log::debug!(target: CONCLUSION, "succeeded{remark}");
        }
        None => log::info!(target: CONCLUSION, "succeeded{remark}"),
    }
}

struct Logger(Mutex<State>);

struct State {
    name: &'static str,
    context: String,
    level: LevelFilter,
    sink: Sink,
}

enum Sink {
    None,
    Closed(PathBuf),
    Open(File),
}

impl Logger {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The netlink crates warn of every attribute that is newer than they are.
        metadata.level() == Level::Error || !metadata.target().starts_with("netlink_")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = one_line(record.args().to_string());
        let mut state = self.state();
        if record.level() <= Level::Warn && record.target() != CONCLUSION {
            complain(state.name, &message);
        }
        if record.level() <= state.level {
            state.append(record.level(), &message);
        }
    }

    fn flush(&self) {}
}

impl State {
    fn append(&mut self, level: Level, message: &str) {
        if let Sink::Closed(path) = &self.sink {
            self.sink = match file::open(path, self.name) {
                Ok(file) => Sink::Open(file),
                Err(error) => {
                    complain(self.name, &format!("no log in {}: {error}", path.display()));
                    Sink::None
                }
            };
        }
        if let Sink::Open(file) = &mut self.sink {
            let line = line(SystemTime::now(), self.name, level, &self.context, message);
            // A full disk must not fail the call.
            let _ = file.write(line.as_bytes());
        }
    }
}

/// A line of the file; [`file::open`] knows a file as ours by how its first line begins.
fn line(now: SystemTime, name: &str, level: Level, context: &str, message: &str) -> String {
    let pid = std::process::id();
    let level = level.as_str().to_ascii_lowercase();
    format!("{} {name}[{pid}] {level} {context}: {message}\n", time::utc(now))
}

/// Nobody is left to tell when standard error is closed.
fn complain(name: &str, message: &str) {
    let _ = io::stderr().write_all(format!("{name}: {message}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_line_says_when_who_and_what_about() {
        let now = UNIX_EPOCH + Duration::from_millis(1_234_567_890_123);
        let line = line(now, "dpu-host", Level::Info, "ADD n/c/eth0 ns/pod", "done");
        let expected = format!(
            "2009-02-13T23:31:30.123Z dpu-host[{}] info ADD n/c/eth0 ns/pod: done\n",
            std::process::id()
        );
        assert_eq!(line, expected);
    }

    #[test]
    fn no_name_makes_a_line() {
        let forged = "ADD n/c/\u{1b}[2Jeth0 ns/pod\n2009-02-13T23:31:30.123Z dpu-host[1] info DEL: succeeded";
        let none = Settings { file: None, level: LevelFilter::Off };
        start(none, forged.to_owned());
        let line = line(UNIX_EPOCH, "dpu-host", Level::Info, &LOGGER.state().context, "done");
        assert_eq!(line.matches('\n').count(), 1, "{line:?}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }

    #[test]
    fn hears_only_errors_of_the_netlink_crates() {
        let enabled =
            |target, level| LOGGER.enabled(&Metadata::builder().target(target).level(level).build());
        assert!(!enabled("netlink_packet_route::link", Level::Warn));
        assert!(enabled("netlink_proto::codecs", Level::Error));
        assert!(enabled("dpu_host::add", Level::Debug));
    }
}
