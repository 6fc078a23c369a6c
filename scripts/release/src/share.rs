//! `share`: man pages and completions, by clap's own crates, of the same options that the program reads.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args as ClapArgs, ValueEnum};
use clap_complete::Shell;

/// The command line.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Whose
    #[arg(long, value_enum)]
    program: Program,
    /// Where they go; made anew, so that nothing of an earlier version stays
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// A program that people type. The plugins are none.
#[derive(Clone, Copy, ValueEnum)]
enum Program {
    CniConformance,
    DpuCni,
}

/// Writes them.
pub(crate) fn run(args: &Args) -> Result<()> {
    let Args { program, out } = args;
    let mut command = match program {
        Program::CniConformance => suite::command(),
        Program::DpuCni => deploy::command(),
    };
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| format!("clearing {}", out.display()))?;
    }
    fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    clap_mangen::generate_to(command.clone(), out).context("man pages")?;
    let name = command.get_name().to_owned();
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut command, &name, out).context("completions")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may end that way")]

    use super::*;

    #[test]
    fn each_subcommand_has_a_page() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("share");
        fs::create_dir(&out).unwrap();
        fs::write(out.join("dpu-cni-gone.1"), "of an earlier version").unwrap();
        run(&Args { program: Program::DpuCni, out: out.clone() }).unwrap();
        let mut files: Vec<_> = fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut wanted: Vec<_> = ["_dpu-cni", "dpu-cni.bash", "dpu-cni.fish"].map(str::to_owned).into();
        pages("dpu-cni", &deploy::command(), &mut wanted);
        wanted.sort();
        assert!(wanted.contains(&"dpu-cni-pod-spec-lint.1".to_owned()), "{wanted:?}");
        assert_eq!(files, wanted);
        let page = fs::read_to_string(out.join("dpu-cni-render.1")).unwrap();
        assert!(page.contains("dpu\\-cni\\-render") && page.contains("\\-\\-binaries"), "{page}");
    }

    fn pages(name: &str, command: &clap::Command, found: &mut Vec<String>) {
        found.push(format!("{name}.1"));
        for one in command.get_subcommands() {
            pages(&format!("{name}-{}", one.get_name()), one, found);
        }
    }
}
