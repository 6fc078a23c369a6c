//! Who answers on the node's sockets: only root may say what a pod's network is.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, socket};
use nix::unistd::pipe;
use serde_json::json;

use super::*;

/// A listener of nobody's on a path where only root can put one: it says nothing. Dropping it ends it.
struct Impostor(Child);

impl Impostor {
    /// A peer's credentials are those of the process that called listen(2).
    fn listen(path: &Path) -> Result<Self> {
        let made = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        bind(std::os::fd::AsRawFd::as_raw_fd(&made), &UnixAddr::new(path)?)?;
        let (ready, listening): (OwnedFd, OwnedFd) = pipe()?;
        let serve = "import socket, sys, time\n\
                     s = socket.socket(fileno=0)\n\
                     s.listen(8)\n\
                     print('listening', flush=True)\n\
                     time.sleep(600)";
        let child = Command::new("python3")
            .args(["-S", "-c", serve])
            .uid(NOBODY)
            .gid(NOBODY)
            .stdin(Stdio::from(made))
            .stdout(Stdio::from(listening))
            .spawn()
            .context("running python3")?;
        let impostor = Impostor(child);
        let mut word = [0; 9];
        std::fs::File::from(ready).read_exact(&mut word).context("python3 does not listen")?;
        Ok(impostor)
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn another_users_server_is_refused_and_told_nothing() -> Result<()> {
    let node = Node::builder().start()?;
    node.stop_server();
    node.remove_socket()?;
    let _impostor = Impostor::listen(&node.server_socket())?;
    let conf = node.conf_for(&node.vfs()[0]);
    let text = refused(&node, &conf, 105)?;
    assert!(text.contains("uid 65534") && text.contains("only root"), "{text}");
    let (code, text) = node.call(PLUGIN, Verb::Status)?.conf(&conf).run()?.error()?;
    assert_eq!(code, 50, "{text}");
    assert!(text.contains("uid 65534"), "{text}");
    Ok(())
}

#[test]
fn another_users_kubelet_is_refused() -> Result<()> {
    let node = Node::builder().start()?;
    node.stop_kubelet();
    let _impostor = Impostor::listen(&node.kubelet_socket())?;
    let mut conf = node.conf();
    conf["resourceName"] = json!(RESOURCE);
    let text = refused(&node, &conf, 105)?;
    assert!(text.contains("uid 65534") && text.contains("only root"), "{text}");
    Ok(())
}
