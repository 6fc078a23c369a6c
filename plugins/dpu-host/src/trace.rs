//! One log line for each call: who, which VF, how it ended, and where the milliseconds went.

use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cni::{Attachment, Error, Pod};

/// The time line of one call.
pub(crate) struct Trace {
    id: String,
    began: Instant,
    marked: Cell<Instant>,
    phases: RefCell<Vec<(&'static str, Duration)>>,
    devices: RefCell<Vec<String>>,
}

impl Trace {
    /// Begins now.
    pub(crate) fn begin() -> Self {
        let began = Instant::now();
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Unique enough to be found in two logs: the microsecond of this hour, and the process.
        let id = format!("{:08x}{:04x}", clock.as_micros() as u32, std::process::id() as u16);
        Trace { id, began, marked: Cell::new(began), phases: RefCell::default(), devices: RefCell::default() }
    }

    /// The call's name, in our log and in ovnkube-node's.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Ends a phase.
    pub(crate) fn mark(&self, phase: &'static str) {
        let now = Instant::now();
        self.phases.borrow_mut().push((phase, now - self.marked.replace(now)));
    }

    /// Notes a device that the call is about.
    pub(crate) fn device(&self, id: impl ToString) {
        self.devices.borrow_mut().push(id.to_string());
    }

    /// Writes the line, and passes the outcome on.
    pub(crate) fn end<T>(
        &self,
        verb: &str,
        whose: &Attachment,
        pod: &Pod,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        let mut line =
            format!("{verb} call={} pod={pod} {whose} vf={}", self.id, self.devices.borrow().join(","));
        let _ = write!(line, " total={:.1}ms", ms(self.began.elapsed()));
        for (phase, took) in self.phases.borrow().iter() {
            let _ = write!(line, " {phase}={:.1}", ms(*took));
        }
        match &outcome {
            Ok(_) => log::info!("{line}: ok"),
            Err(error) => log::error!("{line}: code {}: {error}", error.code()),
        }
        outcome
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
