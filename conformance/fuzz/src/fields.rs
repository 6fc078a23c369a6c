//! Inputs of several parts.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The parts of an input, with a NUL between them: the only byte that no variable and no argument can hold.
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Of the whole input.
    pub fn of(data: &'a [u8]) -> Self {
        Fields(data)
    }

    /// The next part; empty at the end.
    pub fn take(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (part, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        part
    }

    /// The next part as text.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.take()).into_owned()
    }

    /// The rest as variables, `KEY=VALUE` each.
    pub fn variables(mut self) -> Vec<(OsString, OsString)> {
        let mut variables = Vec::new();
        while !self.0.is_empty() {
            let pair = self.take();
            if let Some(at) = pair.iter().position(|byte| *byte == b'=') {
                let part = |bytes| OsStr::from_bytes(bytes).to_owned();
                variables.push((part(&pair[..at]), part(&pair[at + 1..])));
            }
        }
        variables
    }
}
