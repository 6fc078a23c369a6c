//! The calls of a check as a script for a shell: to see for oneself, and to send to who maintains the plugin.

use std::path::{Path, PathBuf};

use testkit::process::{Process, Sink, Stdin};

/// Where the script has its files.
const DIR: &str = "/tmp/cni-repeat";

/// One call as a line: its input, its environment, the program.
pub(crate) fn line(process: &Process) -> String {
    let mut line = String::new();
    if let Some(input) = input(&process.stdin) {
        line += &format!("{input} | ");
    }
    line += "env -i";
    for (key, value) in &process.env {
        line += &format!(" {}={}", key.to_string_lossy(), quoted(&value.to_string_lossy()));
    }
    line += &format!(" --chdir={}", quoted(&process.cwd.to_string_lossy()));
    for word in [process.program.as_os_str()].into_iter().chain(process.args.iter().map(AsRef::as_ref)) {
        line += &format!(" {}", quoted(&word.to_string_lossy()));
    }
    if let Stdin::File(path) = &process.stdin {
        line += &format!(" <{}", quoted(&path.to_string_lossy()));
    }
    if process.stdout == Sink::Broken {
        line += " | :";
    }
    line
}

/// These lines with paths that are there without the suite, and what makes them.
pub(crate) fn script(lines: &str, plugin: &Path, bin: &Path, dir: &Path, pods: &[PathBuf]) -> String {
    let mut lines = lines.to_owned();
    let mut replace = |from: &Path, to: &str| {
        let from = from.to_string_lossy();
        if !from.is_empty() {
            lines = lines.replace(&*from, to);
        }
    };
    let mut head = format!(
        "# As root, in a shell of `unshare --net --mount --propagation slave`:\nmkdir -p {DIR}/cwd /run/netns\n"
    );
    replace(bin, &plugin.parent().unwrap_or(Path::new("/")).to_string_lossy());
    replace(dir, DIR);
    for (number, netns) in pods.iter().enumerate() {
        replace(netns, &format!("/run/netns/cni-repeat-{number}"));
        head += &format!("ip netns add cni-repeat-{number}\n");
    }
    format!("{head}{lines}\n")
}

/// What feeds these bytes to the plugin.
fn input(stdin: &Stdin) -> Option<String> {
    match stdin {
        Stdin::Bytes(bytes) | Stdin::Spooled(bytes) => Some(printed(bytes)),
        Stdin::Open(bytes) => Some(format!("{{ {}; sleep 60; }}", printed(bytes))),
        Stdin::File(_) => None,
    }
}

fn printed(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => format!("printf %s {}", quoted(text)),
        _ => format!("printf '{}'", bytes.iter().map(|byte| format!("\\{byte:03o}")).collect::<String>()),
    }
}

/// A word of a shell that stands for itself.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:,=+@%".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_what_was_meant() {
        for text in ["", "plain", "it's", "a b\n$c `d`", "\\n"] {
            let said =
                Command::new("sh").args(["-c", &format!("printf %s {}", quoted(text))]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), text);
        }
        let bytes = b"\xff\0\n'";
        assert_eq!(Command::new("sh").args(["-c", &printed(bytes)]).output().unwrap().stdout, bytes);
    }
}
