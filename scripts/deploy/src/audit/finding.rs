//! One line of an audit.

use std::fmt::{self, Display};

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// As it should be, or worth knowing.
    Ok,
    /// Works, but not as well as it could.
    Warning,
    /// Does not work.
    Error,
}

/// What was found, where, and what to do about it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    level: Level,
    /// `runtime`, `network`, `multus`, `files`, `vfs`, `server`, `node` or `cluster`.
    topic: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        write!(f, "{level:<8}{:<9}{}", self.topic, self.text)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, ": {remedy}"))
    }
}

/// All findings, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// As it should be.
    pub(crate) fn ok(&mut self, topic: &'static str, text: impl Into<String>) {
        self.list.push(Finding { level: Level::Ok, topic, text: text.into(), remedy: None });
    }

    /// Works, but.
    pub(crate) fn warning(
        &mut self,
        topic: &'static str,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.list.push(Finding {
            level: Level::Warning,
            topic,
            text: text.into(),
            remedy: Some(remedy.into()),
        });
    }

    /// Does not work.
    pub(crate) fn error(&mut self, topic: &'static str, text: impl Into<String>, remedy: impl Into<String>) {
        self.list.push(Finding {
            level: Level::Error,
            topic,
            text: text.into(),
            remedy: Some(remedy.into()),
        });
    }

    /// All of them.
    pub(crate) fn list(&self) -> &[Finding] {
        &self.list
    }

    /// All of it in a sentence.
    pub(crate) fn verdict(&self) -> String {
        let count = |level: Level, word: &str| {
            let count = self.list.iter().filter(|finding| finding.level == level).count();
            format!("{count} {word}{}", if count == 1 { "" } else { "s" })
        };
        let (errors, warnings) = (count(Level::Error, "error"), count(Level::Warning, "warning"));
        match self.worst() {
            Level::Ok => "all is as it must be".to_owned(),
            Level::Warning => format!("it works, with {warnings}"),
            Level::Error => format!("it does not work: {errors}, {warnings}"),
        }
    }

    /// The worst level.
    pub(crate) fn worst(&self) -> Level {
        self.list.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }
}
