//! `dpu-host` killed at every instant, and every one of its system calls failing: no VF is lost.
//!
//! Where it can be killed is not guessed but read from a trace of the same call (`crash`).

mod adrift;
mod disk;
mod faults;
mod kills;
mod late;
mod planted;
mod pool;
mod scene;
mod wrecked;

use crash::report;

/// How often a run that missed its instant is repeated: threads may overtake each other.
const ATTEMPTS: usize = 40;
