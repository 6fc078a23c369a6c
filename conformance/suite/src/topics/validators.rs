//! 39-51: what container IDs, interface names and network names may look like.

use serde_json::{Value, json};

use crate::call::Call;
use crate::case::{TestCase, case};
use crate::levels::{K, MK};
use crate::stop::Verdict;
use crate::trial::Trial;
use crate::versions::{self, at_least};

mod reasons;

pub(crate) use self::reasons::REASONS;

const CONTAINER: &str = "SPEC 2 (CNI_CONTAINERID); utils.ValidateContainerID";
const INTERFACE: &str = "utils.ValidateInterfaceName; IFNAMSIZ";
const NETWORK: &str = "SPEC 1 (name); utils.ValidateNetworkName";

pub(crate) const CASES: &[TestCase] = &[
    case(39, "ADD", MK, bad_container_ids)
        .when("CNI_CONTAINERID `-x`, `.x`, `_x`, `a b`, `a/b`, ...")
        .then("code 4, naming the value")
        .source(CONTAINER),
    case(40, "ADD", K, good_container_ids)
        .when("CNI_CONTAINERID `a`, `A0_.-z`, 64 and 256 characters")
        .then("accepted")
        .source(CONTAINER),
    case(41, "ADD", K, container_id_comes_first)
        .when("CNI_CONTAINERID invalid, other variables missing")
        .then("code 4 about the container ID only")
        .source(CONTAINER),
    case(42, "DEL CHECK", K, bad_container_ids_elsewhere)
        .when("CNI_CONTAINERID invalid")
        .then("code 4")
        .source(CONTAINER),
    case(43, "ADD", K, long_ifname).when("CNI_IFNAME of 16 characters").then("code 4").source(INTERFACE),
    case(44, "ADD", K, longest_ifname).when("CNI_IFNAME of 15 characters").then("accepted").source(INTERFACE),
    case(45, "ADD", K, dots).when("CNI_IFNAME `.`, `..`").then("code 4").source(INTERFACE),
    case(46, "ADD", K, separators)
        .when("CNI_IFNAME `test/test`, `test:test`")
        .then("code 4")
        .source(INTERFACE),
    case(47, "ADD", K, white_space)
        .when("CNI_IFNAME with a space, tab, U+2003, U+0085")
        .then("code 4")
        .source(INTERFACE),
    case(48, "ADD", K, bytes_count)
        .when("CNI_IFNAME of 8 characters and 16 bytes")
        .then("code 4")
        .source(INTERFACE),
    case(49, "ADD", MK, bad_names)
        .when("name `te%%st`, `a/b`, `-a`, empty, missing, null")
        .then("code 7")
        .source(NETWORK),
    case(50, "ADD", K, names_of_another_type)
        .when("name a number, an object, an array")
        .then("code 6")
        .source("skel validateConfig"),
    case(51, "STATUS GC CHECK DEL", K, bad_names_elsewhere)
        .when("names as in 49 and 50")
        .then("the same codes")
        .source("skel validateConfig"),
];

const BAD_IDS: &[&str] = &["some-%%container-id", "-x", ".x", "_x", "a b", "a/b", "a\n", "é"];

/// Without characters that JSON or a one-line message has to escape, so that it can be looked for.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

fn bad_container_ids(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for id in BAD_IDS {
        let refusal = t.call("ADD", &pod).env("CNI_CONTAINERID", id).run()?.refused(4)?;
        refusal.says("invalid characters in containerID")?;
        if is_plain(id) {
            refusal.names(id)?;
        }
    }
    Ok(())
}

fn good_container_ids(t: &Trial<'_>) -> Verdict {
    for id in ["a".to_owned(), "A0_.-z".to_owned(), "0123456789abcdef".repeat(4), "x".repeat(256)] {
        let mut pod = t.pod()?;
        pod.id.clone_from(&id);
        t.same_as_plain(&t.call("ADD", &pod).env("CNI_CONTAINERID", &id))?;
    }
    Ok(())
}

fn container_id_comes_first(t: &Trial<'_>) -> Verdict {
    let call =
        t.call("ADD", &t.pod()?).env("CNI_CONTAINERID", "-x").without("CNI_NETNS").without("CNI_IFNAME");
    let refusal = call.run()?.refused(4)?;
    refusal.says("invalid characters in containerID")?;
    refusal.expect(!refusal.text().contains("CNI_IFNAME"), "an error about the container ID only")
}

fn bad_container_ids_elsewhere(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for id in BAD_IDS {
        t.refuses(&t.call("DEL", &pod).env("CNI_CONTAINERID", id), &[4])?;
        if at_least(t.version, versions::CHECK) {
            t.call("CHECK", &pod).env("CNI_CONTAINERID", id).run()?.refused(4)?;
        }
    }
    Ok(())
}

fn bad_ifnames(t: &Trial<'_>, names: &[&str], skel: &str) -> Verdict {
    let pod = t.pod()?;
    for name in names {
        t.call("ADD", &pod).env("CNI_IFNAME", name).run()?.refused(4)?.says(skel)?;
    }
    Ok(())
}

fn long_ifname(t: &Trial<'_>) -> Verdict {
    bad_ifnames(t, &["1234567890123456"], "interface name is too long")
}

fn longest_ifname(t: &Trial<'_>) -> Verdict {
    let mut pod = t.pod()?;
    pod.ifname = "e23456789012345".to_owned();
    t.same_as_plain(&t.call("ADD", &pod).env("CNI_IFNAME", "e23456789012345"))
}

fn dots(t: &Trial<'_>) -> Verdict {
    bad_ifnames(t, &[".", ".."], "interface name is . or ..")
}

const SEPARATED: &str = "interface name contains / or : or whitespace characters";

fn separators(t: &Trial<'_>) -> Verdict {
    bad_ifnames(t, &["test/test", "test:test"], SEPARATED)
}

fn white_space(t: &Trial<'_>) -> Verdict {
    bad_ifnames(t, &["test test", "test\ttest", "test\u{2003}test", "test\u{85}test"], SEPARATED)
}

fn bytes_count(t: &Trial<'_>) -> Verdict {
    bad_ifnames(t, &["éééééééé"], "interface name is too long")
}

fn invalid_names() -> [Value; 5] {
    [json!("te%%st"), json!("a/b"), json!("-a"), json!(""), Value::Null]
}

fn mistyped_names() -> [Value; 3] {
    [json!(5), json!({}), json!([])]
}

fn bad_names(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for name in invalid_names() {
        t.call("ADD", &pod).key("name", name).run()?.refused(7)?;
    }
    t.call("ADD", &pod).without_key("name").run()?.refused(7)?.says("missing network name")
}

fn names_of_another_type(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for name in mistyped_names() {
        t.call("ADD", &pod)
            .key("name", name)
            .run()?
            .refused(6)?
            .begins("error unmarshall network config: ")?;
    }
    Ok(())
}

fn bad_names_elsewhere(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let mut calls: Vec<Call> = vec![t.call("DEL", &pod)];
    if at_least(t.version, versions::CHECK) {
        calls.push(t.call("CHECK", &pod));
    }
    if at_least(t.version, versions::STATUS) {
        calls.extend([t.node_call("STATUS"), t.node_call("GC")]);
    }
    for call in calls {
        for name in invalid_names() {
            t.refuses(&call.clone().key("name", name), &[7])?;
        }
        t.refuses(&call.clone().without_key("name"), &[7])?;
        for name in mistyped_names() {
            t.refuses(&call.clone().key("name", name), &[6])?;
        }
    }
    Ok(())
}
