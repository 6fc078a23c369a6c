//! A log file that somebody else could read or has prepared.

use std::os::unix::fs::{PermissionsExt, symlink};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::json;

use super::*;

/// A line as the plugin writes it: a file that begins so is taken for a log of its own.
const OURS: &str = "2026-01-01T00:00:00.000Z dpu-host[1] info ADD n/c/eth0 a/b: done\n";

#[test]
fn only_a_file_of_roots_alone_is_written_to() -> Result<()> {
    type Prepare = fn(&Path) -> Result<()>;
    let prepared: [(&str, Prepare); 8] = [
        ("another user's", |path| {
            std::fs::write(path, OURS)?;
            Ok(chown(path, Some(NOBODY), None)?)
        }),
        ("another user's, empty", |path| {
            std::fs::write(path, "")?;
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o600))?;
            Ok(chown(path, Some(NOBODY), None)?)
        }),
        ("writable by all", |path| {
            std::fs::write(path, OURS)?;
            Ok(std::fs::set_permissions(path, PermissionsExt::from_mode(0o666))?)
        }),
        ("linked twice", |path| {
            std::fs::write(path, OURS)?;
            Ok(std::fs::hard_link(path, path.with_extension("other"))?)
        }),
        ("a log of something else", |path| Ok(std::fs::write(path, "type=DAEMON_START msg=audit(1)\n")?)),
        ("a symlink", |path| {
            std::fs::write(path.with_extension("other"), OURS)?;
            Ok(symlink(path.with_extension("other"), path)?)
        }),
        ("a pipe", |path| Ok(mkfifo(path, Mode::S_IRWXU)?)),
        ("a directory", |path| Ok(std::fs::create_dir(path)?)),
    ];
    let node = Node::builder().start()?;
    for (at, (what, prepare)) in prepared.into_iter().enumerate() {
        let name = format!("var/log/{at}.log");
        let path = node.root().join(&name);
        prepare(&path).context(what)?;
        let mut conf = node.conf();
        conf["logFile"] = json!(format!("/{name}"));
        conf["logLevel"] = json!("debug");
        let before = contents(&node.root().join("var/log"))?;
        let output = node.call(PLUGIN, Verb::Status)?.conf(&conf).run()?;
        output.ok().context(what)?;
        assert!(output.stderr.contains(&format!("{at}.log")), "{what}: {}", output.stderr);
        assert_eq!(contents(&node.root().join("var/log"))?, before, "{what}");
    }
    Ok(())
}

#[test]
fn a_log_is_for_root_alone() -> Result<()> {
    let node = Node::builder().start()?;
    let mut conf = node.conf();
    conf["logFile"] = json!("/var/log/dpu-cni/dpu-host.log");
    conf["logLevel"] = json!("debug");
    let call = node.call(PLUGIN, Verb::Status)?.conf(&conf);
    call.through("/bin/sh", &["-c", "umask 0 && exec \"$@\"", "sh"]).run()?.ok()?;
    let log = node.root().join("var/log/dpu-cni/dpu-host.log");
    assert_eq!(log.metadata()?.mode() & 0o7777, 0o600);
    assert_eq!(log.with_file_name("").metadata()?.mode() & 0o7777, 0o700);
    // And written to again.
    let first = log.metadata()?.len();
    node.call(PLUGIN, Verb::Status)?.conf(&conf).run()?.ok()?;
    assert!(log.metadata()?.len() > first);
    Ok(())
}
