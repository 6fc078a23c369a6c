//! Values of those who may write a network configuration or start a pod, and who are not root: none of them makes
//! root touch, ask or believe what it should not.

mod devices;
mod logs;
mod names;
mod paths;
mod peers;
mod records;
mod state;

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::*;

/// Nobody in particular, but not root.
const NOBODY: u32 = 65534;

/// Everything below `dir` with mode, owner and size: what must not change.
fn contents(dir: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let meta = path.symlink_metadata()?;
        found.push(format!("{} {:o} {} {}", path.display(), meta.mode(), meta.uid(), meta.len()));
        if meta.is_dir() {
            found.extend(contents(&path)?);
        }
    }
    found.sort();
    Ok(found)
}

/// An ADD that must fail with this code: quickly, with the VF at home and nothing written or asked.
fn refused(node: &Node, conf: &Value, code: u64) -> Result<String> {
    let pod = node.pod("web", "web-0")?;
    let output = node.run(PLUGIN, Verb::Add, &pod, conf)?;
    let (found, text) = output.error()?;
    assert_eq!(found, code, "{conf}: {text}");
    assert!(pod.links()?.is_empty(), "{conf}");
    home(node, &node.vfs()[0])?;
    assert!(left(node)?.is_empty(), "{conf}: {:?}", left(node)?);
    assert!(node.received().is_empty(), "{conf}");
    Ok(text)
}

/// A socket of root's that belongs to something else, and must never be connected to.
struct Bystander(UnixListener);

impl Bystander {
    fn listen(path: &Path) -> Result<Self> {
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Bystander(listener))
    }

    fn was_asked(&self) -> bool {
        self.0.accept().is_ok()
    }
}
