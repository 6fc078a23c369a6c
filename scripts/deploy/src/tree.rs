//! A node's files, below `/` or below a copy of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The root of a node.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The node below `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Tree { root: root.to_owned() }
    }

    /// Whether this is the machine that we run on.
    pub(crate) fn live(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Where a path of the node is here. A copy has no link from `/var/run` to `/run`.
    pub(crate) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        let path = path.strip_prefix("/var/run").map_or(path.to_owned(), |rest| Path::new("/run").join(rest));
        self.root.join(path.strip_prefix("/").unwrap_or(&path))
    }

    /// A file's text.
    ///
    /// # Errors
    /// When it is not there, not text, or a link that leads out of the copy: what an archive holds must not make us
    /// read this machine's files.
    pub(crate) fn read(&self, path: &str) -> io::Result<String> {
        let real = fs::canonicalize(self.at(path))?;
        if !real.starts_with(fs::canonicalize(&self.root)?) {
            return Err(io::Error::other("a link that leads out of the directory"));
        }
        fs::read_to_string(real)
    }

    /// Whether something is there; a link counts, wherever it leads.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.at(path).symlink_metadata().is_ok()
    }

    /// The names in a directory, sorted; none when there is no such directory.
    pub(crate) fn names(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.at(directory)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }
}
