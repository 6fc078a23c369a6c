//! 81-87: what `CNI_NETNS` may be.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use testkit::ip;

use crate::answer::Outcome;
use crate::case::{TestCase, case};
use crate::levels::Profile;
use crate::levels::{K, KR, S, SP};
use crate::stop::{Stop, Verdict};
use crate::trial::Trial;
use crate::witness::State;

mod reasons;

pub(crate) use self::reasons::REASONS;

/// The plugin's own.
const OWN: &str = "/proc/self/ns/net";
const SKEL: &str = "skel: netns check (since 1.2); here before anything is done";

pub(crate) const CASES: &[TestCase] = &[
    case(81, "ADD", K, own_namespace)
        .when("CNI_NETNS is the plugin's own")
        .then("code 8, one document, nothing changed")
        .source(SKEL),
    case(82, "ADD", K, own_namespace_on_purpose)
        .when("the same with CNI_NETNS_OVERRIDE=1, true, TRUE, TrUe")
        .then("not code 8")
        .source(SKEL),
    case(83, "ADD", K, own_namespace_by_mistake)
        .when("the same with CNI_NETNS_OVERRIDE=yes, 0, empty")
        .then("code 8")
        .source(SKEL),
    case(84, "DEL", KR, own_namespace_deleted)
        .when("DEL, CNI_NETNS is the plugin's own")
        .then("code 8; the host's interfaces untouched")
        .source(SKEL),
    case(85, "ADD", SP, no_namespace)
        .when("CNI_NETNS does not exist")
        .then("an error, nothing created")
        .source("SPEC 2 (ADD)"),
    case(86, "ADD", S, not_a_namespace)
        .when("CNI_NETNS is a file, a directory, a FIFO")
        .then("an error, and no hang")
        .source("ns.IsNSorErr"),
    case(87, "ADD", S, linked_namespace)
        .when("CNI_NETNS is a symbolic link to a namespace")
        .then("the same as without")
        .source("ns.GetNS"),
];

/// Nothing may have changed in the host since `before`.
fn unchanged(sent: &str, before: &State) -> Verdict {
    let after = State::here()?;
    if after == *before {
        return Ok(());
    }
    Err(Stop::failed(sent, format!("changed in the host: {}", after.since(before)), "nothing changed there"))
}

fn own_namespace(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let before = State::here()?;
    let answer = t.call("ADD", &pod).env("CNI_NETNS", OWN).run()?;
    let refusal = answer.refused(8)?;
    refusal.says("plugin's netns and netns from CNI_NETNS should not be the same")?;
    unchanged(answer.sent(), &before)
}

fn own_namespace_on_purpose(t: &Trial<'_>) -> Verdict {
    for value in ["1", "true", "TRUE", "TrUe"] {
        let pod = t.pod()?;
        let answer = t.call("ADD", &pod).env("CNI_NETNS", OWN).env("CNI_NETNS_OVERRIDE", value).run()?;
        let fine = !matches!(answer.outcome(), Outcome::Refused(8) | Outcome::Garbled);
        answer.expect(fine, "no error with code 8")?;
    }
    Ok(())
}

fn own_namespace_by_mistake(t: &Trial<'_>) -> Verdict {
    for value in ["yes", "0", ""] {
        let pod = t.pod()?;
        t.call("ADD", &pod).env("CNI_NETNS", OWN).env("CNI_NETNS_OVERRIDE", value).run()?.refused(8)?;
    }
    Ok(())
}

fn own_namespace_deleted(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    // An interface of the same name in the host: the one that a careless plugin would remove.
    if pod.ifname != "lo" {
        ip::here(&["link", "add", &pod.ifname, "type", "veth", "peer", "name", "conformance"])?;
        ip::here(&["link", "set", &pod.ifname, "up"])?;
    }
    let before = State::here()?;
    let call = t.call("DEL", &pod).env("CNI_NETNS", OWN);
    let verdict = t.refuses(&call, &[8]).map(drop);
    unchanged(&call.sent(), &before)?;
    verdict
}

/// An ADD into something that is no namespace: an error (a placeholder's is the same as ever), and nothing done.
fn refused_at(t: &Trial<'_>, path: &Path) -> Verdict {
    let pod = t.pod()?;
    let before = State::here()?;
    let call = t.call("ADD", &pod).env("CNI_NETNS", path);
    if t.profile() == Profile::Placeholder {
        t.same_as_plain(&call)?;
    } else {
        call.run()?.refusal()?;
    }
    unchanged(&call.sent(), &before)
}

fn no_namespace(t: &Trial<'_>) -> Verdict {
    let path = t.dir().join("no-such-namespace");
    t.warm_up()?;
    refused_at(t, &path)?;
    if path.exists() {
        return Err(Stop::failed("ADD", format!("{} was created", path.display()), "nothing created"));
    }
    Ok(())
}

fn not_a_namespace(t: &Trial<'_>) -> Verdict {
    let (file, dir, fifo) = (t.dir().join("file"), t.dir().join("directory"), t.dir().join("fifo"));
    fs::write(&file, "")?;
    fs::create_dir(&dir)?;
    t.warm_up()?;
    refused_at(t, &file)?;
    refused_at(t, &dir)?;
    // Once is enough: a plugin that hangs does so for the whole of its time.
    if t.version != t.suite.newest() {
        return Ok(());
    }
    mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR)?;
    refused_at(t, &fifo)
}

fn linked_namespace(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let link = t.dir().join("link");
    symlink(pod.container.path(), &link)?;
    t.same_as_plain(&t.call("ADD", &pod).env("CNI_NETNS", &link))
}
