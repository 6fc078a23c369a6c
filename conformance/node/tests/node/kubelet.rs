//! The client of the PodResources API against the node's kubelet.

use std::time::{Duration, Instant};

use ::kubelet::{Failure, PodDevices, Socket};
use anyhow::{Context, Result};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use node::{Get, Kubelet, Node, Pod};

use crate::client::SOON;

const VF: &str = "openshift.io/dpuvf";
const SRIOV: &str = "sriovnetwork.k8snetworkplumbingwg.io";

fn ask(node: &Node, pod: &Pod, within: Duration) -> Result<Option<PodDevices>, Failure> {
    let path = node.kubelet_socket();
    let socket = Socket { path: &path, open: |path| Ok(open(path, OFlag::O_PATH, Mode::empty())?) };
    ::kubelet::pod(socket, &pod.namespace, &pod.name, Instant::now() + within)
}

/// IDs of what device plugins gave to the pod.
fn ids(told: Option<PodDevices>) -> Result<Vec<String>> {
    let told = told.context("no such pod")?;
    Ok(told.devices().map(|device| device.id.clone()).collect())
}

#[test]
fn it_tells_a_pods_devices_however_it_can_be_asked() -> Result<()> {
    for get in [Get::Served, Get::Off, Get::Missing] {
        let node = Node::builder().vfs(0).behave(|b| b.get = get).start()?;
        let (web, batch) = (node.pod("web", "web-0")?, node.pod("web", "batch-0")?);
        assert_eq!(ids(ask(&node, &web, SOON)?)?, [] as [&str; 0]);
        node.allocate(&batch, "example.com/gpu", &["gpu0"]);
        node.allocate(&web, VF, &["0000:03:00.3", "0000:03:00.2"]);
        node.allocate_claim(&web, "vf", &[(SRIOV, "0000-03-00-4"), (SRIOV, "0000-03-00-4")]);
        let told = ask(&node, &web, SOON)?;
        let claims = told.as_ref().map(PodDevices::claims).unwrap_or_default();
        let [claim] = claims.as_slice() else { panic!("{claims:?}") };
        assert_eq!((claim.namespace.as_str(), claim.name.as_str()), ("web", "vf"));
        let devices: Vec<_> = claim.devices.iter().map(|it| (it.driver.as_str(), it.name.as_str())).collect();
        assert_eq!(devices, [(SRIOV, "0000-03-00-4")]);
        assert_eq!(ids(told)?, ["0000:03:00.2", "0000:03:00.3"]);
        assert_eq!(ids(ask(&node, &batch, SOON)?)?, ["gpu0"]);
        node.unlist(&web);
        assert_eq!(ask(&node, &web, SOON)?, None, "{get:?}");
    }
    Ok(())
}

#[test]
fn one_just_started_lists_no_api_pods() -> Result<()> {
    let node = Node::builder().vfs(0).behave(|b| b.kubelet = Kubelet::Restarted).start()?;
    let pod = node.pod("web", "web-0")?;
    node.allocate(&pod, VF, &["0000:03:00.2"]);
    assert_eq!(ask(&node, &pod, SOON)?, None);
    node.behave(|b| b.kubelet = Kubelet::Healthy);
    assert_eq!(ids(ask(&node, &pod, SOON)?)?, ["0000:03:00.2"]);
    Ok(())
}

#[test]
fn an_answer_larger_than_a_window_arrives() -> Result<()> {
    for get in [Get::Served, Get::Missing] {
        let node = Node::builder().vfs(0).behave(|b| b.get = get).start()?;
        let pod = node.pod("web", "web-0")?;
        let given: Vec<String> =
            (0..100_000).map(|n| format!("a-device-with-a-rather-long-name-{n:06}")).collect();
        node.allocate(&pod, VF, &given.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(ids(ask(&node, &pod, SOON)?)? == given);
    }
    Ok(())
}

/// One pod whose driver fails and fails stops every client that asks for all pods (kubernetes #141335).
#[test]
fn a_list_too_large_keeps_no_other_pod_back() -> Result<()> {
    let node = Node::builder().vfs(0).behave(|b| b.list_padding = 18 << 20).start()?;
    let pod = node.pod("web", "web-0")?;
    node.allocate(&pod, VF, &["0000:03:00.2"]);
    assert_eq!(ids(ask(&node, &pod, SOON)?)?, ["0000:03:00.2"]);
    // The old one has to be asked for all of them, and this says no more than that it cannot be told.
    node.behave(|b| b.get = Get::Missing);
    let failure = ask(&node, &pod, SOON).expect_err("a failure");
    assert_eq!(failure.to_string(), "the kubelet's PodResources API answered with more than 16 MiB");
    Ok(())
}

#[test]
fn its_rate_limit_is_waited_for() -> Result<()> {
    let node = Node::builder().vfs(0).behave(|b| b.kubelet = Kubelet::RateLimited(3)).start()?;
    let pod = node.pod("web", "web-0")?;
    assert!(ask(&node, &pod, SOON)?.is_some());
    // Where it goes on its words are kept: they may be of another limit.
    node.behave(|b| b.kubelet = Kubelet::RateLimited(u32::MAX));
    let refused = ask(&node, &pod, Duration::from_millis(300)).expect_err("a refusal");
    assert!(
        matches!(&refused, Failure::Refused { status: 8, message } if message == "rejected by rate limit")
    );
    Ok(())
}

#[test]
fn its_failures_are_told_apart() -> Result<()> {
    let node = Node::builder().vfs(0).start()?;
    let pod = node.pod("web", "web-0")?;
    node.allocate(&pod, VF, &["0000:03:00.2"]);
    node.behave(|b| b.kubelet = Kubelet::Refuses);
    let refused = ask(&node, &pod, SOON).expect_err("a refusal");
    assert!(matches!(&refused, Failure::Refused { status: 2, message } if message == "error getting pods"));
    node.behave(|b| b.kubelet = Kubelet::Hangs);
    assert!(matches!(ask(&node, &pod, Duration::from_millis(300)), Err(Failure::Timeout { .. })));
    for behaviour in [Kubelet::Garbage, Kubelet::Truncated] {
        node.behave(|b| b.kubelet = behaviour);
        let failure = ask(&node, &pod, SOON).expect_err("a failure");
        assert!(matches!(failure, Failure::Garbage(_)), "{failure:?}");
    }
    node.behave(|b| b.kubelet = Kubelet::Unfinished);
    assert!(matches!(ask(&node, &pod, SOON), Err(Failure::Lost(_))));
    node.stop_kubelet();
    assert!(matches!(ask(&node, &pod, SOON), Err(Failure::Unreachable { .. })));
    node.behave(|b| b.kubelet = Kubelet::Healthy);
    node.start_kubelet()?;
    assert_eq!(ids(ask(&node, &pod, SOON)?)?, ["0000:03:00.2"]);
    Ok(())
}
