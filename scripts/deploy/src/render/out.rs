//! The output directory: all of it is ours, or it is left alone.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::Plan;
use crate::fault::Fault;

/// The commands that go with the manifests.
const STEPS: &str = "STEPS";
/// Beside the manifests, so that `apply -f DIR` does not see them.
const FOLDERS: [&str; 3] = ["node", "release", "samples"];

/// Replaces the directory's content: a manifest that is no longer rendered must not be applied.
///
/// # Errors
/// When the directory holds something else, or cannot be written.
pub(crate) fn write(out: &Path, plan: &Plan, steps: &str) -> Result<(), Fault> {
    let failed = |error: io::Error| {
        Fault::new(format!("{} cannot be written ({error})", out.display()), "choose another --out")
    };
    clear(out)?;
    fs::create_dir_all(out).map_err(failed)?;
    for (folder, files) in [("", &plan.manifests), ("release", &plan.releases), ("samples", &plan.samples)] {
        let folder = out.join(folder);
        for (name, text) in files {
            fs::create_dir_all(&folder).map_err(failed)?;
            fs::write(folder.join(format!("{name}.yaml")), text).map_err(failed)?;
        }
    }
    if plan.by_hand {
        for file in plan.node_files() {
            let path = PathBuf::from(format!("{}/node{}", out.display(), file.path));
            path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
            fs::write(&path, &file.content).map_err(failed)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).map_err(failed)?;
        }
    }
    fs::write(out.join(STEPS), steps).map_err(failed)
}

/// Takes an earlier rendering away, and nothing else.
fn clear(out: &Path) -> Result<(), Fault> {
    let Ok(entries) = fs::read_dir(out) else { return Ok(()) };
    let names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    if let Some(foreign) = names.iter().find(|name| !ours(name)) {
        let why = format!("{} holds {foreign}, which is no part of a rendering", out.display());
        return Err(Fault::new(why, "choose another --out, or move that away"));
    }
    names.iter().map(|name| out.join(name)).try_for_each(remove).map_err(|error| {
        Fault::new(format!("{} cannot be emptied ({error})", out.display()), "choose another --out")
    })
}

fn ours(name: &str) -> bool {
    let manifest =
        name.len() > 3 && name.ends_with(".yaml") && name.as_bytes()[..2].iter().all(u8::is_ascii_digit);
    manifest || FOLDERS.contains(&name) || name == STEPS
}

fn remove(path: PathBuf) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
