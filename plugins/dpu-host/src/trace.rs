//! What a call's log line says besides how it ended: which VF, and where the milliseconds went.

use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cni::TraceContext;

use crate::time::Began;

/// The time line of one call.
pub(crate) struct Trace {
    id: String,
    context: TraceContext,
    began: Instant,
    marked: Cell<Instant>,
    phases: RefCell<Vec<(&'static str, Duration)>>,
    devices: RefCell<Vec<String>>,
}

impl Trace {
    /// Begins with the process; what it has done so far is the first phase, `parse`.
    #[allow(clippy::cast_possible_truncation, reason = "the digits that differ are the low ones")]
    pub(crate) fn begin(began: Instant) -> Self {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Unique enough to be found in two logs: the microsecond of this hour, and the process.
        let id = format!("{:08x}{:04x}", clock.as_micros() as u32, std::process::id() as u16);
        let trace = Trace {
            id,
            context: TraceContext::of_process(),
            began,
            marked: Cell::new(began),
            phases: RefCell::default(),
            devices: RefCell::default(),
        };
        trace.mark("parse");
        trace
    }

    /// The call's name in ovnkube-node's log: that in ours, and the trace's where the call is part of one.
    pub(crate) fn id(&self) -> String {
        let trace = self.context.id().map(|trace| format!("-{trace}"));
        self.id.clone() + &trace.unwrap_or_default()
    }

    /// The trace that the call is part of.
    pub(crate) fn context(&self) -> &TraceContext {
        &self.context
    }

    /// When the call began, to be compared with other calls.
    pub(crate) fn began(&self) -> Began {
        Began::ago(self.began.elapsed())
    }

    /// Ends a phase.
    pub(crate) fn mark(&self, phase: &'static str) {
        let now = Instant::now();
        self.phases.borrow_mut().push((phase, now - self.marked.replace(now)));
    }

    /// How long the answer took, now that it is written; a reader of every line is told, too.
    pub(crate) fn answered(&self) -> Duration {
        self.mark("print");
        log::debug!("answered ({})", self.remark());
        self.began.elapsed()
    }

    /// Notes a device that the call is about.
    pub(crate) fn device(&self, id: impl ToString) {
        self.devices.borrow_mut().push(id.to_string());
    }

    /// What the call's log line ends with.
    pub(crate) fn remark(&self) -> String {
        let mut text = format!(
            "call={} vf={} total={:.2}ms",
            self.id,
            self.devices.borrow().join(","),
            ms(self.began.elapsed())
        );
        for (phase, took) in self.phases.borrow().iter() {
            let _ = write!(text, " {phase}={:.2}", ms(*took));
        }
        text
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
