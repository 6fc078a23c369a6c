//! Paths of a configuration: only below the allowed folders, and by no symlink out of them.

use std::os::unix::fs::symlink;

use serde_json::json;

use super::*;

const KEYS: [&str; 3] = ["socket", "podResourcesSocket", "stateDir"];
/// A volume that a container's root has made to look like root's own.
const VOLUME: &str = "/var/lib/kubelet/pods/4f1c/volumes/kubernetes.io~empty-dir/cache";

/// A folder of a tenant's in this one, and a bystander's socket next to it.
fn tenant(folder: &Path) -> Result<Bystander> {
    let bystander = Bystander::listen(&folder.join("bystander.sock"))?;
    std::fs::create_dir(folder.join("tenant"))?;
    symlink("../bystander.sock", folder.join("tenant/link"))?;
    symlink("..", folder.join("tenant/folder"))?;
    chown(folder.join("tenant"), Some(NOBODY), None)?;
    Ok(bystander)
}

#[test]
fn no_path_leaves_its_folder() -> Result<()> {
    let node = Node::builder().start()?;
    let before = contents(node.root())?;
    let long = format!("/run/{}", "../".repeat(3000));
    for key in KEYS {
        for value in [
            "/etc/passwd",
            "etc/passwd",
            "run/x",
            "../run/x",
            "/run/../etc/x",
            "/var/log/../../etc/x",
            "/run",
            "/run/nologin",
            "/run/ovn-kubernetes",
            "/run/ovn-kubernetes/../x",
            "/run/dpu-cni/x",
            "/run/dpu-cnix",
            "/run/dpu-cni-x/y",
            "/runaway/x",
            "/var/lib/kubelet/../x",
            "/var/lib/kubelet/pod-resources",
            &format!("{VOLUME}/x"),
            "/proc/self/fd/0",
            "/run/dpu-cni-x\0/y",
            "/run/ovn-kubernetes/x\0",
            &long,
        ] {
            let mut conf = node.conf_for(&node.vfs()[0]);
            conf[key] = json!(value);
            let text = refused(&node, &conf, 7)?;
            assert!(text.contains(key) && !text.contains('\n'), "{key} {value:?}: {text:?}");
        }
    }
    assert_eq!(contents(node.root())?, before);
    Ok(())
}

#[test]
fn no_socket_is_connected_to_through_a_symlink() -> Result<()> {
    let node = Node::builder().start()?;
    let ovnkube = tenant(&node.root().join("run/ovn-kubernetes"))?;
    let kubelet = tenant(&node.root().join("var/lib/kubelet/pod-resources"))?;
    let pod = node.pod("web", "web-0")?;
    for place in ["/run/ovn-kubernetes", "/var/run/ovn-kubernetes"] {
        for file in ["link", "folder/bystander.sock"] {
            let path = format!("{place}/tenant/{file}");
            let mut conf = node.conf_for(&node.vfs()[0]);
            conf["socket"] = json!(path);
            let began = Instant::now();
            let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
            assert_eq!(code, 7, "{path}: {text}");
            assert!(text.contains("socket") && text.contains("symlink"), "{path}: {text}");
            assert!(began.elapsed() < Duration::from_secs(10), "nothing to wait for");
            node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
            assert_eq!(node.call(PLUGIN, Verb::Status)?.conf(&conf).run()?.error()?.0, 50);
        }
    }
    for file in ["link", "folder/bystander.sock"] {
        let path = format!("/var/lib/kubelet/pod-resources/tenant/{file}");
        let mut conf = node.conf();
        conf["resourceName"] = json!(RESOURCE);
        conf["podResourcesSocket"] = json!(path);
        let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
        assert_eq!(code, 7, "{path}: {text}");
        assert!(text.contains("podResourcesSocket") && text.contains("symlink"), "{path}: {text}");
    }
    assert!(!ovnkube.was_asked() && !kubelet.was_asked());
    home(&node, &node.vfs()[0])?;
    // The DELs are told by later calls, which say where.
    assert!(!node.commands().contains(&"ADD".to_owned()), "{:?}", node.commands());
    Ok(())
}

#[test]
fn the_same_sockets_serve_under_their_own_names() -> Result<()> {
    // Longer than an address of a unix socket may be, and by the older name of /run.
    let node = Node::builder().privileged(false).start()?;
    let deep = format!("run/ovn-kubernetes/{}", "d".repeat(120));
    std::fs::create_dir(node.root().join(&deep))?;
    std::fs::rename(node.server_socket(), node.root().join(&deep).join("s"))?;
    let pod = node.pod("web", "web-0")?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["socket"] = json!(format!("/var/{deep}/s"));
    node.call(PLUGIN, Verb::Status)?.conf(&conf).run()?.ok()?;
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    Ok(())
}

#[test]
fn an_overlong_path_is_not_waited_for() -> Result<()> {
    let node = Node::builder().start()?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    for (key, path, code) in [
        ("socket", format!("/run/ovn-kubernetes/{}", "x".repeat(300)), 7),
        ("socket", format!("/run/ovn-kubernetes/{}", "x/".repeat(3000)), 7),
        ("stateDir", format!("/run/dpu-cni-{}", "x".repeat(300)), 109),
    ] {
        conf[key] = json!(path);
        let began = Instant::now();
        refused(&node, &conf, code)?;
        assert!(began.elapsed() < Duration::from_secs(10), "{key}");
        conf = node.conf_for(&node.vfs()[0]);
    }
    Ok(())
}

#[test]
fn a_volume_that_looks_like_roots_is_ignored() -> Result<()> {
    // The pod's record is copied there, with another pod's interface in it: what a container's root can write.
    let node = Node::builder().privileged(false).start()?;
    let volume = node.root().join(&VOLUME[1..]);
    std::fs::create_dir_all(&volume)?;
    let bystander = Bystander::listen(&volume.join("s"))?;
    let (mine, other) = (node.pod("web", "web-0")?, node.pod("shop", "shop-0")?);
    add(&node, &other, &node.vfs()[1])?.ok()?;
    let records = node.root().join("run/dpu-cni/attachments");
    let record = std::fs::read_dir(&records)?.next().context("a record")??.path();
    let forged = std::fs::read_to_string(&record)?.replace(&other.container, &mine.container);
    let name =
        record.file_name().context("a name")?.to_string_lossy().replace(&other.container, &mine.container);
    for dir in ["attachments", "devices", "untold"] {
        std::fs::create_dir_all(volume.join("state").join(dir))?;
    }
    std::fs::write(volume.join("state/attachments").join(name), forged)?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    conf["stateDir"] = json!(format!("{VOLUME}/state"));
    conf["socket"] = json!(format!("{VOLUME}/s"));
    let before = contents(&volume)?;
    assert_eq!(node.run(PLUGIN, Verb::Add, &mine, &conf)?.error()?.0, 7);
    node.run(PLUGIN, Verb::Del, &mine, &conf)?.ok()?;
    assert!(other.link("eth0")?.is_some(), "another pod's interface is taken");
    assert_eq!(contents(&volume)?, before);
    assert!(!bystander.was_asked());
    Ok(())
}
