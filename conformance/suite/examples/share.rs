//! Writes what a release of `cni-conformance` brings along into a directory: its man page, and completions for shells.
#![forbid(unsafe_code)]

use std::env;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use clap_complete::Shell;

fn main() -> io::Result<()> {
    let Some(dir) = env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("share DIRECTORY"));
    };
    let command = suite::command();
    let name = command.get_name().to_owned();
    clap_mangen::Man::new(command.clone()).render(&mut File::create(dir.join(format!("{name}.1")))?)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut command.clone(), &name, &dir)?;
    }
    Ok(())
}
