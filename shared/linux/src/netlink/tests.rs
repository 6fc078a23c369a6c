//! The exchange itself, on a socket that can be listened in on. Each test has a thread in a namespace of its own,
//! where link 1 is the loopback.

use std::cell::{Cell, RefCell};
use std::io;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use bytes::BufMut;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_DUMP_INTR, NLM_F_EXCL, NLM_F_MULTIPART};
use nix::sched::{CloneFlags, unshare};
use rtnetlink::sys::{AsyncSocket, SocketAddr};

use super::socket::Socket;
use super::waiting::{Listen, State, Waiting};
use crate::link::{self, Which};
use crate::wire::{RTM_NEWLINK, Request};
use crate::{Error, LinkChange, address};

thread_local! {
    /// What the socket did: `>` a datagram sent, `<` one received.
    static LOG: RefCell<String> = const { RefCell::new(String::new()) };
    /// Whether links arrive garbled.
    static GARBLE: Cell<bool> = const { Cell::new(false) };
    /// How many more datagrams with links arrive marked as overtaken by changes.
    static INTERRUPTIONS: Cell<u32> = const { Cell::new(0) };
}

/// The socket that is always used, with a tap on it.
struct Tapped(Waiting);

impl Listen for Tapped {
    fn state(&self) -> &Cell<State> {
        self.0.state()
    }
}

impl AsyncSocket for Tapped {
    fn socket_ref(&self) -> &rtnetlink::sys::Socket {
        self.0.socket_ref()
    }

    fn socket_mut(&mut self) -> &mut rtnetlink::sys::Socket {
        self.0.socket_mut()
    }

    fn new(protocol: isize) -> io::Result<Tapped> {
        Waiting::new(protocol).map(Tapped)
    }

    fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_send(cx, buf)
    }

    fn poll_send_to(&self, cx: &mut Context<'_>, buf: &[u8], addr: &SocketAddr) -> Poll<io::Result<usize>> {
        let sent = ready!(self.0.poll_send_to(cx, buf, addr));
        LOG.with_borrow_mut(|log| log.push('>'));
        Poll::Ready(sent)
    }

    fn poll_recv<B: BufMut>(&self, cx: &mut Context<'_>, buf: &mut B) -> Poll<io::Result<()>> {
        self.0.poll_recv(cx, buf)
    }

    fn poll_recv_from<B: BufMut>(&self, cx: &mut Context<'_>, buf: &mut B) -> Poll<io::Result<SocketAddr>> {
        let mut bytes = Vec::with_capacity(1 << 16);
        let from = ready!(self.0.poll_recv_from(cx, &mut bytes));
        LOG.with_borrow_mut(|log| log.push('<'));
        let is_link = bytes.get(4).copied().map(u16::from) == Some(RTM_NEWLINK);
        if is_link && GARBLE.get() {
            // The first attribute, behind two headers of 16 bytes each, now claims to be shorter than its header.
            bytes[32..34].copy_from_slice(&1_u16.to_ne_bytes());
        }
        if is_link && INTERRUPTIONS.get() > 0 {
            INTERRUPTIONS.set(INTERRUPTIONS.get() - 1);
            bytes[6..8].copy_from_slice(&(NLM_F_MULTIPART | NLM_F_DUMP_INTR).to_ne_bytes());
        }
        buf.put_slice(&bytes);
        Poll::Ready(from)
    }

    fn poll_recv_from_full(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Vec<u8>, SocketAddr)>> {
        self.0.poll_recv_from_full(cx)
    }
}

/// Runs the test in a namespace of its own; needs root.
fn alone(test: impl FnOnce(Socket<Tapped>) + Send + 'static) {
    let run = || {
        unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root");
        test(Socket::here().unwrap());
    };
    if let Err(panic) = thread::spawn(run).join() {
        std::panic::resume_unwind(panic);
    }
}

fn set_up() -> Request {
    LinkChange { up: Some(true), ..LinkChange::default() }.request(1)
}

fn ask_for_link() -> Request {
    link::question(Which::Index(1))
}

fn add_address(last: u8) -> (Request, u16) {
    let address = format!("10.0.0.{last}/24").parse().unwrap();
    (address::request(1, address), NLM_F_CREATE | NLM_F_EXCL)
}

fn nothing() -> String {
    "do nothing".to_owned()
}

#[test]
fn a_batch_is_sent_at_once() {
    alone(|socket| {
        let orders: Vec<_> = (1..=9).map(add_address).collect();
        socket.orders(orders, |_| nothing()).unwrap();
        assert_eq!(LOG.take(), "><<<<<<<<<");
        // The same on a socket that has been in use.
        let orders: Vec<_> = (11..=13).map(add_address).collect();
        socket.orders(orders, |_| nothing()).unwrap();
        assert_eq!(LOG.take(), "><<<");
    });
}

#[test]
fn one_request_is_one_message_each_way() {
    alone(|socket| {
        socket.order(set_up(), 0, nothing).unwrap();
        assert_eq!(LOG.take(), "><");
    });
}

#[test]
fn an_unanswered_request_ends_with_the_timeout() {
    alone(|mut socket| {
        socket.timeout = Duration::from_millis(20);
        // A reply that the kernel does not owe us: it acknowledges only what asks for it.
        let unanswered = socket.get(set_up(), nothing);
        assert!(matches!(unanswered, Err(Error::Timeout { .. })), "{unanswered:?}");
        socket.timeout = Duration::from_secs(5);
        assert!(socket.get(ask_for_link(), nothing).unwrap().is_some());
    });
}

#[test]
fn an_undecodable_answer_needs_no_timeout() {
    alone(|mut socket| {
        socket.timeout = Duration::from_secs(3600);
        GARBLE.set(true);
        let error = socket.get(ask_for_link(), nothing).unwrap_err();
        assert!(matches!(error, Error::Undecodable { .. }), "{error}");
        GARBLE.set(false);
        assert!(socket.get(ask_for_link(), nothing).unwrap().is_some());
    });
}

#[test]
fn a_garbled_dump_is_not_complete() {
    alone(|socket| {
        GARBLE.set(true);
        let error = socket.dump(&link::question(Which::All), nothing).unwrap_err();
        assert!(matches!(error, Error::Undecodable { .. }), "{error}");
    });
}

#[test]
fn an_interrupted_dump_is_repeated_with_a_bound() {
    alone(|socket| {
        INTERRUPTIONS.set(2);
        assert_eq!(socket.dump(&link::question(Which::All), nothing).unwrap().len(), 1);
        assert_eq!(LOG.take().matches('>').count(), 3);
        INTERRUPTIONS.set(u32::MAX);
        let error = socket.dump(&link::question(Which::All), nothing).unwrap_err();
        assert!(matches!(error, Error::Unstable { attempts: 5, .. }), "{error}");
    });
}

#[test]
fn a_window_that_fails_ends_the_batch() {
    alone(|socket| {
        let mut orders: Vec<_> = (1..=200).map(add_address).collect();
        orders.insert(10, add_address(1));
        let (step, error) = socket.orders(orders, |step| format!("do step {step}")).unwrap_err();
        assert_eq!((step, error.is_exists()), (10, true));
        assert!(error.to_string().starts_with("cannot do step 10: "), "{error}");
        assert_eq!(LOG.take().matches('>').count(), 1, "nothing behind the window was sent");
    });
}
