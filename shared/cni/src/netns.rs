//! Whether `CNI_NETNS` is the namespace that the plugin itself is in; nothing is opened for that.

use std::fs::metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Of the thread: the process's main thread may have ended or be elsewhere.
const OWN: &str = "/proc/thread-self/ns/net";

/// Compares device and inode, which identify a namespace however it is reached. A path that leads nowhere is
/// not our own.
///
/// # Errors
/// When our own namespace cannot be told.
pub(crate) fn is_own(path: &Path) -> io::Result<bool> {
    let own = metadata(OWN)?;
    Ok(metadata(path).is_ok_and(|other| (other.dev(), other.ino()) == (own.dev(), own.ino())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own() {
        assert!(is_own(Path::new("/proc/self/ns/net")).unwrap());
        assert!(!is_own(Path::new("/proc/self/ns/mnt")).unwrap());
        assert!(!is_own(Path::new("/nowhere")).unwrap());
        assert!(!is_own(Path::new("/etc/hostname")).unwrap());
    }
}
