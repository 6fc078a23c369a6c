//! The kubelet's socket.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Where the kubelet is asked.
#[derive(Clone, Copy, Debug)]
pub struct Socket<'a> {
    /// The path of its socket.
    pub path: &'a Path,
    /// Opens it with `O_PATH`: done by whoever knows which symlinks on the way may be followed.
    pub open: fn(&Path) -> io::Result<OwnedFd>,
}
