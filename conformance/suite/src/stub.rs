//! A CNI plugin that only records: the delegate, or the neighbour in a chain, of the plugin under test.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::versions::KNOWN;

/// A shell script that looks like a plugin.
#[derive(Debug)]
pub(crate) struct Stub {
    dir: PathBuf,
}

/// A call that a stub was sent.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `CNI_COMMAND`.
    pub verb: String,
    /// Its standard input.
    pub conf: Value,
}

impl Stub {
    /// The plugin type that it answers to.
    pub(crate) const KIND: &'static str = "conformance-stub";

    /// Puts one into a new directory `dir`, to be added to `CNI_PATH`. It succeeds, without a word, at everything.
    pub(crate) fn new(dir: PathBuf) -> Result<Stub> {
        fs::create_dir(&dir).with_context(|| format!("making {}", dir.display()))?;
        let stub = Stub { dir };
        let script = format!(
            "#!/bin/sh\n\
             cd '{}' || exit 9\n\
             /bin/cat > \"stdin.$CNI_COMMAND.$$\"\n\
             echo \"$CNI_COMMAND stdin.$CNI_COMMAND.$$\" >> calls\n\
             [ ! -f \"say.$CNI_COMMAND\" ] || /bin/cat \"say.$CNI_COMMAND\"\n\
             [ ! -f \"fail.$CNI_COMMAND\" ]\n",
            stub.dir.display()
        );
        let path = stub.dir.join(Stub::KIND);
        // A process of its own writes it: what another thread starts just then would inherit a file that this one has
        // open for writing, and the stub would be busy.
        let write = r#"printf %s "$1" > "$0" && chmod 755 "$0""#;
        let written = Command::new("/bin/sh").args(["-c", write]).arg(&path).arg(script).status()?;
        ensure!(written.success(), "writing {}: {written}", path.display());
        let versions = json!({"cniVersion": "1.1.0", "supportedVersions": KNOWN});
        stub.says("VERSION", &versions)?;
        Ok(stub)
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it prints for a verb.
    pub(crate) fn says(&self, verb: &str, answer: &Value) -> io::Result<()> {
        fs::write(self.dir.join(format!("say.{verb}")), answer.to_string())
    }

    /// It fails at a verb from now on, with this code.
    pub(crate) fn fails(&self, verb: &str, code: u32) -> io::Result<()> {
        self.says(verb, &json!({"cniVersion": "1.0.0", "code": code, "msg": "the stub was told to fail"}))?;
        fs::write(self.dir.join(format!("fail.{verb}")), "")
    }

    /// All calls so far, in order, VERSION left out.
    pub(crate) fn seen(&self) -> Result<Vec<Seen>> {
        let calls = match fs::read_to_string(self.dir.join("calls")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            calls => calls?,
        };
        let mut seen = Vec::new();
        for line in calls.lines() {
            let (verb, file) = line.split_once(' ').context("a line of the stub's record")?;
            if verb != "VERSION" {
                let conf = serde_json::from_slice(&fs::read(self.dir.join(file))?).unwrap_or(Value::Null);
                seen.push(Seen { verb: verb.to_owned(), conf });
            }
        }
        Ok(seen)
    }

    /// Whether it has been called for a verb.
    pub(crate) fn was_asked(&self, verb: &str) -> Result<bool> {
        Ok(self.seen()?.iter().any(|seen| seen.verb == verb))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::super::threads::at_once;
    use super::*;

    #[test]
    fn a_stub_can_be_started_while_others_fork() {
        let dir = tempfile::tempdir().unwrap();
        let starts = |thread: usize| {
            let dir = dir.path();
            move || {
                (0..100).try_for_each(|index| -> Result<()> {
                    let stub = Stub::new(dir.join(format!("{thread}-{index}")))?;
                    let mut call = Command::new(stub.dir().join(Stub::KIND));
                    call.env("CNI_COMMAND", "DEL").stdin(Stdio::null()).output()?;
                    ensure!(stub.was_asked("DEL")?);
                    Ok(())
                })
            }
        };
        let done = at_once((0..8).map(starts));
        assert!(done.iter().all(Result::is_ok), "{done:?}");
    }
}
