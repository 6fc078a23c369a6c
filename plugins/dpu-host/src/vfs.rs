//! `dpu-host vfs`, run by hand: every VF of the node, where it is and whose, and whether that is as recorded.

mod inventory;
mod show;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use cni::paths;

use self::inventory::Row;
use crate::config::Config;
use crate::node::Node;

/// What a person is told who asks for something else.
pub(crate) const USAGE: &str =
    "usage: dpu-host vfs [--json | --prometheus | --drained] [--state-dir DIR], as root";
/// Exit status when the question cannot be answered; 1 is the answer that the node is not drained.
pub(crate) const UNKNOWN: u8 = 2;

/// Prints the inventory.
pub(crate) fn main(args: &[String]) -> ExitCode {
    let mut format: fn(&[Row]) -> Result<String, String> = show::table;
    let mut state_dir = None;
    let mut rest = args;
    while let Some((arg, others)) = rest.split_first() {
        rest = others;
        match (arg.as_str(), others.split_first()) {
            ("--json", _) => format = show::json,
            ("--prometheus", _) => format = show::prometheus,
            ("--drained", _) => format = show::drained,
            ("--state-dir", Some((dir, others))) => {
                state_dir = Some(dir);
                rest = others;
            }
            ("--help" | "-h", _) => return say(USAGE),
            _ => return complain(USAGE, UNKNOWN),
        }
    }
    match look(state_dir.map(String::as_str)) {
        Ok(rows) => format(&rows).map_or_else(|text| complain(&text, 1), |text| say(text.trim_end())),
        Err(text) => complain(&text, UNKNOWN),
    }
}

/// The inventory. That of a directory which was named needs that directory.
fn look(state_dir: Option<&str>) -> Result<Vec<Row>, String> {
    let mut config = Config::default();
    if let Some(dir) = state_dir {
        config.state_dir = paths::rooted(Path::new(dir));
        if !config.state_dir.is_dir() {
            return Err(format!("{} is no directory", config.state_dir.display()));
        }
    }
    if !nix::unistd::geteuid().is_root() {
        return Err("only root can see whose VFs are: run this as root".to_owned());
    }
    inventory::of(&Node::new(config, Instant::now())).map_err(|error| error.to_string())
}

fn say(text: &str) -> ExitCode {
    match writeln!(io::stdout().lock(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

pub(crate) fn complain(text: &str, status: u8) -> ExitCode {
    eprintln!("dpu-host: {text}");
    ExitCode::from(status)
}
