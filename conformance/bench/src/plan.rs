//! How much is measured.

/// Numbers of rounds and sizes.
#[derive(Clone, Debug)]
pub(super) struct Plan {
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
    /// How many records there are.
    pub(super) records: Vec<usize>,
    /// Rounds at each number of records.
    pub(super) record_rounds: usize,
}

impl Plan {
    /// Steps that the curves report to the progress bar.
    pub(super) fn growth_steps(&self) -> usize {
        self.pods.len() * self.bursts + self.records.len() * self.record_rounds
    }

    /// Enough for the second digit of a ratio to stand on a busy machine of two cores, in a few minutes.
    pub(super) fn full() -> Self {
        Plan {
            rounds: 300,
            attach_rounds: 60,
            wait_rounds: 15,
            pods: vec![1, 16, 64, 128],
            bursts: 3,
            records: vec![1, 64, 1000],
            record_rounds: 60,
        }
    }

    /// Enough to see that everything still runs; its figures mean nothing.
    pub(super) fn quick() -> Self {
        Plan {
            rounds: 3,
            attach_rounds: 2,
            wait_rounds: 1,
            pods: vec![1, 4],
            bursts: 1,
            records: vec![1, 10],
            record_rounds: 2,
        }
    }
}
