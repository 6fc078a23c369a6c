//! What a call waits for, by a clock that nobody can set; and how long a server may still act.

use std::fs::{self, File, FileTimes};
use std::time::SystemTime;

use anyhow::{Context, Result};
use node::{Answer, Card, Node, Verb};
use serde_json::{Value, json};

use super::*;

const YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Whole seconds since the node booted.
fn uptime() -> Result<i64> {
    let text = fs::read_to_string("/proc/uptime")?;
    Ok(text.split('.').next().context("no uptime")?.parse()?)
}

/// Until when the only record says that the server may act.
fn until(node: &Node) -> Result<i64> {
    record(node)?.1["server_may_act_until"].as_i64().context("it waits for no server")
}

/// A clock that was years ahead while pods came and went, and was set right.
#[test]
fn nothing_is_kept_until_a_date() -> Result<()> {
    let node = Node::builder().privileged(false).behave(|b| b.card = Card::Never).start()?;
    let pod = node.pod("web", "web-0")?;
    let adding = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0])).spawn()?;
    node.wait_received(1)?;
    adding.kill()?;
    let date = (SystemTime::now() + YEARS).duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    // As versions wrote it that went by the wall's clock.
    rewrite(&node, |record| {
        record.as_object_mut().and_then(|record| record.remove("server_may_act_until"));
        record["since"] = json!(date);
        record["server_busy_until"] = json!(date + 120);
        record["stage"] = json!("released");
    })?;
    let draft = node.root().join("run/dpu-cni/attachments/.draft.1");
    File::create(&draft)?.set_times(FileTimes::new().set_modified(SystemTime::now() + YEARS))?;
    let other = node.pod("web", "other")?;
    del(&node, &other, &node.vfs()[1])?.ok()?;
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    Ok(())
}

#[test]
fn a_servers_time_counts_from_its_last_request() -> Result<()> {
    let node = Node::builder().behave(|b| b.add = Answer::Hang).start()?;
    node.stop_server();
    let pod = node.pod("web", "web-0")?;
    let adding = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0])).spawn()?;
    wait_claimed(&node)?;
    let claimed = uptime()?;
    wait_until(|| Ok(uptime()? >= claimed + 3))?;
    node.start_server()?;
    node.wait_received(1)?;
    // Also for whoever comes after a kill.
    adding.kill()?;
    assert!(until(&node)? >= claimed + 3 + 120, "{} {claimed}", until(&node)?);
    Ok(())
}

#[test]
fn an_add_without_a_server_ends_with_its_pod() -> Result<()> {
    let node = Node::builder().start()?;
    node.stop_server();
    let pod = node.pod("web", "web-0")?;
    let adding = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0])).spawn()?;
    wait_claimed(&node)?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    node.start_server()?;
    let (code, text) = adding.wait()?.error()?;
    assert_eq!(code, 11, "{text}");
    assert!(text.contains("was deleted"), "{text}");
    node.idle()?;
    assert!(node.commands().iter().all(|command| command != "ADD"), "{:?}", node.commands());
    Ok(())
}

/// `cniRequestTimeout`, which the server reads, too.
#[test]
fn a_server_given_longer_is_awaited_longer() -> Result<()> {
    let node = Node::builder().behave(|b| b.add = Answer::Hang).start()?;
    let cases: [(Value, i64); 4] =
        [(json!("5m"), 300), (json!("90s"), 120), (json!("a while"), 120), (json!(300), 120)];
    for (given, seconds) in cases {
        let pod = node.pod("web", "web-0")?;
        let mut conf = node.conf_for(&node.vfs()[0]);
        conf["timeoutSeconds"] = json!(1);
        conf["cniRequestTimeout"] = given.clone();
        let before = uptime()?;
        let output = node.run(PLUGIN, Verb::Add, &pod, &conf)?;
        assert_eq!(output.error()?.0, 11, "{given}");
        let said = output.stderr.contains("cniRequestTimeout");
        assert_eq!(said, !["5m", "90s"].contains(&given.as_str().unwrap_or_default()), "{}", output.stderr);
        let range = before + seconds..=uptime()? + seconds + 1;
        assert!(range.contains(&until(&node)?), "{given}: {} is not in {range:?}", until(&node)?);
        let heard = node.received().pop().context("nothing received")?;
        assert_eq!(heard.config["cniRequestTimeout"], given);
        // It is over: the next one begins anew.
        rewrite(&node, |record| record["server_may_act_until"] = json!(0))?;
        del(&node, &pod, &node.vfs()[0])?.ok()?;
    }
    Ok(())
}
