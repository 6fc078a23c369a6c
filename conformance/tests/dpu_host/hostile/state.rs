//! The state directory: root's alone, or none.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use serde_json::json;

use super::*;

/// An ADD with the state in `/run/tenant/state`, after `prepare` has been at `/run/tenant`: it is refused, and nothing
/// is made there before it was looked at.
fn refused_state(prepare: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let (before, after) = denied(prepare)?;
    assert_eq!(after, before);
    Ok(())
}

/// What there was before and after such an ADD.
fn denied(prepare: impl FnOnce(&Path) -> Result<()>) -> Result<(Vec<String>, Vec<String>)> {
    let node = Node::builder().start()?;
    let tenant = node.root().join("run/tenant");
    std::fs::create_dir(&tenant)?;
    prepare(&tenant)?;
    let before = contents(node.root())?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["stateDir"] = json!("/run/tenant/state");
    let text = refused(&node, &conf, 109)?;
    assert!(text.contains("not root's"), "{text}");
    Ok((before, contents(node.root())?))
}

#[test]
fn nothing_is_made_in_another_users_directory() -> Result<()> {
    refused_state(|tenant| Ok(chown(tenant, Some(NOBODY), None)?))
}

#[test]
fn nothing_is_made_where_anybody_may_write() -> Result<()> {
    for mode in [0o777, 0o1777, 0o770] {
        refused_state(|tenant| Ok(std::fs::set_permissions(tenant, PermissionsExt::from_mode(mode))?))?;
    }
    Ok(())
}

#[test]
fn nothing_is_made_behind_a_symlink() -> Result<()> {
    refused_state(|tenant| Ok(symlink("../ovn-kubernetes", tenant.join("state"))?))?;
    refused_state(|tenant| {
        std::fs::remove_dir(tenant)?;
        Ok(symlink("ovn-kubernetes", tenant)?)
    })
}

#[test]
fn nothing_is_made_in_place_of_a_file() -> Result<()> {
    refused_state(|tenant| Ok(std::fs::write(tenant.join("state"), "")?))
}

#[test]
fn a_directory_in_it_is_held_to_the_same() -> Result<()> {
    for dir in ["attachments", "devices", "untold"] {
        denied(|tenant| {
            std::fs::create_dir(tenant.join("state"))?;
            Ok(symlink("../../ovn-kubernetes", tenant.join("state").join(dir))?)
        })?;
        denied(|tenant| {
            let dir = tenant.join("state").join(dir);
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
