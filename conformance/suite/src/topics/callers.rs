//! 153-161: callers that do more, or less, than a plugin thinks of.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use linux::Netns;

use super::{add, del};
use crate::answer::Outcome;
use crate::case::{TestCase, case};
use crate::levels::R;
use crate::pod::{Attached, Pod};
use crate::result::{objects, text};
use crate::stop::{Stop, Verdict};
use crate::trial::Trial;
use crate::versions::{self, Versions};
use crate::witness::{State, interface};

mod reasons;

pub(crate) use self::reasons::REASONS;

pub(crate) const CASES: &[TestCase] = &[
    case(153, "all", R, traced)
        .when("TRACEPARENT, TRACESTATE and BAGGAGE, in order and not")
        .then("the same as without them")
        .source("containernetworking/cni 1173; OpenTelemetry: environment variables")
        .versions(Versions::Newest),
    case(154, "ADD", R, nobody_hears)
        .when("stdout without a reader: the caller has died")
        .then("a failure, and container and host as they were before")
        .source("CRI-O killed during an ADD never sends its DEL")
        .versions(Versions::Newest),
    case(155, "ADD", R, same_pod_again)
        .when("the same pod in a new container, the old one lost and never deleted")
        .then("success; the old one's late DEL leaves the new one alone")
        .source("the kubelet makes a new sandbox of the same pod")
        .versions(Versions::Newest),
    case(156, "CHECK", R, drift)
        .when("another MTU; a route of the result removed")
        .then("an error")
        .source("SPEC 2 (CHECK)")
        .versions(Versions::from(versions::CHECK)),
    case(157, "DEL", R, network_renamed)
        .when("the network's name changed since ADD")
        .then("success")
        .source("containerd sends today's configuration")
        .versions(Versions::Newest),
    case(158, "ADD DEL", R, odd_input)
        .when("stdin closed; stdin that comes in two parts")
        .then("closed: an end; in parts: the same as at once")
        .source("pipes hold what they like; runtimes' process set-up")
        .versions(Versions::Newest),
    case(159, "ADD", R, few_descriptors)
        .when("sixteen file descriptors")
        .then("the same as with many, or an error; nothing left after DEL")
        .source("runtimes' process set-up")
        .versions(Versions::Newest),
    case(160, "ADD DEL", R, user_namespace)
        .when("a container with a user namespace of its own")
        .then("an interface, and none after DEL")
        .source("Kubernetes: hostUsers: false")
        .versions(Versions::Newest),
    case(161, "STATUS GC", R, of_a_pods_call)
        .when("the variables of the call that the caller itself was given")
        .then("the same as without them")
        .source("Multus hands its own environment on to its delegates")
        .versions(Versions::from(versions::STATUS)),
];

fn traced(t: &Trial<'_>) -> Verdict {
    let orderly = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for parent in [orderly, "", "garbage"] {
        let pod = t.pod()?;
        for verb in ["ADD", "DEL"] {
            let call = t.call(verb, &pod).env("TRACEPARENT", parent);
            t.same_as_plain(&call.with("TRACESTATE", "a=1,b=2").with("BAGGAGE", "k=v;p,%20=%"))?;
        }
        if versions::at_least(t.version, versions::STATUS) {
            t.same_as_plain(&t.node_call("STATUS").env("TRACEPARENT", parent).with("BAGGAGE", "="))?;
        }
    }
    Ok(())
}

fn nobody_hears(t: &Trial<'_>) -> Verdict {
    t.require_attaching()?;
    t.warm_up()?;
    let pod = t.pod()?;
    let (before, host) = (State::of(&pod.container)?, State::here()?);
    let answer = t.call("ADD", &pod).broken_stdout().run()?;
    answer.expect(answer.outcome() != Outcome::Ok && !answer.finished().timed_out, "a failure")?;
    t.rest()?;
    add::as_before(&answer, &pod, &before, &host)
}

fn same_pod_again(t: &Trial<'_>) -> Verdict {
    let Attached { pod: mut old, .. } = t.attach()?;
    let late = t.call("DEL", &old);
    t.lose(&mut old)?;
    let mut new = t.pod()?;
    new.name.clone_from(&old.name);
    let new = t.attach_pod(new)?;
    let before = State::of(&new.pod.container)?;
    let answer = late.noting("the late one of the lost container".to_owned()).run()?;
    answer.silent()?;
    del::untouched(&answer, &new.pod, &before)
}

fn drift(t: &Trial<'_>) -> Verdict {
    let attached = t.attach()?;
    let name = &attached.pod.ifname;
    let mtu = interface(&attached.pod.container, name)?.map(|link| link.mtu);
    if name == "lo" {
        return Err(Stop::skipped("lo has neither an MTU nor routes of its plugin's"));
    }
    let mtu = mtu.ok_or_else(|| Stop::skipped("there is no interface to change"))?;
    attached.pod.container.ip(&["link", "set", name, "mtu", &(mtu - 100).to_string()])?;
    check(t, &attached).noting("another MTU".to_owned()).run()?.refusal()?;

    let attached = t.attach()?;
    let Some(route) = objects(&attached.result, "routes").first().map(|route| text(route, "dst").to_owned())
    else {
        t.remark("without removing a route: the result has none");
        return Ok(());
    };
    let family = if route.contains(':') { "-6" } else { "-4" };
    attached.pod.container.ip(&[family, "route", "del", &route])?;
    check(t, &attached).noting(format!("the route to {route} removed")).run()?.refusal().map(drop)
}

fn check(t: &Trial<'_>, attached: &Attached) -> crate::call::Call {
    t.call("CHECK", &attached.pod).key("prevResult", attached.result.clone())
}

fn network_renamed(t: &Trial<'_>) -> Verdict {
    let Attached { pod, .. } = t.attach()?;
    t.call("DEL", &pod).key("name", "conformance-renamed").run()?.silent()
}

fn odd_input(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    let closed = t.call("ADD", &pod).shell(r#"exec "$0" <&-"#).run()?;
    closed
        .expect(closed.outcome() != Outcome::Ok && !closed.finished().timed_out, "a failure, and no hang")?;
    for verb in ["ADD", "DEL"] {
        let halves = r#"{ dd bs=1 count=9 2>/dev/null; sleep 0.1; cat; } | "$0""#;
        t.same_as_plain(&t.call(verb, &pod).shell(halves))?;
    }
    Ok(())
}

fn few_descriptors(t: &Trial<'_>) -> Verdict {
    t.warm_up()?;
    let pod = t.pod()?;
    let before = State::of(&pod.container)?;
    let answer = t.call("ADD", &pod).shell(r#"ulimit -n 16; exec "$0""#).run()?;
    answer.expect(!answer.finished().timed_out, "an end")?;
    if answer.outcome() != t.suite.plain("ADD", t.version) {
        answer.refusal()?;
        t.remark("ADD fails with sixteen descriptors");
    }
    let answer = t.cleans_up(&t.call("DEL", &pod))?;
    let after = State::of(&pod.container)?;
    // An `lo` that is set down keeps its address.
    answer.expect(pod.ifname == "lo" || after == before, "nothing left")
}

fn user_namespace(t: &Trial<'_>) -> Verdict {
    t.require_attaching()?;
    let (container, pod) = (Unprivileged::new()?, t.pod()?);
    let call = |verb| t.call(verb, &pod).with("CNI_NETNS", &container.path);
    call("ADD").noting("a user namespace".to_owned()).run()?.ok()?;
    let answer = call("DEL").noting("a user namespace".to_owned());
    let has = || has_interface(&container, &pod);
    if !has()? {
        return Err(Stop::failed(answer.sent(), "no interface in the container after ADD", "an interface"));
    }
    let answer = answer.run()?;
    answer.silent()?;
    answer.expect(pod.ifname == "lo" || !has()?, "no interface after DEL")
}

fn has_interface(container: &Unprivileged, pod: &Pod) -> Result<bool, Stop> {
    let links = testkit::ip::json(&Netns::open(&container.path)?, &["link", "show"])?;
    Ok(links.as_array().into_iter().flatten().any(|link| link["ifname"] == pod.ifname.as_str()))
}

/// A container's network namespace that belongs to a user namespace of the container's own.
struct Unprivileged {
    path: PathBuf,
    holder: Child,
}

/// How long such namespaces may take to be made.
const PATIENCE: Duration = Duration::from_secs(10);

impl Unprivileged {
    fn new() -> Result<Unprivileged, Stop> {
        let holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net", "sleep", "infinity"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Stop::skipped(format!("no user namespace here: unshare: {error}")))?;
        let path = PathBuf::from(format!("/proc/{}/ns/net", holder.id()));
        let mut made = Unprivileged { path, holder };
        let own = Netns::open("/proc/thread-self/ns/net".as_ref())?.id();
        let deadline = Instant::now() + PATIENCE;
        while Netns::open(&made.path)?.id().is(&own) {
            if Instant::now() > deadline || made.holder.try_wait()?.is_some() {
                return Err(Stop::skipped("no user namespace can be made here"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(made)
    }
}

impl Drop for Unprivileged {
    fn drop(&mut self) {
        // It ends with the suite's process group in any case.
        let _ = self.holder.kill().and_then(|()| self.holder.wait());
    }
}

fn of_a_pods_call(t: &Trial<'_>) -> Verdict {
    let pod = t.pod()?;
    for verb in ["STATUS", "GC"] {
        let call = t
            .node_call(verb)
            .env("CNI_CONTAINERID", &pod.id)
            .env("CNI_NETNS", pod.container.path())
            .env("CNI_IFNAME", &pod.ifname)
            .env("CNI_ARGS", pod.args());
        t.same_as_plain(&call)?;
    }
    Ok(())
}
