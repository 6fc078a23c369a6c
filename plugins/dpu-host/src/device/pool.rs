//! Which physical functions' VFs are for pods, as an ADD's configuration said last: whoever looks by hand has none.

use std::path::PathBuf;

use cni::Error;

use crate::record::store::{self, Store};

/// A list of PFs by PCI address or interface name, in the state directory.
const FILE: &str = "physical-functions";

/// Keeps `physicalFunctions` of a configuration that has them: another network's, which has none, changes nothing.
///
/// # Errors
/// 109 when the disk refuses.
pub(crate) fn keep(store: &Store, pfs: &[String]) -> Result<(), Error> {
    if pfs.is_empty() || kept(store) == pfs { Ok(()) } else { store::write(&path(store), &pfs) }
}

/// What was kept last; empty when nothing was.
pub(crate) fn kept(store: &Store) -> Vec<String> {
    store::kept(&path(store)).unwrap_or_default()
}

fn path(store: &Store) -> PathBuf {
    store.dir().join(FILE)
}
