//! 1-16: how a plugin behaves as a process, and what it does with its streams.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::answer::Outcome;
use crate::call::Call;
use crate::case::{TestCase, case};
use crate::levels::{K, M, MR, R};
use crate::pod::Pod;
use crate::snapshot::touched;
use crate::stop::{Stop, Verdict};
use crate::trial::Trial;
use crate::versions::{self, Versions, at_least};

mod reasons;

pub(crate) use self::reasons::REASONS;

const PROTOCOL: &str = "SPEC 2 (execution protocol), 5 (error)";

pub(crate) const CASES: &[TestCase] = &[
    case(1, "VERSION", R, version_is_instant)
        .when("VERSION in an empty network")
        .then("an answer within 1 s, no process left")
        .source("CRI-O: no timeout on VERSION"),
    case(2, "any error", MR, errors_are_one_document)
        .when("errors of every kind")
        .then("one JSON document on stdout, nothing else")
        .source(PROTOCOL),
    case(3, "any error", MR, errors_have_their_keys)
        .when("errors of every kind")
        .then("integer code, string msg, string details or none")
        .source(PROTOCOL),
    case(4, "any error", M, errors_carry_a_version)
        .when("errors of every kind")
        .then("cniVersion: the configuration's, or a listed one")
        .source("SPEC 5 (error)"),
    case(5, "DEL CHECK GC STATUS", MR, success_is_silent)
        .when("calls that succeed")
        .then("an empty stdout")
        .source("SPEC 2 (GC: no output), 5"),
    case(6, "ADD", M, add_prints_one_object)
        .when("ADD that succeeds")
        .then("one JSON object, logs on stderr only")
        .source("SPEC 5 (ADD success), libcni"),
    case(7, "any", R, nobody_reads)
        .when("stdout without a reader, or closed")
        .then("an end, and a failure if there was something to say")
        .source("EPIPE"),
    case(8, "any", R, no_stderr)
        .when("stderr closed")
        .then("the same as with it")
        .source("runtimes' process set-up"),
    case(9, "ADD", R, large_configuration)
        .when("a valid configuration of 1 MiB")
        .then("the same as with a small one")
        .source("pipes hold 64 KiB"),
    case(10, "ADD", K, environment_comes_first)
        .when("invalid environment, stdin never closed")
        .then("code 4 without waiting for the end of stdin")
        .source("skel: environment before stdin")
        .versions(Versions::Newest),
    case(11, "VERSION", K, version_ignores_stdin)
        .when("stdin never closed")
        .then("an answer without reading stdin")
        .source("skel: VERSION reads nothing")
        .versions(Versions::Newest),
    case(12, "all", R, directories_stay_untouched)
        .when("all verbs")
        .then("nothing written in CNI_PATH, nor in the working directory")
        .source("CRI-O watches its directories"),
    case(13, "ADD", R, terminates)
        .when("SIGTERM at several points of an ADD")
        .then("a prompt end, and a DEL that succeeds")
        .source("runtimes' shutdown")
        .versions(Versions::Newest),
    case(14, "ADD", R, out_of_memory)
        .when("64 MiB of input in 64 MiB of address space")
        .then("a JSON error, or a failure that stderr explains")
        .source("invoke: raw stderr is the last resort")
        .versions(Versions::Newest),
    case(15, "ADD", R, strange_environment)
        .when("2000 more variables, one of them not UTF-8")
        .then("the same as without them")
        .source("plugins inherit the runtime's environment"),
    case(16, "ADD", R, strange_place)
        .when("by a symbolic link; in a directory that is removed")
        .then("the same as otherwise")
        .source("runtimes' process set-up")
        .versions(Versions::Newest),
];

/// Calls that every plugin refuses, each at another stage; and whether its configuration could be read by then.
fn errors(t: &Trial<'_>, pod: &Pod) -> Vec<(Call, bool)> {
    let mut calls = vec![
        (t.call("ADD", pod).env("CNI_COMMAND", "NOPE"), false),
        (t.call("ADD", pod).without("CNI_IFNAME"), false),
        (t.call("ADD", pod).env("CNI_CONTAINERID", "-x"), false),
        (t.call("ADD", pod).stdin("{"), false),
        (t.call("ADD", pod).key("cniVersion", "9.9.9"), false),
        (t.call("ADD", pod).key("name", "a/b"), true),
    ];
    if at_least(t.version, versions::CHECK) {
        calls.push((t.call("CHECK", pod).env("CNI_IFNAME", "a/b"), false));
        calls.push((t.call("CHECK", pod).key("name", "a/b"), true));
    }
    if at_least(t.version, versions::STATUS) {
        calls.push((t.node_call("STATUS").key("name", "a/b"), true));
    }
    calls
}

fn version_is_instant(t: &Trial<'_>) -> Verdict {
    // A name that no trial of another run has.
    let mark = t.dir().display().to_string();
    let answer = t.version_call().with("CNI_CONFORMANCE_MARK", &mark).run()?;
    answer.ok()?;
    answer.expect(answer.finished().elapsed < Duration::from_secs(1), "an answer within 1 s")?;
    answer.expect(!survivor(&mark)?, "no process left behind")
}

/// Whether a process that was started with this mark in its environment still runs.
fn survivor(mark: &str) -> Result<bool, Stop> {
    let mark = format!("CNI_CONFORMANCE_MARK={mark}\0");
    for process in fs::read_dir("/proc")? {
        // Processes come and go while we look.
        let environ = fs::read(process?.path().join("environ")).unwrap_or_default();
        if environ.windows(mark.len()).any(|window| window == mark.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn errors_are_one_document(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for (call, _) in errors(t, &pod) {
        let answer = call.run()?;
        let text = std::str::from_utf8(&answer.finished().stdout);
        let text = text.map_err(|_| answer.should("UTF-8 on stdout"))?;
        let one = serde_json::from_str::<serde_json::Value>(text).is_ok_and(|document| document.is_object());
        answer
            .expect(one && !answer.finished().status.success(), "a failure, and one JSON object on stdout")?;
    }
    Ok(())
}

fn errors_have_their_keys(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    errors(t, &pod).iter().try_for_each(|(call, _)| call.run()?.refusal().map(drop))
}

fn errors_carry_a_version(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let mut calls = errors(t, &pod);
    if matches!(t.suite.plain("ADD", t.version), Outcome::Refused(_)) {
        calls.push((t.call("ADD", &pod), true));
    }
    for (call, read) in calls {
        let refusal = call.run()?.refusal()?;
        let version = refusal.version.clone().unwrap_or_default();
        if read {
            refusal
                .expect(version == t.version, format!("an error with \"cniVersion\":\"{}\"", t.version))?;
        } else {
            refusal
                .expect(t.suite.lists(&version), "an error whose `cniVersion` is one that VERSION lists")?;
        }
    }
    Ok(())
}

fn success_is_silent(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let add = t.call("ADD", &pod).run()?;
    let mut calls = Vec::new();
    if let Ok(result) = add.object()
        && at_least(t.version, versions::CHECK)
    {
        calls.push(t.call("CHECK", &pod).key("prevResult", result));
    }
    if at_least(t.version, versions::STATUS) {
        calls.extend([t.node_call("STATUS"), t.node_call("GC")]);
    }
    calls.push(t.call("DEL", &pod));
    for call in calls {
        let answer = call.run()?;
        if answer.outcome() == Outcome::Ok {
            answer.silent()?;
        }
    }
    Ok(())
}

fn add_prints_one_object(t: &Trial<'_>) -> Verdict {
    t.attach().map(drop)
}

fn nobody_reads(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for call in [t.version_call(), t.call("ADD", &pod)] {
        let answer = call.clone().broken_stdout().run()?;
        let fine = !answer.finished().timed_out && !answer.finished().status.success();
        answer.expect(fine, "a failure: the answer could not be written")?;
        answer.expect(!answer.panicked(), "no stack trace on stderr")?;
        let answer = call.shell(r#"exec "$0" >&-"#).run()?;
        answer.expect(!answer.finished().timed_out, "an end")?;
    }
    Ok(())
}

fn no_stderr(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    t.version_call().shell(r#"exec "$0" 2>&-"#).run()?.object()?;
    for verb in ["ADD", "DEL"] {
        t.same_as_plain(&t.call(verb, &pod).shell(r#"exec "$0" 2>&-"#))?;
    }
    Ok(())
}

fn large_configuration(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for verb in ["ADD", "DEL"] {
        t.same_as_plain(&t.call(verb, &pod).key("conformance", "x".repeat(1 << 20)))?;
    }
    Ok(())
}

fn environment_comes_first(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for call in [t.call("ADD", &pod).without("CNI_IFNAME"), t.call("ADD", &pod).env("CNI_CONTAINERID", "-x")]
    {
        call.stdin("").held_open().run()?.refused(4)?;
    }
    Ok(())
}

fn version_ignores_stdin(t: &Trial<'_>) -> Verdict {
    t.version_call().held_open().run()?.object().map(drop)
}

fn directories_stay_untouched(t: &Trial<'_>) -> Verdict {
    // Those of runtimes and orchestrators, where they exist.
    let known =
        ["/etc/cni/net.d", "/etc/kubernetes/cni/net.d", "/opt/cni/bin", "/var/lib/cni/bin"].map(Path::new);
    let (bin, cwd) = (t.suite.bin_dir(), t.cwd());
    let dirs: Vec<&Path> = known.into_iter().filter(|dir| dir.is_dir()).chain([&*bin, &*cwd]).collect();
    let look = || -> Result<BTreeSet<String>, Stop> {
        let mut all = BTreeSet::new();
        for dir in &dirs {
            all.extend(touched(dir)?);
        }
        Ok(all)
    };
    let pod = t.pod()?;
    let before = look()?;
    t.version_call().run()?;
    for verb in ["ADD", "CHECK", "DEL"] {
        t.call(verb, &pod).run()?;
    }
    for verb in ["STATUS", "GC"] {
        t.node_call(verb).run()?;
    }
    let after = look()?;
    if before == after {
        return Ok(());
    }
    let changed: Vec<&str> = after.difference(&before).map(String::as_str).collect();
    Err(Stop::failed("all verbs", format!("changed: {}", changed.join(", ")), "nothing changed there"))
}

fn terminates(t: &Trial<'_>) -> Verdict {
    // Blocked on stdin, then at points spread over the time that an ADD takes.
    let pod = t.pod()?;
    let call = t.call("ADD", &pod).held_open().noting("SIGTERM while it reads".to_owned());
    terminate(&call, Duration::from_millis(30))?;
    t.cleans_up(&t.call("DEL", &pod))?;
    for delay in [0, 1, 2, 4, 8, 16, 32].map(Duration::from_millis) {
        let pod = t.pod()?;
        terminate(&t.call("ADD", &pod).noting(format!("SIGTERM after {} ms", delay.as_millis())), delay)?;
        t.cleans_up(&t.call("DEL", &pod).noting("after a SIGTERM".to_owned()))?;
    }
    Ok(())
}

fn terminate(call: &Call, delay: Duration) -> Verdict {
    let mut running = call.start()?;
    running.feed();
    thread::sleep(delay);
    running.signal(Signal::SIGTERM);
    let answer = call.answer(running)?;
    answer.expect(!answer.finished().timed_out, "a prompt end")
}

fn out_of_memory(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let input = format!("{{\"name\":\"{}\"}}", "x".repeat(64 << 20));
    let answer = t.call("ADD", &pod).stdin(input).shell(r#"ulimit -v 65536; exec "$0""#).run()?;
    let explained = answer.refusal().is_ok() || !answer.stderr().trim().is_empty();
    let failed = !answer.finished().timed_out && !answer.finished().status.success();
    answer.expect(failed && explained, "a JSON error, or a failure that stderr explains")
}

fn strange_environment(t: &Trial<'_>) -> Verdict {
    use std::os::unix::ffi::OsStrExt;
    let pod = t.pod()?;
    for verb in ["ADD", "DEL"] {
        let mut call = t.call(verb, &pod).noting("2000 more variables".to_owned());
        for number in 0..2000 {
            call = call.with(&format!("CONFORMANCE_{number}"), "x".repeat(20));
        }
        t.same_as_plain(&call.env("CONFORMANCE_BYTES", std::ffi::OsStr::from_bytes(b"\xff\xfe")))?;
    }
    Ok(())
}

fn strange_place(t: &Trial<'_>) -> Verdict {
    let link = t.dir().join(&t.suite.template.kind);
    symlink(&t.suite.common.program, &link)?;
    let (linked, removed) = (t.pod()?, t.pod()?);
    for verb in ["ADD", "DEL"] {
        t.same_as_plain(&t.call(verb, &linked).program(&link))?;
        let gone = t.dir().join(format!("gone-{verb}"));
        fs::create_dir(&gone)?;
        t.same_as_plain(&t.call(verb, &removed).cwd(&gone).shell(r#"rmdir "$PWD"; exec "$0""#))?;
    }
    Ok(())
}
