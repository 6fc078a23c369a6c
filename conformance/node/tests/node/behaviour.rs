//! What the server can be made to do, and what the client makes of it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use node::{Answer, Card, Generation, Lease, Naming, Node, Pod, TOKEN, Verb};
use ovnkube::{Failure, Health};
use rstest::rstest;
use serde_json::json;

use crate::client::{call, client, request, status};

const BRIEFLY: Duration = Duration::from_millis(300);

fn refusal(node: &Node, verb: Verb, pod: &Pod) -> Result<String> {
    match call(node, verb, pod, &node.conf_for(&node.vfs()[0])) {
        Err(Failure::Refused(text)) => Ok(text),
        other => bail!("{other:?}"),
    }
}

#[test]
fn the_leases_states() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    node.behave(|b| b.lease = Lease::Expired);
    let health = status(&node)?;
    assert!(health.lease_expired(), "{health:?}");
    assert!(refusal(&node, Verb::Add, &pod)?.starts_with("DPU Not Ready: DPU node lease expired"));
    call(&node, Verb::Del, &pod, &node.conf_for(&node.vfs()[0]))?;
    node.behave(|b| b.lease = Lease::NotFound);
    assert!(matches!(status(&node)?, Health::NotReady { code: 50, .. }));
    node.behave(|b| b.generation = Generation::Old);
    assert_eq!(status(&node)?, Health::Alive);
    Ok(())
}

#[test]
fn a_card_that_fails_or_never_answers() -> Result<()> {
    let node = Node::builder().behave(|b| b.card = Card::Reports("Error".into())).start()?;
    let pod = node.pod("web", "web-0")?;
    let text = refusal(&node, Verb::Add, &pod)?;
    let about = format!("[web/web-0 {} network default NAD default NAD key default] ", pod.container);
    assert_eq!(
        text,
        format!("{about}failed to get pod annotation: DPU plumb failed: connection status is Error")
    );
    let other = node.pod("web", "web-1")?;
    node.behave(|b| (b.card, b.budget) = (Card::Never, BRIEFLY));
    assert!(
        refusal(&node, Verb::Add, &other)?
            .ends_with("timed out waiting for annotations: context deadline exceeded")
    );
    Ok(())
}

#[test]
fn a_slow_card_is_awaited_without_a_client() -> Result<()> {
    let node = Node::builder().behave(|b| b.card = Card::Never).start()?;
    let pod = node.pod("web", "web-0")?;
    let conf = node.conf_for(&node.vfs()[0]);
    let gone = client(&node).call(&request(Verb::Add, &pod, &conf), Instant::now() + BRIEFLY);
    assert!(matches!(gone, Err(Failure::Timeout { sent: true, .. })), "{gone:?}");
    assert!(pod.links()?.is_empty());
    node.behave(|b| b.card = Card::Ready);
    node.idle()?;
    assert!(pod.link("eth0")?.is_some(), "the VF moves after its caller has gone");
    Ok(())
}

#[test]
fn a_stale_ready_lets_a_pod_through() -> Result<()> {
    let node = Node::builder().behave(|b| b.card_forgets = false).start()?;
    let first = node.pod("web", "web-0")?;
    let conf = node.conf_for(&node.vfs()[0]);
    call(&node, Verb::Add, &first, &conf)?;
    call(&node, Verb::Del, &first, &conf)?;
    node.behave(|b| b.card = Card::Never);
    let second = node.another_sandbox(&first)?;
    call(&node, Verb::Add, &second, &node.conf_for(&node.vfs()[1]))?;
    let gateway = "10.128.2.1".parse()?;
    assert!(!second.ping(gateway)?);
    node.behave(|b| b.card = Card::Ready);
    assert!(second.ping(gateway)?, "connected in the end");
    Ok(())
}

#[rstest]
#[case::garbage(Answer::garbage(), "not HTTP")]
#[case::deep(Answer::deep(), "recursion limit")]
#[case::wrong_types(Answer::wrong_types(), "podifinfo")]
#[case::both_null(Answer::both_null(), "neither a result nor")]
#[case::endless(Answer::Endless, "more than")]
#[case::not_json(Answer::Body(b"<html>".to_vec()), "expected value")]
#[case::empty(Answer::Body(Vec::new()), "EOF")]
fn nonsense_is_called_so(#[case] answer: Answer, #[case] why: &str) -> Result<()> {
    let node = Node::builder().behave(|b| b.add = answer).start()?;
    let pod = node.pod("web", "web-0")?;
    let failure = call(&node, Verb::Add, &pod, &node.conf_for(&node.vfs()[0])).expect_err("a failure");
    assert!(matches!(failure, Failure::Garbage(_)) && failure.may_have_acted(), "{failure:?}");
    let text = failure.to_string();
    assert!(text.contains(why) && text.len() < 300 && !text.contains('\n'), "{text}");
    Ok(())
}

#[test]
fn an_interface_of_nulls_is_an_empty_one() -> Result<()> {
    let node = Node::builder().behave(|b| b.add = Answer::all_null()).start()?;
    let pod = node.pod("web", "web-0")?;
    let response = call(&node, Verb::Add, &pod, &node.conf_for(&node.vfs()[0]))?;
    assert_eq!(response.pod, Some(ovnkube::PodInterface::default()));
    Ok(())
}

#[test]
fn broken_connections_are_called_so() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    for answer in [Answer::Truncated, Answer::Lost, Answer::HangUp] {
        node.behave(|b| b.add = answer);
        let failure = call(&node, Verb::Add, &pod, &node.conf_for(&node.vfs()[0])).expect_err("a failure");
        assert!(matches!(failure, Failure::Lost(_)), "{failure:?}");
        if pod.link("eth0")?.is_some() {
            node.behave(|b| b.add = Answer::Proper);
            call(&node, Verb::Del, &pod, &node.conf_for(&node.vfs()[0]))?;
        }
    }
    Ok(())
}

#[test]
fn refusals_keep_their_text_and_codes() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    node.behave(|b| b.del = Answer::Refuse("no such thing".into()));
    assert_eq!(refusal(&node, Verb::Del, &pod)?, "no such thing");
    node.behave(|b| b.del = Answer::Error { code: 11, msg: "later".into() });
    let failure = call(&node, Verb::Del, &pod, &node.conf()).expect_err("a failure");
    assert!(matches!(failure, Failure::Cni { code: 11, ref msg, .. } if msg == "later"), "{failure:?}");
    assert!(!failure.may_have_acted());
    Ok(())
}

#[test]
fn a_server_that_hangs_dies_or_is_away() -> Result<()> {
    let node = Node::builder().behave(|b| b.add = Answer::Hang).start()?;
    let pod = node.pod("web", "web-0")?;
    let conf = node.conf_for(&node.vfs()[0]);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| call(&node, Verb::Add, &pod, &conf));
        node.wait_received(1)?;
        node.stop_server();
        let failure = waiting.join().expect("no panic").expect_err("a failure");
        assert!(matches!(failure, Failure::Lost(_)), "{failure:?}");
        anyhow::Ok(())
    })?;
    let refused = status(&node).expect_err("nobody listens");
    assert!(
        matches!(&refused, Failure::Unreachable { source, .. } if source.kind() == std::io::ErrorKind::ConnectionRefused)
    );
    node.remove_socket()?;
    let absent = status(&node).expect_err("no socket");
    assert!(
        matches!(&absent, Failure::Unreachable { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    );
    node.start_server()?;
    assert_eq!(status(&node)?, Health::Ready);
    Ok(())
}

#[test]
fn pods_that_are_gone_or_another() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let conf = node.conf_for(&node.vfs()[0]);
    call(&node, Verb::Add, &pod, &conf)?;
    let again = node.another_sandbox(&pod)?;
    assert_eq!(call(&node, Verb::Del, &again, &conf)?.result, Some(json!({})), "not that sandbox's");
    assert!(pod.link("eth0")?.is_some());

    let mut other = node.another_sandbox(&pod)?;
    other.uid = "11111111-0000-4000-8000-000000000000".into();
    assert!(refusal(&node, Verb::Add, &other)?.contains("getting Netdevice name"), "the VF is in the pod");
    node.lose_netns(&pod)?;
    assert!(node.host_link("eth0")?.is_some_and(|link| !link.up && link.addresses.is_empty()));
    assert!(refusal(&node, Verb::Add, &other)?.contains("pod deleted before sandbox ADD operation began"));

    node.delete_pod(&pod);
    assert!(refusal(&node, Verb::Add, &again)?.contains("not found"));
    assert_eq!(call(&node, Verb::Del, &pod, &conf)?.result, Some(json!({})));
    Ok(())
}

#[test]
fn simulated_vfs_have_their_name_for_a_device() -> Result<()> {
    let node = Node::builder().naming(Naming::Simulated).privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let vf = &node.vfs()[1];
    assert_eq!((vf.device_id(), vf.name.as_str()), ("eth0-3", "eth0-3"));
    let conf = node.conf_for(vf);
    assert_eq!(call(&node, Verb::Add, &pod, &conf)?.pod.expect("an interface").vf_netdev_name, "eth0-3");
    node.delete_pod(&pod);
    let deleted = call(&node, Verb::Del, &pod, &conf)?;
    assert_eq!(deleted.pod.expect("saved all the same").vf_netdev_name, "eth0-3");
    node.behave(|b| b.generation = Generation::Old);
    let refused = call(&node, Verb::Del, &pod, &conf).expect_err("a refusal");
    assert!(refused.to_string().contains("expected PCI or Auxiliary device name, got - eth0-3"), "{refused}");
    Ok(())
}

#[test]
fn a_configuration_that_an_old_server_cannot_read() -> Result<()> {
    let node = Node::builder().generation(Generation::Old).start()?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["prevResult"] = json!({"cniVersion": "1.1.0"});
    let refused = call(&node, Verb::Del, &pod, &conf).expect_err("a refusal");
    assert!(matches!(&refused, Failure::Refused(text) if text == "broken stdin args"), "{refused}");
    Ok(())
}

#[test]
fn the_token_of_an_answer_shows_nowhere() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let response = call(&node, Verb::Add, &pod, &node.conf_for(&node.vfs()[0]))?;
    assert!(response.kube_auth.is_some());
    assert!(!format!("{response:?}").contains(TOKEN));
    assert!(!serde_json::to_string(&response)?.contains(TOKEN));
    Ok(())
}

#[test]
fn a_pods_annotations_decide_what_it_gets() -> Result<()> {
    let node = Node::builder().vfs(2).start()?;
    let (plain, bare) = (node.pod("web", "web-0")?, node.pod("web", "vm-0")?);
    node.edit_pod(&plain, |pod| {
        let eth0 = pod.interfaces.get_mut("eth0").expect("an interface");
        (eth0.mtu, eth0.routable_mtu) = (1300, 1200);
    })?;
    node.edit_pod(&bare, |pod| pod.interfaces.get_mut("eth0").expect("an interface").skip_ip_config = true)?;
    for (pod, vf) in [&plain, &bare].into_iter().zip(node.vfs()) {
        call(&node, Verb::Add, pod, &node.conf_for(vf))?;
    }
    assert_eq!(plain.link("eth0")?.expect("an interface").mtu, 1300);
    let default = plain.ip(&["route", "show", "default"])?;
    assert_eq!(default[0]["metrics"][0]["mtu"], 1200, "{default}");
    let link = bare.link("eth0")?.expect("an interface");
    assert!(link.up && link.addresses.is_empty(), "{link:?}");
    Ok(())
}

#[test]
fn a_pod_without_its_annotation_is_waited_for() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let conf = node.conf_for(&node.vfs()[0]);
    node.edit_pod(&pod, |object| object.annotated = false)?;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| call(&node, Verb::Add, &pod, &conf));
        node.wait_received(1)?;
        node.edit_pod(&pod, |object| object.annotated = true)?;
        assert!(waiting.join().expect("no panic")?.pod.is_some());
        anyhow::Ok(())
    })
}
