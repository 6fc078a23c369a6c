//! A node's files, below `/` or below a copy of it.

use std::fs;
use std::io::{self, Read as _};
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
        fs::read_to_string(self.inside(path)?)
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// As with [`Tree::read`], and when it is no file or larger than `most` bytes.
    pub(crate) fn bytes(&self, path: &str, most: u64) -> io::Result<Vec<u8>> {
        let real = self.inside(path)?;
        if !real.is_file() {
            return Err(io::Error::other("no file"));
        }
        let mut bytes = Vec::new();
        fs::File::open(real)?.take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(io::Error::other(format!("more than {most} bytes")));
        }
        Ok(bytes)
    }

    fn inside(&self, path: &str) -> io::Result<PathBuf> {
        let real = fs::canonicalize(self.at(path))?;
        if real.starts_with(fs::canonicalize(&self.root)?) {
            Ok(real)
        } else {
            Err(io::Error::other("a link that leads out of the directory"))
        }
    }

    /// The last part of where a link leads, which need not be there; none when there is no link.
    pub(crate) fn target(&self, path: &str) -> Option<String> {
        Some(fs::read_link(self.at(path)).ok()?.file_name()?.to_str()?.to_owned())
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
