//! How much is measured.

/// How much of one group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Rounds that count.
    pub(super) rounds: usize,
    /// Rounds before the first that counts: caches fill.
    pub(super) warm_up: usize,
    /// Runs under a tracer; what they tell hardly varies.
    pub(super) traced: usize,
    /// Whether strace is here.
    pub(super) counted: bool,
}

/// Numbers of rounds and sizes.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Rounds of any group before the first that counts.
    pub(super) warm_up: usize,
    /// Runs of any call under a tracer.
    pub(super) traced: usize,
    /// Rounds of the groups whose calls are a millisecond long.
    pub(super) rounds: usize,
    /// Rounds of the groups that attach pods.
    pub(super) attach_rounds: usize,
    /// Rounds of the group whose server takes its time.
    pub(super) wait_rounds: usize,
    /// How many pods are attached at once.
    pub(super) pods: Vec<usize>,
    /// Repetitions of each of those.
    pub(super) bursts: usize,
    /// Under how many pods the card is reset.
    pub(super) lost: Vec<usize>,
    /// Resets under each of those numbers.
    pub(super) resets: usize,
    /// How many records there are.
    pub(super) records: Vec<usize>,
    /// Rounds at each number of records.
    pub(super) record_rounds: usize,
}

impl Plan {
    /// Steps that the curves report to the progress bar.
    pub(super) fn growth_steps(&self) -> usize {
        2 * self.pods.len() * self.bursts
            + self.lost.len() * self.resets
            + self.records.len() * self.record_rounds
    }

    /// This many rounds of a group.
    pub(super) fn effort(&self, rounds: usize, counted: bool) -> Effort {
        Effort { rounds, warm_up: self.warm_up, traced: self.traced, counted }
    }

    /// Enough for the second digit of a ratio to stand on a busy machine of two cores, in a few minutes.
    pub(super) fn full() -> Self {
        Plan {
            warm_up: 2,
            traced: 3,
            rounds: 300,
            attach_rounds: 60,
            wait_rounds: 10,
            pods: vec![1, 16, 64, 128],
            bursts: 3,
            lost: vec![1, 16],
            resets: 12,
            records: vec![1, 64, 1000],
            record_rounds: 60,
        }
    }

    /// Enough to see that everything still runs; its figures mean nothing.
    pub(super) fn quick() -> Self {
        Plan {
            warm_up: 0,
            traced: 1,
            rounds: 3,
            attach_rounds: 2,
            wait_rounds: 1,
            pods: vec![1, 4],
            bursts: 1,
            lost: vec![1, 2],
            resets: 1,
            records: vec![1, 10],
            record_rounds: 2,
        }
    }
}
