//! 139-141: how the binary is executed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow};
use nix::mount::{MsFlags, mount};

use crate::stop::{Stop, Verdict};
use crate::threads::at_once;
use crate::trial::Trial;

pub(super) fn replaced(t: &Trial<'_>) -> Verdict {
    let (original, target) = (&t.suite.common.program, t.dir().join(&t.suite.template.kind));
    // A link, and then a process of its own: a copy that this one held open for writing while any of its threads forks
    // would make the file busy by the suite's own doing.
    fs::hard_link(original, &target)?;
    let script = "while [ -e go ]; do cp \"$0\" new && mv new \"$1\" || exit 1; done";
    fs::write(t.dir().join("go"), "")?;
    let mut replacing = Command::new("/bin/sh")
        .args(["-c", script])
        .args([original, &target])
        .current_dir(t.dir())
        .stdin(Stdio::null())
        .spawn()
        .context("starting the replacement")?;
    let call = t.version_call().program(&target);
    let half = || (0..100).map(|_| call.run()).collect::<Vec<_>>();
    let answers = at_once([half, half]);
    fs::remove_file(t.dir().join("go"))?;
    let ended = replacing.wait()?;
    if !ended.success() {
        return Err(anyhow!("the replacement ended with {ended}").into());
    }
    for answer in answers.into_iter().flatten() {
        match answer {
            Ok(answer) => answer.object().map(drop)?,
            // Not even started: text file busy, or a file without its permissions.
            Err(Stop::Broken(error)) => {
                return Err(Stop::failed(call.sent(), format!("{error:#}"), "an answer"));
            }
            Err(stop) => return Err(stop),
        }
    }
    Ok(())
}

pub(super) fn in_a_chroot(t: &Trial<'_>) -> Verdict {
    let mode = fs::metadata(&t.suite.plugin)?.permissions().mode() & 0o7777;
    t.remark(format!("mode {mode:04o}"));
    let root = t.dir().join("chroot");
    for dir in ["proc", "sys", "bin", "tmp"] {
        fs::create_dir_all(root.join(dir))?;
    }
    // The trial's mounts are its own, and end with it.
    for dir in ["proc", "sys"] {
        let (from, to) = (Path::new("/").join(dir), root.join(dir));
        mount(Some(&from), &to, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)?;
    }
    let inside = Path::new("/bin").join(&t.suite.template.kind);
    // A link, as above.
    fs::hard_link(&t.suite.common.program, root.join("bin").join(&t.suite.template.kind))?;
    let script = format!("exec /usr/sbin/chroot '{}' '{}'", root.display(), inside.display());
    t.version_call().shell(&script).run()?.object()?;
    let pod = t.pod()?;
    // Delegates and daemons are not there: it need not work, but it has to say so in order.
    let answer = t.call("ADD", &pod).with("CNI_PATH", "/bin").shell(&script).run()?;
    answer.expect(answer.object().is_ok() || answer.refusal().is_ok(), "a result, or an error object")
}

pub(super) fn as_a_service(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for verb in ["ADD", "DEL"] {
        t.same_as_plain(&t.call(verb, &pod).shell(r#"umask 0027; cd /; exec "$0""#))?;
    }
    Ok(())
}
