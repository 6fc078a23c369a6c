//! The client of the PodResources API against the node's kubelet.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ::kubelet::{Failure, PodDevices, Socket, devices};
use anyhow::Result;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use node::{Kubelet, Node, Pod};

use crate::client::SOON;

const VF: &str = "openshift.io/dpuvf";

fn ask(node: &Node, pod: &Pod, within: Duration) -> Result<PodDevices, Failure> {
    let socket =
        Socket { path: &node.kubelet_socket(), open: |path| Ok(open(path, OFlag::O_PATH, Mode::empty())?) };
    devices(socket, &pod.namespace, &pod.name, VF, Instant::now() + within)
}

#[test]
fn it_tells_a_pods_devices() -> Result<()> {
    let node = Node::builder().vfs(0).start()?;
    let (web, batch) = (node.pod("web", "web-0")?, node.pod("web", "batch-0")?);
    assert_eq!(ask(&node, &web, SOON)?, PodDevices::NoneOf { others: BTreeSet::new() });
    node.allocate(&batch, "example.com/gpu", &["gpu0"]);
    node.allocate(&web, VF, &["0000:03:00.3", "0000:03:00.2"]);
    assert_eq!(
        ask(&node, &web, SOON)?,
        PodDevices::Devices(vec!["0000:03:00.3".into(), "0000:03:00.2".into()])
    );
    assert_eq!(
        ask(&node, &batch, SOON)?,
        PodDevices::NoneOf { others: BTreeSet::from(["example.com/gpu".into()]) }
    );
    node.unlist(&web);
    assert_eq!(ask(&node, &web, SOON)?, PodDevices::UnknownPod);
    Ok(())
}

#[test]
fn one_just_started_lists_no_api_pods() -> Result<()> {
    let node = Node::builder().vfs(0).behave(|b| b.kubelet = Kubelet::Restarted).start()?;
    let pod = node.pod("web", "web-0")?;
    node.allocate(&pod, VF, &["0000:03:00.2"]);
    assert_eq!(ask(&node, &pod, SOON)?, PodDevices::UnknownPod);
    node.behave(|b| b.kubelet = Kubelet::Healthy);
    assert_eq!(ask(&node, &pod, SOON)?, PodDevices::Devices(vec!["0000:03:00.2".into()]));
    Ok(())
}

#[test]
fn an_answer_larger_than_a_window_arrives() -> Result<()> {
    let node = Node::builder().vfs(0).start()?;
    let pod = node.pod("web", "web-0")?;
    let ids: Vec<String> = (0..100_000).map(|n| format!("a-device-with-a-rather-long-name-{n}")).collect();
    node.allocate(&pod, VF, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let PodDevices::Devices(told) = ask(&node, &pod, SOON)? else { panic!("no devices") };
    assert!(told == ids);
    Ok(())
}

#[test]
fn its_rate_limit_is_waited_for() -> Result<()> {
    let node = Node::builder().vfs(0).behave(|b| b.kubelet = Kubelet::RateLimited(3)).start()?;
    let pod = node.pod("web", "web-0")?;
    assert!(matches!(ask(&node, &pod, SOON)?, PodDevices::NoneOf { .. }));
    node.behave(|b| b.kubelet = Kubelet::RateLimited(u32::MAX));
    assert!(matches!(ask(&node, &pod, Duration::from_millis(300)), Err(Failure::Timeout { .. })));
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
    assert!(matches!(ask(&node, &pod, SOON)?, PodDevices::Devices(_)));
    Ok(())
}
