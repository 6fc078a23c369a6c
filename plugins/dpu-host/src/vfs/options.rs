//! What a person asks for.

use super::inventory::Row;
use super::show;

/// What a person is told who asks for something else.
pub(crate) const USAGE: &str = "\
usage: dpu-host vfs [--json | --prometheus | --drained] [--pf PF]... [--state-dir DIR], as root
       dpu-host vfs --restore [--wait] [--json] [--state-dir DIR]
       dpu-host vfs --release DEVICE|NAMESPACE/POD [--yes] [--force] [--state-dir DIR]

  --json, --prometheus  the list for programs
  --drained             exit status 0 when every VF is at home, 1 and which are not, 2 when that cannot be told
  --restore             gives each pod the VFs back that it has lost with its card: exit status 0 when none is lost
                        any more, 1 when one is for good, 3 when one waits for something, 2 when that cannot be told
  --wait                until the card's lease is healthy, 5 minutes at most
  --release             brings the VFs of a pod that is gone home and tells ovnkube-node, after a question
  --yes                 without the question
  --force               even if processes run in the pod's network namespace
  --pf PF               a PF whose VFs pods have, by PCI address or interface name; else as the last ADD was told
  --state-dir DIR       only what is recorded there; else in /run/dpu-cni and all /run/dpu-cni-*";

/// How the inventory is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Table,
    Json,
    Prometheus,
    Drained,
}

impl Format {
    /// The text; an error is the answer that the node is not drained.
    pub(super) fn print(self, rows: &[Row]) -> Result<String, String> {
        match self {
            Format::Table => show::table(rows),
            Format::Json => show::json(rows),
            Format::Prometheus => show::prometheus(rows),
            Format::Drained => show::drained(rows),
        }
    }
}

/// What is to be done.
pub(super) enum Task {
    Help,
    Show(Show),
    Release(Release),
    Restore(Restore),
}

/// What the inventory is of, and how it is printed.
pub(super) struct Show {
    pub(super) format: Format,
    /// The PFs whose VFs pods have; none where the last ADD is to say it.
    pub(super) pfs: Vec<String>,
}

/// How lost VFs are given back.
pub(super) struct Restore {
    /// Once the card's lease is healthy, if that is soon.
    pub(super) wait: bool,
    /// What came of it is for programs.
    pub(super) json: bool,
}

/// What is to be freed, and how.
pub(super) struct Release {
    /// A device, or `namespace/name` of a pod.
    pub(super) target: String,
    /// Without a question.
    pub(super) yes: bool,
    /// Even if processes run in the pod's namespace.
    pub(super) force: bool,
}

/// The command line.
pub(super) struct Options {
    pub(super) task: Task,
    pub(super) state_dir: Option<String>,
}

impl Options {
    /// Reads it; `None` when it says what nobody understands.
    pub(super) fn read(args: &[String]) -> Option<Self> {
        let (mut state_dir, mut pfs) = (None, Vec::new());
        let (mut target, mut yes, mut force, mut shown) = (None, false, false, Vec::new());
        let (mut restore, mut wait) = (false, false);
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "--restore" => restore = true,
                "--wait" => wait = true,
                "--json" => shown.push(Format::Json),
                "--prometheus" => shown.push(Format::Prometheus),
                "--drained" => shown.push(Format::Drained),
                "--yes" => yes = true,
                "--force" => force = true,
                "--pf" => pfs.push(rest.next()?.clone()),
                "--state-dir" => state_dir = Some(rest.next()?.clone()),
                "--release" => target = Some(rest.next()?.clone()),
                "--help" | "-h" => return Some(Options { task: Task::Help, state_dir }),
                _ => return None,
            }
        }
        // The answer to one question is none to another.
        let shown = match shown[..] {
            [] => None,
            [format] => Some(format),
            _ => return None,
        };
        let json = shown == Some(Format::Json);
        let task = match (target, shown) {
            (None, shown) if !(restore || wait || yes || force) => {
                Task::Show(Show { format: shown.unwrap_or(Format::Table), pfs })
            }
            _ if !pfs.is_empty() => return None,
            (None, shown) if restore && !yes && !force && json == shown.is_some() => {
                Task::Restore(Restore { wait, json })
            }
            _ if restore || wait => return None,
            (Some(target), None) => Task::Release(Release { target, yes, force }),
            (None, _) | (Some(_), Some(_)) => return None,
        };
        Some(Options { task, state_dir })
    }
}
