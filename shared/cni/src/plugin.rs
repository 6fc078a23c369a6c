//! The contract between the frame and a plugin.

use crate::{Add, AddResult, Check, Del, Error, Gc, Status, Verb};

/// A CNI plugin: one function per verb, called once the frame has read and validated its input.
pub trait Plugin {
    /// The CNI `type`: the name of the binary.
    const NAME: &'static str;
    /// What the plugin is for, in one line, for someone who runs it by hand.
    const ABOUT: &'static str;
    /// What DEL puts up with.
    const DEL: Leniency = Leniency::Strict;

    /// Makes the attachment.
    ///
    /// # Errors
    /// When it could not be made; nothing of it is left behind then.
    fn add(&self, call: &Add) -> Result<AddResult, Error>;

    /// Removes what is left of the attachment, which may be nothing.
    ///
    /// # Errors
    /// Only where a retry can mend it: older CRI-O keeps a pod Terminating for ever.
    fn del(&self, call: &Del) -> Result<(), Error>;

    /// Checks that the attachment is as ADD left it, and changes nothing.
    ///
    /// # Errors
    /// What is missing or different.
    fn check(&self, call: &Check) -> Result<(), Error>;

    /// Whether ADD would work now; answered at once, because CRI-O holds a lock meanwhile.
    ///
    /// # Errors
    /// Code 50 or 51 when it would not.
    fn status(&self, call: &Status) -> Result<(), Error>;

    /// Removes attachments of this network that the runtime no longer knows.
    ///
    /// # Errors
    /// When some could not be removed, after all others were.
    fn gc(&self, call: &Gc) -> Result<(), Error>;

    /// Takes back an ADD that has succeeded and of whose result nobody will learn: it has no form in the version that was
    /// asked for, or cannot be written.
    ///
    /// # Errors
    /// When something of it is left.
    fn take_back(&self, call: Add) -> Result<(), Error> {
        self.del(&Del::from(call))
    }

    /// What can wait until the runtime has its answer; runs last, after any verb that reached the plugin. It
    /// has nobody to report to but the log.
    fn afterwards(&self, verb: Verb) {
        let _ = verb;
    }

    /// What the log line that closes a call says besides how it ended; nothing where it is empty.
    fn remark(&self) -> String {
        String::new()
    }
}

/// What DEL puts up with, beyond what `skel` does, so that pods stay deletable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// The codes of `skel` for every fault of the input.
    Strict,
    /// A `cniVersion` that we do not list, and bad logging keys, are accepted.
    AnyVersion,
    /// DEL and GC succeed whatever environment and standard input are; the plugin is called if they can be
    /// read, and its errors are only logged.
    Never,
}
