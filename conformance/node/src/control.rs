//! Orders to a running node, one a line.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::behaviour::{Answer, Card, Generation, Get, Kubelet, Lease};
use super::{Node, Vf};

/// What can be said.
const HELP: &str = "\
card ready | never | after SECONDS | reports TEXT   how the card takes a request to connect a VF
reset-card [without DEVICE...]                      its functions vanish and come back as others
function DEVICE NAME                                one that has stayed away comes back, under this name
lease off | healthy | expired | not-found           the card's lease
server stop | away | start                          kill ovnkube-node, also remove its socket, start it
server privileged | unprivileged | old | new        who moves the VF; which generation
add | del | status ANSWER                           proper, truncated, lost, hang, hang-up, garbage, deep,
                                                    wrong-types, both-null, endless, or a text to refuse with
kubelet stop | start | healthy | refuses | hangs    the PodResources API
kubelet restarted                                   it lists static pods only, until it is healthy
kubelet served | off | missing                      what it says when it is asked for one pod
kubelet list MIB                                    by how much its list of all pods is too long
allocate NAMESPACE/POD RESOURCE DEVICE...           what the kubelet tells of a pod: one more container's devices
claim NAMESPACE/POD CLAIM DRIVER DEVICE...          the same by dynamic resource allocation
udn NAMESPACE/POD DEVICE                            give a pod a primary user-defined network, and this device
delete NAMESPACE/POD                                remove a pod from the API server
received                                            the requests that the server got
help                                                this
";

/// Does what the line says, and returns what there is to say about it.
pub(super) fn obey(node: &Node, line: &str) -> Result<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [] => {}
        ["help"] => return Ok(HELP.into()),
        ["received"] => return received(node),
        ["card", card @ ..] => {
            let card = card_of(card)?;
            node.behave(|b| b.card = card);
        }
        ["reset-card", rest @ ..] => {
            let away = match rest {
                [] => Vec::new(),
                ["without", away @ ..] => away.iter().map(|id| vf_of(node, id)).collect::<Result<_>>()?,
                _ => bail!("reset-card, or reset-card without DEVICE...?"),
            };
            node.card_goes_down()?;
            node.behave(|b| b.lease = Lease::Expired);
            node.card_comes_up_without(&away)?;
        }
        ["function", device, name] => node.function_comes(vf_of(node, device)?, name)?,
        ["lease", lease] => {
            let lease = Lease::from_str(lease, true).ok().context("off, healthy, expired or not-found?")?;
            node.behave(|b| b.lease = lease);
        }
        ["server", what] => server(node, what)?,
        ["kubelet", "list", mib] => {
            let mib: usize = mib.parse().context("how many MiB?")?;
            node.behave(|b| b.list_padding = mib << 20);
        }
        ["kubelet", what] => kubelet(node, what)?,
        [verb @ ("add" | "del" | "status"), text @ ..] => {
            let answer = answer_of(&text.join(" "));
            node.behave(|b| match *verb {
                "add" => b.add = answer,
                "del" => b.del = answer,
                _ => b.status = answer,
            });
        }
        ["allocate", pod, resource, devices @ ..] => {
            let (namespace, name) = pod_of(pod)?;
            node.allocate_to(namespace, name, resource, devices);
        }
        ["claim", pod, claim, driver, devices @ ..] => {
            let (namespace, name) = pod_of(pod)?;
            let devices: Vec<_> = devices.iter().map(|device| (*driver, *device)).collect();
            node.allocate_claim_to(namespace, name, claim, &devices);
        }
        ["udn", pod, device] => {
            let (namespace, name) = pod_of(pod)?;
            node.give_udn_to(namespace, name, device)?;
        }
        ["delete", pod] => {
            let (namespace, name) = pod_of(pod)?;
            node.delete_named_pod(namespace, name);
        }
        _ => bail!("{line:?} is not understood; 'help' lists what is"),
    }
    Ok(String::from("done\n"))
}

fn card_of(words: &[&str]) -> Result<Card> {
    Ok(match words {
        ["ready"] => Card::Ready,
        ["never"] => Card::Never,
        ["after", seconds] => {
            let seconds = seconds.parse().context("how many seconds?")?;
            Card::After(Duration::try_from_secs_f64(seconds)?)
        }
        ["reports", text @ ..] => Card::Reports(text.join(" ")),
        _ => bail!("ready, never, after SECONDS, or reports TEXT?"),
    })
}

fn answer_of(text: &str) -> Answer {
    match text {
        "proper" => Answer::Proper,
        "truncated" => Answer::Truncated,
        "lost" => Answer::Lost,
        "hang" => Answer::Hang,
        "hang-up" => Answer::HangUp,
        "garbage" => Answer::garbage(),
        "deep" => Answer::deep(),
        "wrong-types" => Answer::wrong_types(),
        "both-null" => Answer::both_null(),
        "endless" => Answer::Endless,
        text => Answer::Refuse(text.into()),
    }
}

fn server(node: &Node, what: &str) -> Result<()> {
    match what {
        "stop" => node.stop_server(),
        "away" => {
            node.stop_server();
            node.remove_socket()?;
        }
        "start" => node.start_server()?,
        "privileged" | "unprivileged" => node.behave(|b| b.privileged = what == "privileged"),
        "old" => node.behave(|b| b.generation = Generation::Old),
        "new" => node.behave(|b| b.generation = Generation::New),
        _ => bail!("stop, away, start, privileged, unprivileged, old or new?"),
    }
    Ok(())
}

fn kubelet(node: &Node, what: &str) -> Result<()> {
    let behaviour = match what {
        "stop" => {
            node.stop_kubelet();
            return Ok(());
        }
        "start" => return node.start_kubelet(),
        "healthy" => Kubelet::Healthy,
        "refuses" => Kubelet::Refuses,
        "hangs" => Kubelet::Hangs,
        "restarted" => Kubelet::Restarted,
        other => {
            let get = Get::from_str(other, true).ok();
            let get =
                get.context("stop, start, healthy, refuses, hangs, restarted, served, off or missing?")?;
            node.behave(|b| b.get = get);
            return Ok(());
        }
    };
    node.behave(|b| b.kubelet = behaviour);
    Ok(())
}

fn received(node: &Node) -> Result<String> {
    let mut text = String::new();
    for request in node.received() {
        let env = |key: &str| request.env.get(key).cloned().unwrap_or_default();
        let (netns, args) = (env("CNI_NETNS"), env("CNI_ARGS"));
        writeln!(text, "{} {} {netns} {args} {}", request.command, env("CNI_IFNAME"), request.config)?;
    }
    Ok(text)
}

fn vf_of<'a>(node: &'a Node, device: &str) -> Result<&'a Vf> {
    node.vfs().iter().find(|vf| vf.device_id() == device).with_context(|| format!("there is no VF {device}"))
}

fn pod_of(word: &str) -> Result<(&str, &str)> {
    word.split_once('/').context("a pod is NAMESPACE/POD")
}
