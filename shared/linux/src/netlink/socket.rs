//! One rtnetlink socket and the exchange of messages over it: send everything, then read the answers.
//!
//! We drive the [`Connection`] ourselves instead of leaving it to a task. Left alone it sends one message whenever
//! it is woken, and with several waiting that is when the answer to the one before comes in; driven from here, all
//! are on their way before the first answer is read. And dropping a [`Socket`] closes it at once, with nothing
//! left behind in a runtime that would keep a pod's namespace alive.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage};
use netlink_packet_route::RouteNetlinkMessage;
use rtnetlink::proto::Connection;
use rtnetlink::sys::{AsyncSocket, TokioSocket};
use rtnetlink::{Handle, new_connection_with_socket};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::answer::Answer;
use crate::{Error, Netns};

/// How long an answer is waited for once the kernel has taken the request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The kernel does its work while it takes a message, which may last longer than any timeout (it has one lock for
/// all links), and so the timer may have run out before we first look. Then look once more, for this long.
const LAST_LOOK: Duration = Duration::from_millis(100);

/// How many messages may be on their way: their acknowledgements (some 800 bytes each, as the kernel counts) must
/// fit into the receive buffer (`net.core.rmem_default`, 208 KiB), for what doesn't fit is lost.
const WINDOW: usize = 64;

/// How often a dump is repeated when changes overtake it.
const DUMP_ATTEMPTS: u32 = 5;

pub(super) struct Socket<S = TokioSocket> {
    line: RefCell<Line<S>>,
    pub(super) timeout: Duration,
}

/// Both ends of the connection: requests go into the handle, the connection moves them to the socket.
struct Line<S> {
    handle: Handle,
    connection: Connection<RouteNetlinkMessage, S>,
}

/// Why there was no answer.
enum Silence {
    Timeout,
    Broken,
}

impl<S: AsyncSocket + Send> Socket<S> {
    /// Opens a socket in the calling thread's namespace.
    pub(super) fn here() -> Result<Socket<S>, Error> {
        let runtime = runtime().map_err(failed("start the netlink runtime"))?;
        // The socket registers with the runtime whose context it is made in.
        let _context = runtime.enter();
        let line = Line::open().map_err(failed("open a netlink socket"))?;
        Ok(Socket { line: RefCell::new(line), timeout: TIMEOUT })
    }

    /// Opens a socket in this namespace, where it stays.
    pub(super) fn inside(netns: &Netns) -> Result<Socket<S>, Error> {
        netns.run(Socket::here)?
    }

    /// Asks for one thing. None if the kernel says `ENODEV`, there is no such link.
    ///
    /// An acknowledgement is requested as well: if it comes alone, the answer was there but could not be decoded,
    /// and we know it without waiting.
    pub(super) fn get(
        &self,
        question: RouteNetlinkMessage,
        what: impl Fn() -> String,
    ) -> Result<Option<RouteNetlinkMessage>, Error> {
        let mut answer = self.one(question, NLM_F_ACK, &what)?;
        match answer.refusal {
            Some(refusal) if refusal.is_no_device() => Ok(None),
            Some(refusal) => Err(refusal.into_error(what())),
            None => match answer.content.pop() {
                Some(content) => Ok(Some(content)),
                None => Err(Error::Undecodable { what: what() }),
            },
        }
    }

    /// Asks for all there is of one kind, again if it changed meanwhile.
    pub(super) fn dump(
        &self,
        question: RouteNetlinkMessage,
        what: impl Fn() -> String,
    ) -> Result<Vec<RouteNetlinkMessage>, Error> {
        for _ in 0..DUMP_ATTEMPTS {
            let answer = self.one(question.clone(), NLM_F_DUMP, &what)?;
            if let Some(refusal) = answer.refusal {
                return Err(refusal.into_error(what()));
            }
            if !answer.interrupted {
                return Ok(answer.content);
            }
        }
        Err(Error::Unstable { what: what(), attempts: DUMP_ATTEMPTS })
    }

    /// Has one thing done.
    pub(super) fn order(
        &self,
        order: RouteNetlinkMessage,
        flags: u16,
        what: impl Fn() -> String,
    ) -> Result<(), Error> {
        match self.one(order, NLM_F_ACK | flags, &what)?.refusal {
            Some(refusal) => Err(refusal.into_error(what())),
            None => Ok(()),
        }
    }

    /// Has several things done, one after the other; all are sent before the first acknowledgement is read (in
    /// windows of 64). The error carries the index of the first that failed.
    pub(super) fn orders(
        &self,
        orders: Vec<(RouteNetlinkMessage, u16)>,
        what: impl Fn(usize) -> String,
    ) -> Result<(), (usize, Error)> {
        let mut done = 0;
        let mut orders = orders.into_iter().map(|(order, flags)| request(order, NLM_F_ACK | flags));
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

    pub(super) fn one(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
        what: impl Fn() -> String,
    ) -> Result<Answer, Error> {
        let answers =
            self.exchange(vec![request(message, flags)]).map_err(|silence| self.error(silence, what()))?;
        Ok(answers.into_iter().next().unwrap_or_default())
    }

    /// Sends the requests and collects an answer to each.
    fn exchange(&self, requests: Vec<NetlinkMessage<RouteNetlinkMessage>>) -> Result<Vec<Answer>, Silence> {
        let runtime = runtime().map_err(|_| Silence::Broken)?;
        let mut line = self.line.borrow_mut();
        let count = requests.len();
        let mut answers: Vec<Answer> = Vec::with_capacity(count);
        let mut streams = Vec::with_capacity(count);
        for request in requests {
            streams.push(line.handle.request(request).map_err(|_| Silence::Broken)?);
            answers.push(Answer::default());
        }
        // Streams end in the order of the requests, for that is the order in which the kernel answers.
        let mut ended = 0;
        let mut all_answered = |cx: &mut Context<'_>| {
            let broken = line.advance(count, cx);
            while ended < count {
                match Pin::new(&mut streams[ended]).poll_next(cx) {
                    Poll::Ready(Some(message)) => answers[ended].take(message),
                    Poll::Ready(None) => ended += 1,
                    Poll::Pending if broken => return Poll::Ready(Err(Silence::Broken)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(Ok(()))
        };
        let outcome = runtime.block_on(async {
            for patience in [self.timeout, LAST_LOOK] {
                if let Ok(outcome) = timeout(patience, poll_fn(&mut all_answered)).await {
                    return outcome;
                }
            }
            Err(Silence::Timeout)
        });
        outcome.map(|()| answers)
    }

    fn error(&self, silence: Silence, what: String) -> Error {
        match silence {
            Silence::Timeout => Error::Timeout { what, after: self.timeout },
            Silence::Broken => Error::Socket { what, source: io::Error::from(io::ErrorKind::BrokenPipe) },
        }
    }
}

impl<S: AsyncSocket> Line<S> {
    fn open() -> io::Result<Line<S>> {
        let (mut connection, handle, _unsolicited) = new_connection_with_socket::<S>()?;
        // Acknowledgements and ends of dumps carry what we want to know: errors, explanations, interruptions.
        connection.set_forward_ack(true);
        connection.set_forward_done(true);
        // Linux 4.12. Without it errors are just not explained.
        if let Err(error) = connection.socket_mut().socket_mut().set_ext_ack(true) {
            log::debug!("netlink errors come without explanations: {error}");
        }
        Ok(Line { handle, connection })
    }

    /// Sends all messages that wait, at most `count`, then reads what has been answered. True if the socket broke.
    fn advance(&mut self, count: usize, cx: &mut Context<'_>) -> bool {
        self.connection.poll_requests(cx);
        for _ in 0..count {
            self.connection.poll_send_messages(cx);
        }
        Pin::new(&mut self.connection).poll(cx).is_ready()
    }
}

/// The one runtime of the process. It runs only while somebody waits for an answer, on the waiting thread.
fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    match RUNTIME.get() {
        Some(runtime) => Ok(runtime),
        None => {
            let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
            Ok(RUNTIME.get_or_init(|| runtime))
        }
    }
}

fn request(message: RouteNetlinkMessage, flags: u16) -> NetlinkMessage<RouteNetlinkMessage> {
    let mut request = NetlinkMessage::from(message);
    request.header.flags = NLM_F_REQUEST | flags;
    request
}

fn failed(what: &str) -> impl FnOnce(io::Error) -> Error {
    let what = what.to_owned();
    move |source| Error::Socket { what, source }
}
