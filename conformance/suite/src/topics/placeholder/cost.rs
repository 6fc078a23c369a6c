//! 150: what a refusal costs.

use std::panic::resume_unwind;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::call::Call;
use crate::stop::{Stop, Verdict};
use crate::trial::Trial;
use testkit::memory;

/// kB; a Kubernetes node retries every pod every ten seconds.
const MEMORY: u64 = 5 * 1024;

pub(super) fn cheap(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let call = t.call("ADD", &pod);
    t.same_as_plain(&call)?;
    let before = t.files()?;
    let mut took = Vec::with_capacity(1000);
    for _ in 0..1000 {
        took.push(call.run()?.finished().elapsed);
    }
    took.sort();
    let median = took[took.len() / 2];
    t.remark(format!("median {:.1} ms", median.as_secs_f64() * 1e3));
    if median >= Duration::from_millis(5) {
        return Err(Stop::failed("1000 ADDs", format!("a median of {median:?}"), "a median below 5 ms"));
    }
    if t.files()? != before {
        return Err(Stop::failed("1000 ADDs", "more files than before", "no file more"));
    }
    let peak = peak_memory(&call)?;
    t.remark(format!("{peak} kB of memory at most"));
    if peak < MEMORY {
        return Ok(());
    }
    Err(Stop::failed("ADD", format!("{peak} kB of memory"), format!("less than {MEMORY} kB")))
}

/// The largest resident size of one call, in kB: read when the process is about to end, which only a tracer sees.
fn peak_memory(call: &Call) -> Result<u64, Stop> {
    let running = call.start()?;
    let pid = running.pid();
    let peak = thread::scope(|scope| {
        let (ready, wait) = channel();
        // Only the thread that attached to a process may let it go on. Until its input comes, the plugin waits.
        let tracer = scope.spawn(move || {
            let traced = memory::trace(pid);
            // The receiver waits.
            let _ = ready.send(());
            traced.ok().map(|()| memory::follow(pid))
        });
        let _ = wait.recv();
        let answer = call.answer(running);
        let peak = tracer.join().unwrap_or_else(|panic| resume_unwind(panic));
        answer.map(|_| peak)
    })?;
    let peak = peak.ok_or_else(|| Stop::skipped("the process could not be traced"))??;
    peak.ok_or_else(|| Stop::skipped("another thread ended the process before that could be read"))
}
