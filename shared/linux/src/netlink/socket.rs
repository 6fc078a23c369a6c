//! One netlink socket and the exchange of messages over it.
//!
//! We drive the [`Connection`] ourselves while somebody waits for an answer, instead of leaving it to a task of a runtime:
//! so dropping a [`Socket`] closes it at once, and nothing is left that would keep a pod's namespace alive.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::Stream;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use rtnetlink::proto::{Connection, ConnectionHandle, new_connection_with_socket};
use rtnetlink::sys::SocketAddr;
use rtnetlink::sys::protocols::{NETLINK_GENERIC, NETLINK_ROUTE};

use super::answer::Answer;
use super::message::Message;
use super::reply::{Decode, Reply};
use super::waiting::{Listen, State, Waiting};
use crate::wire::Request;
use crate::{Error, Netns, netns};

/// How long an answer is waited for once the kernel has taken the request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many requests may be on their way: their acknowledgements (some 800 bytes each, as the kernel counts) must
/// fit into the receive buffer (`net.core.rmem_default`, 208 KiB), for what doesn't fit is lost.
const WINDOW: usize = 64;

/// How often a dump is repeated when changes overtake it.
const DUMP_ATTEMPTS: u32 = 5;

pub(super) struct Socket<S = Waiting> {
    line: RefCell<Line<S>>,
    decode: Decode,
    pub(super) timeout: Duration,
}

/// Both ends of the connection: requests go into the handle, the connection moves them to the socket.
struct Line<S> {
    handle: ConnectionHandle<Message>,
    connection: Connection<Message, S>,
}

/// Why there was no answer.
enum Silence {
    Timeout,
    Broken,
}

impl<S: Listen + Send> Socket<S> {
    /// Opens a socket for links, addresses and routes in the calling thread's namespace.
    pub(super) fn here() -> Result<Socket<S>, Error> {
        Socket::open(NETLINK_ROUTE, Reply::decode)
    }

    /// Opens a socket for generic families in the calling thread's namespace.
    pub(super) fn generic() -> Result<Socket<S>, Error> {
        Socket::open(NETLINK_GENERIC, Reply::generic)
    }

    fn open(protocol: isize, decode: Decode) -> Result<Socket<S>, Error> {
        let line = Line::open(protocol).map_err(failed("open a netlink socket"))?;
        Ok(Socket { line: RefCell::new(line), decode, timeout: TIMEOUT })
    }

    /// Opens a socket in this namespace, where it stays.
    pub(super) fn inside(netns: &Netns) -> Result<Socket<S>, Error> {
        netns.run(Socket::here)?
    }

    /// The cookie of the namespace that it is in.
    pub(super) fn cookie(&self) -> Option<u64> {
        netns::cookie(self.line.borrow_mut().connection.socket_mut().socket_ref())
    }

    /// Asks for one thing. None if the kernel says `ENODEV`, there is no such link.
    pub(super) fn get(&self, question: Request, what: impl Fn() -> String) -> Result<Option<Reply>, Error> {
        let mut answer = self.one(question, 0, &what)?;
        match answer.refusal {
            Some(refusal) if refusal.is_no_device() => Ok(None),
            Some(refusal) => Err(refusal.into_error(what())),
            None => answer.replies.pop().map(Some).ok_or_else(|| Error::Undecodable { what: what() }),
        }
    }

    /// Asks for all there is of one kind, again if it changed meanwhile.
    pub(super) fn dump(&self, question: &Request, what: impl Fn() -> String) -> Result<Vec<Reply>, Error> {
        for _ in 0..DUMP_ATTEMPTS {
            let answer = self.one(question.clone(), NLM_F_DUMP, &what)?;
            match answer.refusal {
                Some(refusal) => return Err(refusal.into_error(what())),
                None if answer.garbled => return Err(Error::Undecodable { what: what() }),
                None if answer.interrupted => {}
                None => return Ok(answer.replies),
            }
        }
        Err(Error::Unstable { what: what(), attempts: DUMP_ATTEMPTS })
    }

    /// Has one thing done.
    pub(super) fn order(&self, order: Request, flags: u16, what: impl Fn() -> String) -> Result<(), Error> {
        match self.one(order, NLM_F_ACK | flags, &what)?.refusal {
            Some(refusal) => Err(refusal.into_error(what())),
            None => Ok(()),
        }
    }

    /// Has several things done, one after the other; all are sent before the first acknowledgement is read (in
    /// windows of 64). The error carries the index of the first that failed.
    pub(super) fn orders(
        &self,
        orders: Vec<(Request, u16)>,
        what: impl Fn(usize) -> String,
    ) -> Result<(), (usize, Error)> {
        let mut done = 0;
        let mut orders = orders.into_iter().map(|(order, flags)| message(order, NLM_F_ACK | flags));
        loop {
            let window: Vec<_> = orders.by_ref().take(WINDOW).collect();
            let sent = window.len();
            if sent == 0 {
                return Ok(());
            }
            let answers = self.exchange(window).map_err(|silence| (done, self.error(silence, what(done))))?;
            let refused =
                answers.into_iter().enumerate().find_map(|(i, answer)| Some((done + i, answer.refusal?)));
            if let Some((step, refusal)) = refused {
                return Err((step, refusal.into_error(what(step))));
            }
            done += sent;
        }
    }

    fn one(&self, request: Request, flags: u16, what: impl Fn() -> String) -> Result<Answer, Error> {
        let answers =
            self.exchange(vec![message(request, flags)]).map_err(|silence| self.error(silence, what()))?;
        Ok(answers.into_iter().next().unwrap_or_default())
    }

    /// Sends the requests, all in one datagram, and collects an answer to each.
    fn exchange(&self, requests: Vec<NetlinkMessage<Message>>) -> Result<Vec<Answer>, Silence> {
        let mut line = self.line.borrow_mut();
        let Line { handle, connection } = &mut *line;
        let mut answers: Vec<Answer> = requests.iter().map(|_| Answer::default()).collect();
        let kernel = SocketAddr::new(0, 0);
        let mut messages = handle.request_batch(requests, kernel).map_err(|_| Silence::Broken)?;
        // Whoever is waited for is waited for inside.
        let mut cx = Context::from_waker(Waker::noop());
        // The kernel does its work while it takes a message, however long that lasts: it has one lock for all links.
        let mut broken = Pin::new(&mut *connection).poll(&mut cx).is_ready();
        let deadline = Instant::now() + self.timeout;
        // The kernel takes the requests in order, and finishes its answer to one before it looks at the next.
        let mut answered = 0;
        loop {
            while let Poll::Ready(message) = Pin::new(&mut messages).poll_next(&mut cx) {
                let Some(message) = message else { return Ok(answers) };
                let answer = answers.get_mut(answered);
                answered += usize::from(answer.is_some_and(|answer| answer.take(message, self.decode)));
            }
            let state = connection.socket_mut().state();
            if broken {
                return Err(Silence::Broken);
            }
            if state.replace(State::Idle) == State::Silent {
                return Err(Silence::Timeout);
            }
            state.set(State::Listening(deadline));
            broken = Pin::new(&mut *connection).poll(&mut cx).is_ready();
        }
    }

    fn error(&self, silence: Silence, what: String) -> Error {
        match silence {
            Silence::Timeout => Error::Timeout { what, after: self.timeout },
            Silence::Broken => Error::Socket { what, source: io::Error::from(io::ErrorKind::BrokenPipe) },
        }
    }
}

impl<S: Listen> Line<S> {
    fn open(protocol: isize) -> io::Result<Line<S>> {
        let (mut connection, handle, _unsolicited) = new_connection_with_socket::<Message, S>(protocol)?;
        // Acknowledgements and ends of dumps carry what we want to know: errors, explanations, interruptions.
        connection.set_forward_ack(true);
        connection.set_forward_done(true);
        // Linux 4.12. Without it errors are just not explained.
        if let Err(error) = connection.socket_mut().socket_mut().set_ext_ack(true) {
            log::debug!("netlink errors come without explanations: {error}");
        }
        Ok(Line { handle, connection })
    }
}

fn message(request: Request, flags: u16) -> NetlinkMessage<Message> {
    let mut message = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::from(request));
    message.header.flags = NLM_F_REQUEST | flags;
    message
}

fn failed(what: &str) -> impl FnOnce(io::Error) -> Error {
    let what = what.to_owned();
    move |source| Error::Socket { what, source }
}
