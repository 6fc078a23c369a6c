//! Paths of a configuration: only below the allowed folders, and by no symlink out of them.

use std::os::unix::fs::symlink;

use serde_json::json;

use super::*;

const KEYS: [&str; 4] = ["socket", "podResourcesSocket", "stateDir", "logFile"];

/// A folder of a tenant's below `/run`, and a bystander's socket next to it.
fn tenant(node: &Node) -> Result<Bystander> {
    let run = node.root().join("run");
    let bystander = Bystander::listen(&run.join("bystander.sock"))?;
    std::fs::create_dir(run.join("tenant"))?;
    symlink("../bystander.sock", run.join("tenant/link"))?;
    symlink("..", run.join("tenant/folder"))?;
    chown(run.join("tenant"), Some(NOBODY), None)?;
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
            "/var/log",
            "/runaway/x",
            "/var/logs/x",
            "/var/lib/kubelet/../x",
            "/proc/self/fd/0",
            "/run/x\0/y",
            "/var/log/x\0",
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
    let bystander = tenant(&node)?;
    for path in ["/run/tenant/link", "/var/run/tenant/link", "/run/tenant/folder/bystander.sock"] {
        let mut conf = node.conf_for(&node.vfs()[0]);
        conf["socket"] = json!(path);
        let began = Instant::now();
        let pod = node.pod("web", "web-0")?;
        let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
        assert_eq!(code, 7, "{path}: {text}");
        assert!(text.contains("socket") && text.contains("symlink"), "{path}: {text}");
        assert!(began.elapsed() < Duration::from_secs(10), "nothing to wait for");
        node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
        assert_eq!(node.call(PLUGIN, Verb::Status)?.conf(&conf).run()?.error()?.0, 50);

        let mut conf = node.conf();
        conf["resourceName"] = json!("openshift.io/dpuvf");
        conf["podResourcesSocket"] = json!(path);
        let (code, text) = node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
        assert_eq!(code, 7, "{path}: {text}");
        assert!(text.contains("podResourcesSocket") && text.contains("symlink"), "{path}: {text}");
        assert!(!bystander.was_asked(), "{path}");
    }
    home(&node, &node.vfs()[0])?;
    // The DELs are told by later calls, which say where.
    assert!(!node.commands().contains(&"ADD".to_owned()), "{:?}", node.commands());
    Ok(())
}

#[test]
fn the_same_sockets_serve_under_their_own_names() -> Result<()> {
    // Longer than an address of a unix socket may be, and by the older name of /run.
    let node = Node::builder().privileged(false).start()?;
    let deep = format!("run/{}", "d".repeat(120));
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
fn a_path_that_is_too_long_is_no_reason_to_wait() -> Result<()> {
    let node = Node::builder().start()?;
    let mut conf = node.conf_for(&node.vfs()[0]);
    for path in [format!("/run/{}", "x".repeat(300)), format!("/run/{}", "x/".repeat(3000))] {
        for key in ["socket", "stateDir"] {
            conf[key] = json!(path);
            let began = Instant::now();
            let code = if key == "socket" { 7 } else { 109 };
            refused(&node, &conf, code)?;
            assert!(began.elapsed() < Duration::from_secs(10), "{key}");
            conf = node.conf_for(&node.vfs()[0]);
        }
    }
    Ok(())
}
