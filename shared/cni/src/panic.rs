//! A panic is a failure like any other: one error document, exit status 1.
//!
//! Release builds abort on panic, so this is the last chance to say anything; it ends the process itself.

use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::process;
use std::sync::Mutex;

use crate::stdout::Stdout;
use crate::{Error, Version, code, reply};

/// How far the call is: what a panic may still print, and how the process ends after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// No answer yet; an error carries this version.
    Working(Version),
    /// No answer yet, and the plugin has promised never to fail.
    NeverFailing,
    /// An answer is being written, or was, with success or not: another one would spoil it.
    Answered { success: bool },
}

static PROGRESS: Mutex<Progress> = Mutex::new(Progress::Working(Version::LATEST));

/// Says how far the call is.
pub(crate) fn progress(now: Progress) {
    *PROGRESS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = now;
}

/// Says which version an error carries from now on.
pub(crate) fn version_known(version: Version) {
    let mut progress = PROGRESS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if matches!(*progress, Progress::Working(_)) {
        *progress = Progress::Working(version);
    }
}

/// Installs the hook, for any thread.
pub(crate) fn install(name: &'static str) {
    std::panic::set_hook(Box::new(move |info| report(name, info)));
}

fn report(name: &str, info: &PanicHookInfo<'_>) {
    // Held until the process ends: of several threads that panic, one reports.
    let progress = PROGRESS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let error = describe(name, info);
    // Nobody is left to tell when these fail.
    let _ = writeln!(io::stderr(), "{name}: {error}");
    let success = match *progress {
        Progress::Working(version) => {
            let _ = Stdout.write_all(reply::error(&error, version).as_bytes());
            false
        }
        Progress::NeverFailing => true,
        Progress::Answered { success } => success,
    };
    #[expect(clippy::exit, reason = "aborting would hide the answer behind a signal")]
    process::exit(i32::from(!success));
}

fn describe(name: &str, info: &PanicHookInfo<'_>) -> Error {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
    Error::new(code::INTERNAL, format!("internal error in {name}: {text}"))
        .details(format!("this is a defect{}: please report it", place.unwrap_or_default()))
}
