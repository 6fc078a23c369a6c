//! `dpu-host vfs`, run by hand: every VF of the node, where it is and whose, and whether that is as recorded; and the way
//! to free one that nothing else frees.

mod inventory;
mod options;
mod release;
mod restore;
mod show;
mod state;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use cni::paths;

use self::options::{Options, Task};
use crate::config::{Config, STATE_DIR};
use crate::device::pool;
use crate::node::Node;
use crate::record::neighbours;

pub(crate) use self::options::USAGE;

/// Exit status when the question cannot be answered; 1 is the answer that the node is not drained, or a VF lost for good.
pub(crate) const UNKNOWN: u8 = 2;

/// Prints the inventory, or frees a VF, or gives pods theirs back.
pub(crate) fn main(args: &[String]) -> ExitCode {
    let Some(options) = Options::read(args) else { return complain(USAGE, UNKNOWN) };
    let done = match &options.task {
        Task::Help => return say(USAGE, 0),
        Task::Show(what) => nodes(&options, &what.pfs).and_then(|nodes| {
            let rows = inventory::of(&nodes).map_err(|error| error.to_string())?;
            Ok(what.format.print(&rows).map(|text| (text, 0)))
        }),
        Task::Release(what) => {
            nodes(&options, &[]).map(|nodes| release::run(&nodes, what).map(|text| (text, 0)))
        }
        Task::Restore(what) => nodes(&options, &[])
            .and_then(|nodes| restore::run(&nodes, what).map(Ok).map_err(|error| error.to_string())),
    };
    match done {
        Ok(Ok((text, status))) => say(text.trim_end(), status),
        Ok(Err(text)) => complain(&text, 1),
        Err(text) => complain(&text, UNKNOWN),
    }
}

/// The node by each of its state directories: of the one which was named, that needs to be there, else of all; with these
/// PFs, or those of the last ADD that named any.
fn nodes(options: &Options, pfs: &[String]) -> Result<Vec<Node>, String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("only root can see whose VFs are: run this as root".to_owned());
    }
    let dirs = match &options.state_dir {
        Some(dir) => vec![paths::rooted(Path::new(dir))],
        None => state_dirs(),
    };
    if let Some(dir) = dirs.iter().find(|dir| options.state_dir.is_some() && !dir.is_dir()) {
        return Err(format!("{} is no directory", dir.display()));
    }
    let mut nodes: Vec<Node> = dirs.into_iter().map(node).collect::<Result<_, _>>()?;
    let mut pfs = pfs.to_vec();
    if pfs.is_empty() {
        for node in &nodes {
            let store = node.existing_store().map_err(|error| error.to_string())?;
            pfs.extend(store.map(pool::kept).unwrap_or_default());
        }
    }
    for node in &mut nodes {
        node.config.pfs.clone_from(&pfs);
    }
    Ok(nodes)
}

/// The node by one of its state directories, and whom its last ADD asked.
fn node(state_dir: PathBuf) -> Result<Node, String> {
    let began = Instant::now();
    let usual = |state_dir| Config { state_dir, ..Config::default() };
    let node = Node::new(usual(state_dir.clone()), began);
    let store = node.existing_store().map_err(|error| error.to_string())?;
    Ok(match store {
        Some(store) => Node::new(neighbours::known(store, usual(state_dir)), began),
        None => node,
    })
}

/// The default one, there or not, and those that begin with its name.
fn state_dirs() -> Vec<PathBuf> {
    let default = paths::rooted(Path::new(STATE_DIR));
    let name = default.file_name().unwrap_or_default().as_encoded_bytes();
    let others = default.parent().and_then(|run| fs::read_dir(run).ok()).into_iter().flatten().flatten();
    let is_ours = |path: &PathBuf| {
        let rest = path.file_name().and_then(|found| found.as_encoded_bytes().strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with(b"-")) && path.is_dir()
    };
    let mut others: Vec<PathBuf> = others.map(|entry| entry.path()).filter(is_ours).collect();
    others.sort();
    [default].into_iter().chain(others).collect()
}

fn say(text: &str, status: u8) -> ExitCode {
    match writeln!(io::stdout().lock(), "{text}") {
        Ok(()) => ExitCode::from(status),
        Err(_) => ExitCode::from(UNKNOWN),
    }
}

pub(crate) fn complain(text: &str, status: u8) -> ExitCode {
    eprintln!("dpu-host: {text}");
    ExitCode::from(status)
}
