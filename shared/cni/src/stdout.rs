//! Standard output, for the one document there is.

use std::io::{self, Write};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{fstat, makedev};

/// Standard output, one write(2) for each document: neither a buffer that a panic would lose, nor the standard
/// library's habit of taking a closed descriptor for success.
pub(crate) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if was_closed(&io::stdout())? {
            return Err(Errno::EBADF.into());
        }
        Ok(nix::unistd::write(io::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether this process was started without this descriptor: before `main` the standard library opens `/dev/null` in its
/// place, to read and to write (`std/src/sys/pal/unix/mod.rs: sanitize_standard_fds`). Who wants an answer thrown away
/// opens that to write only, as a shell and Go's `os/exec` do.
fn was_closed(descriptor: &impl AsFd) -> io::Result<bool> {
    const NULL: u64 = makedev(1, 3);
    let mode = OFlag::from_bits_truncate(fcntl(descriptor, FcntlArg::F_GETFL)?) & OFlag::O_ACCMODE;
    Ok(mode == OFlag::O_RDWR && fstat(descriptor)?.st_rdev == NULL)
}
