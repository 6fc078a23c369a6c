//! What the figures were measured on, and what else it did meanwhile.

use std::fs;
use std::process::Command;

use anyhow::Result;
use serde::Serialize;

/// The machine, as a reader of the table needs to know it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    /// When, UTC, to the minute.
    pub(super) date: String,
    /// The processor's model name.
    pub(super) cpu: String,
    /// How many of it this process may use.
    pub(super) cpus: usize,
    /// Memory in MiB.
    pub(super) memory_mib: u64,
    /// The kernel's release.
    pub(super) kernel: String,
    /// Load average of the last minute before the first measurement.
    pub(super) load_before: f64,
    /// The same after the last, our own processes included.
    pub(super) load_after: f64,
}

impl Machine {
    /// Looks around before the first measurement.
    ///
    /// # Errors
    /// When `/proc` is missing.
    pub(super) fn look() -> Result<Self> {
        let field = |file: &str, key: &str| -> Result<Option<String>> {
            let text = fs::read_to_string(file)?;
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            Ok(line.map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned()))
        };
        let memory = field("/proc/meminfo", "MemTotal")?.unwrap_or_default();
        Ok(Machine {
            date: printed("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
            cpu: field("/proc/cpuinfo", "model name")?.unwrap_or_else(|| printed("uname", &["-m"])),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory.split(' ').next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default()
                / 1024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            load_before: load()?,
            load_after: 0.0,
        })
    }

    /// Looks again after the last one.
    ///
    /// # Errors
    /// When `/proc` is missing.
    pub(super) fn look_again(&mut self) -> Result<()> {
        self.load_after = load()?;
        Ok(())
    }

    /// One line.
    pub(super) fn line(&self) -> String {
        format!(
            "{}, {} x {}, {} MiB, Linux {}, load {:.2} before and {:.2} after",
            self.date, self.cpus, self.cpu, self.memory_mib, self.kernel, self.load_before, self.load_after
        )
    }
}

fn load() -> Result<f64> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().and_then(|minute| minute.parse().ok()).unwrap_or_default())
}

fn printed(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
