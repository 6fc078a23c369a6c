//! 17-38: the command, and which variables a verb needs.

use crate::answer::Outcome;
use crate::call::Call;
use crate::case::{TestCase, case};
use crate::levels::{K, M, MK, R};
use crate::pod::Pod;
use crate::stop::Verdict;
use crate::trial::Trial;
use crate::versions::{self, Versions};

mod reasons;

pub(crate) use self::reasons::REASONS;

const PARAMETERS: &str = "SPEC 2 (parameters); skel getCmdArgsFromEnv";
const SKEL: &str = "skel getCmdArgsFromEnv";
const LIBCNI: &str = "libcni sets all variables, empty ones included";

pub(crate) const CASES: &[TestCase] = &[
    case(17, "none", K, no_command)
        .when("no CNI_COMMAND")
        .then("about text on stderr and exit 0, or code 4")
        .source(SKEL),
    case(18, "none", K, empty_command).when("CNI_COMMAND empty").then("the same as without it").source(SKEL),
    case(19, "NOPE", MK, unknown_command)
        .when("CNI_COMMAND=NOPE")
        .then("code 4, naming it")
        .source("SPEC 5 (error codes); skel pluginMain"),
    case(20, "add", K, lower_case_command).when("CNI_COMMAND=add").then("code 4").source("skel pluginMain"),
    case(21, "UPDATE GET", K, former_commands)
        .when("CNI_COMMAND=UPDATE, GET")
        .then("code 4")
        .source("skel pluginMain"),
    case(22, "ADD", M, add_needs)
        .when("CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME missing in turn")
        .then("code 4, naming it")
        .source(PARAMETERS),
    case(23, "ADD", K, add_without_path)
        .when("CNI_PATH missing")
        .then("code 4 as skel, or accepted as the specification")
        .source(PARAMETERS),
    case(24, "ADD", K, add_names_all)
        .when("CNI_NETNS, CNI_IFNAME and CNI_PATH missing")
        .then("one code 4 naming all")
        .source(SKEL),
    case(25, "ADD", K, empty_is_missing).when("each variable empty").then("the same as missing").source(SKEL),
    case(26, "CHECK", M, check_needs)
        .when("variables missing as in 22 to 24")
        .then("code 4, naming them")
        .source(PARAMETERS)
        .versions(Versions::from(versions::CHECK)),
    case(27, "DEL", M, del_needs)
        .when("CNI_CONTAINERID, CNI_IFNAME missing in turn")
        .then("code 4, naming it")
        .source(PARAMETERS),
    case(28, "DEL", M, del_without_netns)
        .when("CNI_NETNS missing or empty")
        .then("not an error of the environment")
        .source("SPEC 2 (DEL: CNI_NETNS optional)"),
    case(29, "GC STATUS", M, node_verbs_need_little)
        .when("only CNI_COMMAND and CNI_PATH")
        .then("not an error of the environment")
        .source("SPEC 2 (GC, STATUS)")
        .versions(Versions::from(versions::STATUS)),
    case(30, "GC STATUS", R, node_verbs_with_empty)
        .when("the container's variables present and empty")
        .then("not an error of the environment")
        .source(LIBCNI)
        .versions(Versions::from(versions::STATUS)),
    case(31, "GC", K, gc_ignores)
        .when("CNI_IFNAME=a/b, CNI_CONTAINERID=-")
        .then("ignored")
        .source(SKEL)
        .versions(Versions::from(versions::STATUS)),
    case(32, "GC STATUS", K, node_verbs_without_path)
        .when("CNI_PATH missing")
        .then("code 4 as skel, or accepted")
        .source(PARAMETERS)
        .versions(Versions::from(versions::STATUS)),
    case(33, "VERSION", K, version_needs_nothing)
        .when("no other variable, and libcni's dummies")
        .then("success")
        .source("skel; libcni invoke")
        .versions(Versions::Newest),
    case(34, "ADD DEL CHECK", M, args_are_optional)
        .when("CNI_ARGS missing or empty")
        .then("accepted")
        .source("SPEC 2 (parameters)"),
    case(35, "ADD", R, args_of_others)
        .when("CNI_ARGS with keys that nobody knows, and IgnoreUnknown")
        .then("accepted")
        .source("SPEC 2 (CNI_ARGS); types.LoadArgs"),
    case(36, "ADD", R, args_with_odd_values)
        .when("CNI_ARGS with an empty value, and one with `=`")
        .then("accepted")
        .source("Multus (thick) sends an empty K8S_POD_INFRA_CONTAINER_ID"),
    case(37, "ADD", R, args_of_podman)
        .when("CNI_ARGS with podman's two keys only")
        .then("the same as with Kubernetes' five")
        .source("podman"),
    case(38, "ADD", K, args_unknown)
        .when("CNI_ARGS with an unknown key, no IgnoreUnknown")
        .then("accepted, or code 4 or 7 (skel: 999), reported")
        .source("types.LoadArgs"),
];

/// Neither the environment was at fault, nor did anything go to pieces.
fn not_the_environment(call: &Call) -> Verdict {
    let answer = call.run()?;
    let fine = !matches!(answer.outcome(), Outcome::Refused(4) | Outcome::Garbled);
    answer.expect(fine, "no error of the environment (code 4)")
}

fn about_or_refused(call: &Call) -> Verdict {
    let answer = call.run()?;
    if answer.outcome() == Outcome::Ok {
        answer.silent()?;
        let stderr = answer.stderr();
        let named = versions::KNOWN.iter().any(|version| stderr.contains(version));
        return answer.expect(named, "an about text with the supported versions on stderr");
    }
    let refusal = answer.refused(4)?;
    refusal.names("CNI_COMMAND")
}

fn no_command(t: &Trial<'_>) -> Verdict {
    about_or_refused(&t.call("ADD", &t.pod()?).without("CNI_COMMAND"))
}

fn empty_command(t: &Trial<'_>) -> Verdict {
    about_or_refused(&t.call("ADD", &t.pod()?).env("CNI_COMMAND", ""))
}

fn command_is_unknown(t: &Trial<'_>, command: &str) -> Verdict {
    let refusal = t.call("ADD", &t.pod()?).env("CNI_COMMAND", command).run()?.refused(4)?;
    refusal.says(&format!("unknown CNI_COMMAND: {command}"))?;
    refusal.names(command)
}

fn unknown_command(t: &Trial<'_>) -> Verdict {
    command_is_unknown(t, "NOPE")
}

fn lower_case_command(t: &Trial<'_>) -> Verdict {
    command_is_unknown(t, "add")
}

fn former_commands(t: &Trial<'_>) -> Verdict {
    command_is_unknown(t, "UPDATE")?;
    command_is_unknown(t, "GET")
}

/// Each of these in turn is taken away by `change`, and must be missed.
fn needs(t: &Trial<'_>, verb: &str, keys: &[&str], change: impl Fn(Call, &str) -> Call) -> Verdict {
    let pod = t.pod()?;
    for key in keys {
        if let Some(refusal) = t.refuses(&change(t.call(verb, &pod), key), &[4])? {
            refusal.says(&format!("required env variables [{key}] missing"))?;
            refusal.names(key)?;
        }
    }
    Ok(())
}

fn add_needs(t: &Trial<'_>) -> Verdict {
    needs(t, "ADD", &["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"], |call, key| call.without(key))
}

/// Whether CNI_PATH is demanded of a verb: the reference library does, the specification does not.
fn demands_path(t: &Trial<'_>, verb: &str, pod: &Pod) -> Result<bool, crate::stop::Stop> {
    let call = t.call(verb, pod).without("CNI_PATH");
    let answer = call.run()?;
    if answer.outcome() == Outcome::Refused(4) {
        answer.refused(4)?.names("CNI_PATH")?;
        return Ok(true);
    }
    Ok(false)
}

fn add_without_path(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    if demands_path(t, "ADD", &pod)? {
        t.remark("CNI_PATH is demanded, as skel does");
        return Ok(());
    }
    t.remark("CNI_PATH is optional, as in the specification");
    t.same_as_plain(&t.call("ADD", &t.pod()?).without("CNI_PATH"))
}

fn names_all(t: &Trial<'_>, verb: &str) -> Verdict {
    let pod = t.pod()?;
    let path = demands_path(t, verb, &pod)?;
    let call = t.call(verb, &pod).without("CNI_NETNS").without("CNI_IFNAME").without("CNI_PATH");
    let refusal = call.run()?.refused(4)?;
    refusal.names("CNI_NETNS")?;
    refusal.names("CNI_IFNAME")?;
    if path { refusal.names("CNI_PATH") } else { Ok(()) }
}

fn add_names_all(t: &Trial<'_>) -> Verdict {
    names_all(t, "ADD")
}

fn empty_is_missing(t: &Trial<'_>) -> Verdict {
    needs(t, "ADD", &["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"], |call, key| call.env(key, ""))
}

fn check_needs(t: &Trial<'_>) -> Verdict {
    needs(t, "CHECK", &["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"], |call, key| call.without(key))?;
    names_all(t, "CHECK")
}

fn del_needs(t: &Trial<'_>) -> Verdict {
    needs(t, "DEL", &["CNI_CONTAINERID", "CNI_IFNAME"], |call, key| call.without(key))
}

fn del_without_netns(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    not_the_environment(&t.call("DEL", &pod).without("CNI_NETNS"))?;
    not_the_environment(&t.call("DEL", &pod).env("CNI_NETNS", ""))
}

fn node_verbs_need_little(t: &Trial<'_>) -> Verdict {
    for verb in ["STATUS", "GC"] {
        let call = t.node_call(verb).without("CNI_CONTAINERID").without("CNI_NETNS");
        not_the_environment(&call.without("CNI_IFNAME").without("CNI_ARGS"))?;
    }
    Ok(())
}

fn node_verbs_with_empty(t: &Trial<'_>) -> Verdict {
    ["STATUS", "GC"].iter().try_for_each(|verb| not_the_environment(&t.node_call(verb)))
}

fn gc_ignores(t: &Trial<'_>) -> Verdict {
    t.same_as_plain(&t.node_call("GC").env("CNI_IFNAME", "a/b").env("CNI_CONTAINERID", "-"))
}

fn node_verbs_without_path(t: &Trial<'_>) -> Verdict {
    for verb in ["STATUS", "GC"] {
        let answer = t.node_call(verb).without("CNI_PATH").run()?;
        if answer.outcome() == Outcome::Refused(4) {
            answer.refused(4)?.names("CNI_PATH")?;
            t.remark(format!("{verb} demands CNI_PATH"));
        } else {
            t.same_as_plain(&t.node_call(verb).without("CNI_PATH"))?;
        }
    }
    Ok(())
}

fn version_needs_nothing(t: &Trial<'_>) -> Verdict {
    t.version_call().only(&["CNI_COMMAND"]).run()?.object()?;
    t.version_call().run()?.object().map(drop)
}

fn args_are_optional(t: &Trial<'_>) -> Verdict {
    let (missing, empty) = (t.pod()?, t.pod()?);
    for verb in ["ADD", "DEL"] {
        t.same_as_plain(&t.call(verb, &missing).without("CNI_ARGS"))?;
        t.same_as_plain(&t.call(verb, &empty).env("CNI_ARGS", ""))?;
    }
    if !versions::at_least(t.version, versions::CHECK) || t.suite.plain("CHECK", t.version) != Outcome::Ok {
        return Ok(());
    }
    let attached = t.attach()?;
    let call = t.call("CHECK", &attached.pod).key("prevResult", attached.result.clone());
    t.same_as_plain(&call.without("CNI_ARGS"))
}

fn accepts_args(t: &Trial<'_>, args: impl Fn(&Pod) -> String) -> Verdict {
    let pod = t.pod()?;
    let args = args(&pod);
    t.same_as_plain(&t.call("ADD", &pod).env("CNI_ARGS", args))
}

fn args_of_others(t: &Trial<'_>) -> Verdict {
    accepts_args(t, |pod| format!("{};FOO=BAR", pod.args()))?;
    accepts_args(t, |pod| pod.args().replace("IgnoreUnknown=1", "IgnoreUnknown=true") + ";FOO=BAR")
}

fn args_with_odd_values(t: &Trial<'_>) -> Verdict {
    accepts_args(t, |pod| pod.args().replace(&format!("CONTAINER_ID={}", pod.id), "CONTAINER_ID="))?;
    accepts_args(t, |pod| format!("{};FOO=a=b", pod.args()))
}

fn args_of_podman(t: &Trial<'_>) -> Verdict {
    accepts_args(t, |pod| format!("IgnoreUnknown=1;K8S_POD_NAME={}", pod.name))
}

fn args_unknown(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let args = pod.args().replace("IgnoreUnknown=1;", "") + ";FOO=BAR";
    let answer = t.call("ADD", &pod).env("CNI_ARGS", args).run()?;
    if answer.outcome() == t.suite.plain("ADD", t.version) {
        return Ok(());
    }
    // 999 is what skel makes of an error without a code, such as the reference library's own.
    let code = answer.refused_with(&[4, 7, 999])?.code;
    t.remark(format!("refused with code {code}"));
    Ok(())
}
