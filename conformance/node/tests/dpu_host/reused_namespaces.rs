//! A namespace that has the path and the number of one that is gone: the kernel gives numbers again, and only its cookie
//! tells one from the other.

use anyhow::Result;
use node::Node;
use serde_json::json;

use super::*;

/// A pod that is gone, whose record leads to another one's namespace by path and number.
fn mistaken(node: &Node) -> Result<(Pod, Pod)> {
    let gone = node.pod("web", "gone")?;
    add(node, &gone, &node.vfs()[0])?.ok()?;
    node.lose_netns(&gone)?;
    let next = node.pod("web", "next")?;
    let (path, id) = (next.netns().path(), next.netns().netns().id());
    rewrite(node, |record| {
        record["netns"] = json!(path);
        record["netns_id"]["dev"] = json!(id.dev);
        record["netns_id"]["inode"] = json!(id.inode);
    })?;
    Ok((gone, next))
}

#[test]
fn a_gone_pods_del_takes_nothing_from_others() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let (gone, next) = mistaken(&node)?;
    let vf = &node.vfs()[0];
    // The kernel has sent it home as it was called in the pod.
    node.change_host(&format!("link set eth0 netns {}", next.netns().path().display()))?;
    del(&node, &gone, vf)?.ok()?;
    assert!(next.link("eth0")?.is_some(), "it is in a pod that its record is not of");
    Ok(())
}

#[test]
fn a_gone_pods_vf_is_anybodys() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let (_gone, _next) = mistaken(&node)?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    assert!(pod.link("eth0")?.is_some_and(|link| link.up));
    Ok(())
}

#[test]
fn a_record_before_cookies_goes_by_number() -> Result<()> {
    let (node, pod, before) = attached(false)?;
    rewrite(&node, |record| {
        record["netns_id"].as_object_mut().and_then(|id| id.remove("cookie"));
    })?;
    let other = node.pod("web", "other")?;
    assert_eq!(add(&node, &other, &node.vfs()[0])?.error()?.0, 102);
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    Ok(())
}
