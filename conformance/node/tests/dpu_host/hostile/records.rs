//! Something else where a record, a claim or a lock should be. Only root can have put it there; it must not hang a
//! pod's deletion, nor lose a VF that a record holds.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::json;

use super::*;

/// An attached pod, and the file of its record.
fn attached() -> Result<(Node, Pod, PathBuf)> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    add(&node, &pod, &node.vfs()[0])?.ok()?;
    let records = node.root().join("run/dpu-cni/attachments");
    let record = std::fs::read_dir(records)?.next().context("a record")??.path();
    Ok((node, pod, record))
}

/// Puts something in the place of a file.
type Replace = fn(&Path) -> Result<()>;

const REPLACEMENTS: [(&str, Replace); 6] = [
    ("a symlink to another file", |path| Ok(symlink("/etc/hostname", path)?)),
    ("a symlink to nothing", |path| Ok(symlink("nowhere", path)?)),
    ("a pipe", |path| Ok(mkfifo(path, Mode::S_IRWXU)?)),
    ("a directory", |path| Ok(std::fs::create_dir(path)?)),
    ("an endless file", |path| Ok(std::fs::File::create(path)?.set_len(1 << 40)?)),
    ("a device", |path| Ok(symlink("/dev/zero", path)?)),
];

#[test]
fn a_del_hangs_on_nothing_that_is_no_record() -> Result<()> {
    for (what, replace) in REPLACEMENTS {
        let (node, pod, record) = attached()?;
        std::fs::remove_file(&record)?;
        replace(&record)?;
        let done = del(&node, &pod, &node.vfs()[0])?;
        done.ok().context(what)?;
        assert!(done.elapsed < Duration::from_secs(30), "{what}: {:?}", done.elapsed);
        assert!(record.symlink_metadata().is_ok(), "{what} is not ours to remove");
        // Nor is anybody else stopped by it.
        let other = node.pod("web", "web-1")?;
        add(&node, &other, &node.vfs()[1])?.ok().context(what)?;
        del(&node, &other, &node.vfs()[1])?.ok().context(what)?;
        gc(&node, None).context(what)?;
    }
    Ok(())
}

#[test]
fn a_lock_is_taken_of_a_file_only() -> Result<()> {
    for (what, replace) in REPLACEMENTS {
        if what == "an endless file" {
            // As good as any.
            continue;
        }
        let (node, pod, record) = attached()?;
        del(&node, &pod, &node.vfs()[0])?.ok()?;
        let lock = record.with_file_name(format!("../devices/{}.lock", node.vfs()[0].device_id()));
        std::fs::remove_file(&lock)?;
        replace(&lock)?;
        let (code, text) = add(&node, &pod, &node.vfs()[0])?.error()?;
        assert_eq!(code, 109, "{what}: {text}");
        home(&node, &node.vfs()[0])?;
    }
    Ok(())
}

#[test]
fn a_claim_leads_nowhere_but_to_a_record() -> Result<()> {
    let (node, pod, record) = attached()?;
    let claim = record.with_file_name(format!("../devices/{}", node.vfs()[0].device_id()));
    // The record of a VF that is held, in a place where records are not.
    let elsewhere = node.root().join("run/elsewhere.json");
    std::fs::copy(&record, &elsewhere)?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    symlink("../../elsewhere.json", &claim)?;
    let other = node.pod("web", "web-1")?;
    add(&node, &other, &node.vfs()[0])?.ok()?;
    Ok(())
}

#[test]
fn a_dels_file_that_is_none_is_no_matter() -> Result<()> {
    for (what, replace) in REPLACEMENTS {
        let (node, pod, record) = attached()?;
        replace(&record.with_file_name("../untold/x.json"))?;
        let done = del(&node, &pod, &node.vfs()[0])?;
        done.ok().context(what)?;
        assert!(done.elapsed < Duration::from_secs(30), "{what}: {:?}", done.elapsed);
    }
    Ok(())
}

#[test]
fn a_record_is_read_again_however_long_its_configuration() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let before = home(&node, &node.vfs()[0])?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["description"] = "x".repeat(9 << 20).into();
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

/// A node whose only record is forged, and what must then leave the host as it is.
fn believed_by_nobody(forge: impl FnOnce(&Node, &mut Value) -> Result<()>) -> Result<()> {
    let (node, pod, _) = attached()?;
    node.change_host("link add eth9 type veth peer name eth8\nlink set eth9 up\nlink set ens1f0 up")?;
    let (file, mut record) = record(&node)?;
    forge(&node, &mut record)?;
    std::fs::write(&file, record.to_string())?;
    let (inside, host) = (pod.links()?, node.host_links()?);
    gc(&node, Some(json!([])))?;
    let other = node.pod("web", "web-1")?;
    add(&node, &other, &node.vfs()[1])?.ok()?;
    del(&node, &other, &node.vfs()[1])?.ok()?;
    assert_eq!((pod.links()?, node.host_links()?), (inside, host.clone()), "{record}");
    // Without a record it has what a pod has that another plugin attached.
    del(&node, &pod, &node.vfs()[0])?.ok()?;
    let others = |links: Vec<LinkState>| -> Vec<LinkState> {
        links.into_iter().filter(|link| link.name != node.vfs()[0].name).collect()
    };
    assert_eq!(others(node.host_links()?), others(host), "{record}");
    Ok(())
}

/// Has the record say that a link of the host is its VF.
fn points_at(node: &Node, record: &mut Value, name: &str) -> Result<()> {
    let link = linux::Netlink::inside(node.host().netns())?.link(name)?.context("a link")?;
    let held = &mut record["devices"][0];
    held["home"]["name"] = json!("stolen");
    held["home"]["index"] = json!(link.index);
    held["inside"]["index"] = json!(link.index);
    held["home"]["unparented"]["peer"] = json!(link.peer);
    Ok(())
}

#[test]
fn no_record_of_the_hosts_namespace_counts() -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    believed_by_nobody(|node, record| {
        points_at(node, record, "eth9")?;
        let netns = node.host().path();
        let meta = std::fs::metadata(netns)?;
        record["netns"] = json!(netns);
        record["netns_id"] = json!({ "dev": meta.dev(), "inode": meta.ino() });
        Ok(())
    })
}

#[test]
fn no_record_of_another_device_is_acted_on() -> Result<()> {
    for (id, name) in [("0000:03:00.0", "ens1f0"), ("eth9", "eth9")] {
        believed_by_nobody(|node, record| {
            points_at(node, record, name)?;
            record["devices"][0]["id"] = json!(id);
            record["stage"] = json!("released");
            let devices = node.root().join("run/dpu-cni/devices");
            let claim = std::fs::read_link(devices.join(node.vfs()[0].device_id()))?;
            Ok(symlink(claim, devices.join(id))?)
        })?;
    }
    Ok(())
}

#[test]
fn nothing_is_attached_to_the_host() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let before = node.host_links()?;
    let pod = node.pod("web", "web-0")?;
    let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).env("CNI_NETNS", "/proc/self/ns/net");
    let call = call.env("CNI_NETNS_OVERRIDE", "1").conf(&node.conf_for(&node.vfs()[0]));
    let (code, text) = call.run()?.error()?;
    assert_eq!(code, 104, "{text}");
    assert!(text.contains("the host's own"), "{text}");
    assert_eq!(node.host_links()?, before);
    Ok(())
}
