//! The state directory: root's alone, or none.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use serde_json::json;

use super::*;

/// Where the records of these tests are, below the node's root.
const STATE: &str = "run/dpu-cni-tenant";

/// An ADD with its records in [`STATE`], after `prepare` has been there: it is refused, and nothing is made there before
/// it was looked at.
fn refused_state(prepare: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let (before, after) = denied(prepare)?;
    assert_eq!(after, before);
    Ok(())
}

/// What there was before and after such an ADD.
fn denied(prepare: impl FnOnce(&Path) -> Result<()>) -> Result<(Vec<String>, Vec<String>)> {
    let node = Node::builder().start()?;
    prepare(&node.root().join(STATE))?;
    let before = contents(node.root())?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["stateDir"] = json!(format!("/{STATE}"));
    let text = refused(&node, &conf, 109)?;
    assert!(text.contains("not root's"), "{text}");
    Ok((before, contents(node.root())?))
}

#[test]
fn nothing_is_made_in_another_users_directory() -> Result<()> {
    refused_state(|state| {
        std::fs::create_dir(state)?;
        Ok(chown(state, Some(NOBODY), None)?)
    })?;
    refused_state(|state| Ok(chown(state.parent().context("/run")?, Some(NOBODY), None)?))
}

#[test]
fn nothing_is_made_where_anybody_may_write() -> Result<()> {
    for mode in [0o777, 0o1777, 0o770] {
        refused_state(|state| {
            std::fs::create_dir(state)?;
            Ok(std::fs::set_permissions(state, PermissionsExt::from_mode(mode))?)
        })?;
    }
    Ok(())
}

#[test]
fn nothing_is_made_behind_a_symlink() -> Result<()> {
    refused_state(|state| Ok(symlink("ovn-kubernetes", state)?))
}

#[test]
fn nothing_is_made_in_place_of_a_file() -> Result<()> {
    refused_state(|state| Ok(std::fs::write(state, "")?))
}

#[test]
fn a_directory_in_it_is_held_to_the_same() -> Result<()> {
    for dir in ["attachments", "devices", "untold"] {
        denied(|state| {
            std::fs::create_dir(state)?;
            Ok(symlink("../ovn-kubernetes", state.join(dir))?)
        })?;
        denied(|state| {
            let dir = state.join(dir);
            std::fs::create_dir_all(&dir)?;
            Ok(chown(&dir, Some(NOBODY), None)?)
        })?;
    }
    Ok(())
}

#[test]
fn records_are_for_root_alone_whatever_the_umask() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let loose = "umask 0 && exec \"$@\"";
    let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0]));
    call.through("/bin/sh", &["-c", loose, "sh"]).run()?.ok()?;
    let state = node.root().join("run/dpu-cni");
    let mode = |path: &PathBuf| -> Result<u32> { Ok(path.symlink_metadata()?.mode() & 0o7777) };
    assert_eq!(mode(&state)?, 0o700);
    let mut files = 0;
    for dir in ["attachments", "devices", "untold"] {
        assert_eq!(mode(&state.join(dir))?, 0o700, "{dir}");
        for entry in std::fs::read_dir(state.join(dir))? {
            let path = entry?.path();
            // A claim is a symlink, whose mode means nothing.
            if !path.is_symlink() {
                files += 1;
                assert_eq!(mode(&path)?, 0o600, "{}", path.display());
            }
        }
    }
    assert!(files >= 2, "a record and a lock");
    Ok(())
}
