//! Opening and entering network namespaces.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::Sandbox;
use linux::{Netlink, Netns, NetnsError, NetnsId};

#[test]
fn a_namespace_is_the_same_by_every_path() {
    let sandbox = Sandbox::new();
    let netns = sandbox.netns();
    assert_eq!(Netns::id_at(&sandbox.path()).unwrap(), netns.id());
    assert_ne!(Netns::own().unwrap().id(), netns.id());
    let inside = netns.run(|| Netns::own().unwrap().id()).unwrap();
    assert_eq!(inside, netns.id());
}

#[test]
fn a_cookie_tells_reused_numbers_apart() {
    let sandboxes = [Sandbox::new(), Sandbox::new()];
    let [one, other] = sandboxes.each_ref().map(|sandbox| {
        let netns = sandbox.netns();
        NetnsId { cookie: Netlink::inside(&netns).unwrap().cookie(), ..netns.id() }
    });
    assert!(one.cookie.is_some(), "the kernel is older than 5.14");
    let path = sandboxes[0].path();
    let successor = NetnsId { cookie: other.cookie, ..one };
    assert!(Netns::is_at(&path, &one) && one.is(&one));
    assert!(!Netns::is_at(&path, &successor) && !one.is(&successor), "it has the number of one that is gone");
    assert!(!Netns::is_at(&path, &other));
    // What a version before cookies has noted.
    let noted = NetnsId { cookie: None, ..one };
    assert!(Netns::is_at(&path, &noted) && noted.is(&one) && one.is(&noted));
    drop(sandboxes);
    assert!(!Netns::is_at(&path, &one));
}

#[test]
fn the_caller_stays_in_its_namespace() {
    let sandbox = Sandbox::new();
    let before = Netns::own().unwrap().id();
    let _netlink = sandbox.netlink();
    sandbox.netns().run(|| ()).unwrap();
    assert_eq!(Netns::own().unwrap().id(), before);
}

#[test]
fn own_is_the_calling_threads_not_the_main_threads() {
    let sandbox = Sandbox::with_veth();
    let links = sandbox.netns().run(|| Netlink::host().unwrap().link("left").unwrap()).unwrap();
    assert!(links.is_some(), "the socket is in the namespace of the thread that opened it");
}

#[test]
fn what_is_not_there_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [directory.path().join("missing"), file.join("below")] {
        assert!(matches!(Netns::open(&path), Err(NetnsError::Gone(gone)) if gone == path), "{path:?}");
    }
    assert!(matches!(Netns::open(Path::new("/proc/2147483647/ns/net")), Err(NetnsError::Gone(_))));
    assert!(
        Netns::id_at(&directory.path().join("missing"))
            .is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound)
    );
}

#[test]
fn a_namespace_survives_its_path_while_it_is_open() {
    let sandbox = Sandbox::with_veth();
    let netns = sandbox.netns();
    let path = sandbox.path();
    drop(sandbox);
    assert!(matches!(Netns::open(&path), Err(NetnsError::Gone(_))));
    assert!(Netlink::inside(&netns).unwrap().link("left").unwrap().is_some());
}

#[test]
fn an_unmounted_file_is_no_namespace() {
    let directory = tempfile::tempdir().unwrap();
    let left_over = directory.path().join("cni-1234");
    fs::write(&left_over, "").unwrap();
    let error = Netns::open(&left_over).unwrap_err();
    assert!(matches!(&error, NetnsError::NotANamespace(path) if *path == left_over), "{error}");
    assert!(error.to_string().contains(left_over.to_str().unwrap()));
}

#[test]
fn no_directory_fifo_or_socket_hangs() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let socket = directory.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for path in [directory.path(), &fifo, &socket, Path::new("/dev/null")] {
        assert!(matches!(Netns::open(path), Err(NetnsError::NotANamespace(_))), "{path:?}");
    }
}

#[test]
fn other_kinds_of_namespaces_are_refused_when_entered() {
    for path in ["/proc/self/ns/uts", "/proc/self/status"] {
        let netns = Netns::open(Path::new(path)).unwrap();
        assert!(matches!(netns.run(|| ()), Err(NetnsError::NotANamespace(_))), "{path}");
        assert!(
            matches!(Netlink::inside(&netns), Err(linux::Error::Netns(NetnsError::NotANamespace(_)))),
            "{path}"
        );
    }
}

#[test]
fn results_and_panics_come_back() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.netns().run(|| 42).unwrap(), 42);
    let panic = std::panic::catch_unwind(|| sandbox.netns().run(|| panic!("inside")));
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"inside"));
}

/// A socket keeps its namespace alive, and with it a VF in a pod that is gone: it must not outlive its owner.
#[test]
fn a_dropped_socket_lets_its_namespace_die() {
    let keeper = Sandbox::with_veth();
    let sandbox = Sandbox::new();
    keeper.ip(&format!("link set left netns {}", sandbox.name));
    let netlink = sandbox.netlink();
    assert!(netlink.link("left").unwrap().is_some());
    let right = keeper.netlink();
    drop(sandbox);
    assert!(right.link("right").unwrap().is_some(), "the open socket holds the namespace");
    drop(netlink);
    // The kernel takes namespaces down in the background; the veth's other end goes with it.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while right.link("right").unwrap().is_some() {
        assert!(std::time::Instant::now() < deadline, "the namespace still lives");
        std::thread::yield_now();
    }
}
