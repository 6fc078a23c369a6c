//! What is in a directory, and whether anybody has touched it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether anything in a directory was written, added, renamed or removed: a line per entry, and one for the
/// directory itself, whose times also tell what came and went again.
pub(crate) fn touched(dir: &Path) -> io::Result<BTreeSet<String>> {
    let mut lines = BTreeSet::from([line(dir)?]);
    for entry in fs::read_dir(dir)? {
        lines.insert(line(&entry?.path())?);
    }
    Ok(lines)
}

fn line(path: &Path) -> io::Result<String> {
    let meta = fs::symlink_metadata(path)?;
    let (inode, size, seconds, nanos) = (meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec());
    Ok(format!("{} inode {inode} size {size} modified {seconds}.{nanos:09}", path.display()))
}

/// The names of all files and links below a directory, relative to it. Directories do not count: many plugins
/// make those they need and leave them. Nor do lock files: one that is removed guards nothing.
pub fn files(dir: &Path) -> io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    collect(dir, dir, &mut found)?;
    Ok(found)
}

fn collect(root: &Path, dir: &Path, found: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(root, &entry.path(), found)?;
        } else if entry.file_name().to_string_lossy().ends_with("lock") {
            // See above.
        } else if let Ok(name) = entry.path().strip_prefix(root) {
            found.insert(name.display().to_string());
        }
    }
    Ok(())
}
