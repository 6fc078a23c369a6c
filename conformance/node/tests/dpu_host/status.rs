//! STATUS.

use anyhow::Result;
use node::{Answer, Lease, Node, Verb};

use super::*;

fn status(node: &Node) -> Result<Output> {
    node.call(PLUGIN, Verb::Status)?.conf(&node.conf()).run()
}

#[test]
fn status_tells_why_not() -> Result<()> {
    let node = Node::builder().start()?;
    status(&node)?.ok()?;
    node.behave(|b| b.lease = Lease::Expired);
    assert_eq!(status(&node)?.error()?.0, 51);
    node.behave(|b| b.lease = Lease::NotFound);
    assert_eq!(status(&node)?.error()?.0, 50);
    node.behave(|b| b.lease = Lease::Healthy);
    node.stop_server();
    let (code, text) = status(&node)?.error()?;
    assert_eq!(code, 50);
    assert!(text.contains("ovnkube-node"), "{text}");
    node.remove_socket()?;
    assert_eq!(status(&node)?.error()?.0, 50);
    Ok(())
}

#[test]
fn status_of_an_old_server_is_that_it_lives() -> Result<()> {
    let node = Node::builder().generation(node::Generation::Old).start()?;
    status(&node)?.ok()?;
    Ok(())
}

#[test]
fn a_status_that_is_not_answered_ends() -> Result<()> {
    let node = Node::builder().behave(|b| b.status = Answer::Hang).start()?;
    assert_eq!(status(&node)?.error()?.0, 50);
    Ok(())
}

#[test]
fn an_exhausted_pool_fails_no_status() -> Result<()> {
    let node = Node::builder().vfs(1).start()?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    status(&node)?.ok()?;
    Ok(())
}
