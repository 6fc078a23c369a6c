//! Where an inventory is read from: a node's files, and what some commands say there. In a copy their answers are files
//! of `commands/`.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::fault::Fault;
use crate::tree::Tree;

/// Enough for the ports of any switch, and little enough to be read.
const LARGEST_ANSWER: u64 = 64 << 20;
const LARGEST_ATTRIBUTE: u64 = 64 << 10;

/// A node, or a copy of it.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) tree: Tree,
}

impl Sources {
    pub(super) fn new(root: &Path) -> Self {
        Sources { tree: Tree::new(root) }
    }

    /// An attribute of sysfs or the like: its one line. `tar` fills what it takes from sysfs up with zeros.
    pub(super) fn attribute(&self, path: &str) -> io::Result<String> {
        let bytes = self.tree.bytes(path, LARGEST_ATTRIBUTE)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned())
    }

    /// What a command says; in a copy `commands/<file>`.
    ///
    /// # Errors
    /// When it is not there, or fails, with its last words.
    pub(super) fn answer(&self, file: &str, command: &[&str]) -> Result<String, Fault> {
        let shown = command.join(" ");
        if !self.tree.live() {
            let path = format!("commands/{file}");
            let bytes = self.tree.bytes(&path, LARGEST_ANSWER).map_err(|error| {
                Fault::new(
                    format!("{path} cannot be read ({error})"),
                    format!("keep there what `{shown}` says"),
                )
            })?;
            return Ok(String::from_utf8_lossy(&bytes).trim_matches('\0').to_owned());
        }
        let (program, arguments) = command.split_first().unwrap_or((&"", &[]));
        let output = Command::new(program).args(arguments).output().map_err(|error| {
            Fault::new(format!("{program} cannot be run ({error})"), format!("install what has {program}"))
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        let last = complaint.lines().last().unwrap_or("without a word");
        Err(Fault::new(format!("`{shown}` failed ({last})"), "run it as root and see"))
    }

    /// The same where it answers in JSON.
    ///
    /// # Errors
    /// Likewise, and when it is no JSON.
    pub(super) fn json(&self, file: &str, command: &[&str]) -> Result<Value, Fault> {
        let text = self.answer(file, command)?;
        serde_json::from_str(&text).map_err(|error| strange(command, error))
    }
}

/// An answer that is not what it should be.
pub(super) fn strange(command: &[&str], why: impl Display) -> Fault {
    let shown = command.join(" ");
    Fault::new(format!("what `{shown}` says cannot be read ({why})"), "run it and see")
}
