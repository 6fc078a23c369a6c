//! A place to render into, plugins to render, and the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// What every tenant cluster must say.
pub(crate) const TENANT: &str = "sriov:\n  physicalFunctions: [ens1f0]\n";
/// The same with VFs by claim.
pub(crate) const BY_CLAIM: &str = "sriov:\n  physicalFunctions: [ens1f0, ens1f1]\n  allocation: dra\n";

/// A directory of its own, with plugins to render.
pub(crate) struct Place {
    dir: TempDir,
}

/// What a run printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Place { dir: tempfile::tempdir().expect("a temporary directory") };
        place.write("dist/x86_64/dpu-host", program(0x3e));
        place.write("dist/aarch64/dpu-nic-placeholder", program(0xb7));
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(&path, content).expect("a file");
        path
    }

    /// Runs the program here, so that messages have relative paths.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let output =
            Command::new(env!("CARGO_BIN_EXE_dpu-cni")).args(args).current_dir(self.dir.path()).output();
        output.expect("the program runs").into()
    }

    /// Renders into `out`, with a values file of this text.
    pub(crate) fn render(&self, cluster: &str, values: &str, more: &[&str]) -> Ran {
        self.write("values.yaml", values);
        let args =
            ["render", "--cluster", cluster, "--values", "values.yaml", "--out", "out", "--binaries", "dist"];
        self.run(&[&args, more].concat())
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn yaml(&self, name: &str) -> Value {
        serde_saphyr::from_str(&self.read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The files of a directory, sorted, with their folders.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        Place::files_of(&self.path(name))
    }

    /// The same of a directory elsewhere.
    pub(crate) fn files_of(directory: &Path) -> Vec<String> {
        let mut found = Vec::new();
        walk(directory, directory, &mut found);
        found.sort();
        found
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Ran {
    /// The run must have gone well.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }
}

/// The head of a program for a machine, and bytes that compress like code.
pub(crate) fn program(machine: u8) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(18, 0);
    bytes.extend([machine, 0]);
    let mut state = 1_u32;
    bytes.extend((0..400_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if state & 1 << 30 == 0 { 0 } else { (state >> 24) as u8 }
    }));
    bytes
}

fn walk(root: &Path, directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            walk(root, &path, found);
        } else {
            found.push(path.strip_prefix(root).expect("below").display().to_string());
        }
    }
}
