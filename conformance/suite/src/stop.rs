//! Why a check ends early.

use std::fmt;

/// What a check's function returns: `Ok` is a pass.
pub(crate) type Verdict = Result<(), Stop>;

/// The end of a check before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The plugin did something else than it should have.
    Failed(Box<Failure>),
    /// It cannot be run here, or says nothing about this plugin: the reason.
    Skipped(String),
    /// The suite's own tools failed it.
    Broken(anyhow::Error),
}

/// One deviation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What the plugin was sent.
    pub sent: String,
    /// What came back.
    pub came_back: String,
    /// What should have.
    pub should: String,
}

impl Stop {
    /// A deviation.
    pub(crate) fn failed(
        sent: impl Into<String>,
        came_back: impl Into<String>,
        should: impl Into<String>,
    ) -> Stop {
        Stop::Failed(Box::new(Failure {
            sent: sent.into(),
            came_back: came_back.into(),
            should: should.into(),
        }))
    }

    /// A deviation in these words instead.
    pub(crate) fn reworded(self, words: impl Fn(String) -> String) -> Stop {
        let Stop::Failed(failure) = self else { return self };
        let Failure { sent, came_back, should } = *failure;
        Stop::failed(words(sent), words(came_back), words(should))
    }

    /// Not run, for this reason.
    pub(crate) fn skipped(reason: impl Into<String>) -> Stop {
        Stop::Skipped(reason.into())
    }
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Stop {
        Stop::Broken(error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sent {}; came back {}; should {}", self.sent, self.came_back, self.should)
    }
}
