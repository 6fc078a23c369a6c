//! An ADD that has succeeded and whose answer cannot be written: for the runtime it has failed, and for the server it is
//! over.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use anyhow::Result;
use node::{Answer, Card, Node, Verb};

use super::*;

/// How standard output is not to be had: full, and closed before the plugin was started.
const SHELLS: [&str; 2] = [r#"exec "$0" > /dev/full"#, r#"exec "$0" >&-"#];

#[test]
fn an_answer_that_cannot_be_written_is_taken_back() -> Result<()> {
    for privileged in [false, true] {
        let node = Node::builder().vfs(3).privileged(privileged).start()?;
        let before = homes(&node)?;
        for shell in SHELLS {
            let pod = node.pod("blue", "web-0")?;
            let conf = with_two_vfs(&node, &pod)?;
            let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&conf).through("sh", &["-c", shell]);
            let output = call.run()?;
            assert_eq!(output.status.code(), Some(1), "{shell}: {output:?}");
            assert!(output.stderr.contains("could not be written"), "{shell}: {output:?}");
            assert_eq!(homes(&node)?, before, "{shell}");
            assert!(pod.links()?.is_empty() && left(&node)?.is_empty(), "{shell}: {:?}", left(&node)?);
            assert_eq!(node.commands().last().map(String::as_str), Some("DEL"), "{shell}");
        }
    }
    Ok(())
}

/// An ADD whose runtime is killed while it waits for the card.
fn abandoned(node: &Node, pod: &Pod) -> Result<Output> {
    node.behave(|b| b.card = Card::After(Duration::from_secs(1)));
    let adding = node.call(PLUGIN, Verb::Add)?.pod(pod).conf(&node.conf_for(&node.vfs()[0])).spawn()?;
    node.wait_received(1)?;
    adding.abandon()
}

#[test]
fn a_killed_runtimes_vf_serves_the_next_pod() -> Result<()> {
    for privileged in [false, true] {
        let node = Node::builder().privileged(privileged).start()?;
        let before = home(&node, &node.vfs()[0])?;
        let pod = node.pod("web", "web-0")?;
        assert_eq!(abandoned(&node, &pod)?.status.code(), Some(1));
        assert_eq!(home(&node, &node.vfs()[0])?, before);
        assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
        let next = node.pod("web", "next")?;
        add(&node, &next, &node.vfs()[0])?.ok()?;
    }
    Ok(())
}

#[test]
fn a_deaf_server_hears_of_it_later() -> Result<()> {
    let node = Node::builder().privileged(false).behave(|b| b.del = Answer::HangUp).start()?;
    let pod = node.pod("web", "web-0")?;
    assert_eq!(abandoned(&node, &pod)?.status.code(), Some(1));
    assert!(left(&node)?.iter().all(|file| file.starts_with("untold/")), "{:?}", left(&node)?);
    node.behave(|b| b.del = Answer::Proper);
    let other = node.pod("web", "other")?;
    del(&node, &other, &node.vfs()[1])?.ok()?;
    node.idle()?;
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    Ok(())
}

/// A shell and Go's `os/exec` throw an answer away like that for whoever wants it.
#[test]
fn an_answer_that_is_not_wanted_is_an_answer() -> Result<()> {
    let node = Node::builder().start()?;
    let pod = node.pod("web", "web-0")?;
    let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0]));
    call.through("sh", &["-c", r#"exec "$0" > /dev/null"#]).run()?.ok()?;
    assert!(pod.link("eth0")?.is_some_and(|link| link.up));
    Ok(())
}

/// The same container once more, as cnitool calls it: what is taken back is one's own.
#[test]
fn nobody_takes_back_the_attachment_of_another_call() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let pod = node.pod("web", "web-0")?;
    let path = node.root().join("stdout");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU)?;
    // Full, so that the answer waits; broken, once nobody has it open to read.
    let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let mut pipe = fs::File::options().read(true).write(true).custom_flags(flags).open(&path)?;
    while pipe.write(&[0; 4096]).is_ok() {}
    let shell = format!(r#"exec "$0" > {}"#, path.display());
    let call = node.call(PLUGIN, Verb::Add)?.pod(&pod).conf(&node.conf_for(&node.vfs()[0]));
    let adding = call.through("sh", &["-c", &shell]).spawn()?;
    wait_until(|| Ok(left(&node)?.len() == 2 && record(&node)?.1["stage"] == "attached"))?;
    rewrite(&node, |record| record["call"] = "another".into())?;
    drop(pipe);
    assert_eq!(adding.wait()?.status.code(), Some(1));
    assert!(pod.link("eth0")?.is_some_and(|link| link.up));
    assert_eq!(record(&node)?.1["stage"], "attached");
    Ok(())
}
