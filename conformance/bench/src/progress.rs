//! A progress bar on standard error, for a person who waits; silent elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Columns of the bar itself.
const WIDTH: usize = 30;
/// How often it is drawn at most: drawing is work between two measurements.
const EVERY: Duration = Duration::from_millis(200);

/// How far the benchmark is.
pub(super) struct Progress {
    total: usize,
    done: usize,
    began: Instant,
    drawn: Option<Instant>,
    shown: bool,
}

impl Progress {
    /// At the start of `total` steps.
    pub(super) fn new(total: usize) -> Self {
        Progress {
            total: total.max(1),
            done: 0,
            began: Instant::now(),
            drawn: None,
            shown: stderr().is_terminal(),
        }
    }

    /// `steps` more are done, and this is what comes next.
    pub(super) fn advance(&mut self, steps: usize, next: &str) {
        self.done = (self.done + steps).min(self.total);
        let due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY);
        if self.shown && due {
            self.drawn = Some(Instant::now());
            self.draw(next);
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the bar's width")]
    fn draw(&self, next: &str) {
        let share = self.done as f64 / self.total as f64;
        let full = (share * WIDTH as f64) as usize;
        let left = if self.done == 0 {
            String::new()
        } else {
            let seconds = self.began.elapsed().as_secs_f64() * (1.0 - share) / share;
            format!(", {seconds:.0} s left")
        };
        // That the bar cannot be drawn is no reason to stop.
        let _ = write!(
            stderr(),
            "\r\x1b[K[{}{}] {:3.0} %{left}  {next}",
            "=".repeat(full),
            " ".repeat(WIDTH - full),
            share * 100.0
        );
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
