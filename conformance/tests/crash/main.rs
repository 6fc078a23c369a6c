//! `dpu-host` killed at every instant, and every one of its system calls failing: no VF is lost.
//!
//! Where it can be killed is not guessed but read from a trace of the same call (`conformance::crash`).

mod disk;
mod faults;
mod kills;
mod late;
mod planted;
mod pool;
mod scene;

use std::io::Write;

/// Shows a line even of a test that passes.
fn report(line: &str) {
    // A test that cannot be read still counts.
    let _ = writeln!(std::io::stderr(), "{line}");
}
