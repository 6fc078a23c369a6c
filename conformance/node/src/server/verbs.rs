//! One request from its first byte to its last (`cniserver.go: handleCNIRequest`).

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use ovnkube::{Metrics, Request};

use super::context::Context;
use super::reply::Reply;
use super::{add, arguments, del, http};
use crate::behaviour::{Answer, Generation, Lease};
use crate::received::Received;
use crate::state::{Shared, State};

/// Serves one connection.
pub(super) fn serve(shared: &Shared, stream: &UnixStream, run: u64) {
    let Ok(Some(request)) = http::read(stream) else { return };
    let answer = match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/") => return cni(shared, stream, run, &request.body),
        ("POST", "/metrics") => {
            if let Ok(metrics) = serde_json::from_slice::<Metrics>(&request.body) {
                shared.change(|state| state.metrics.push(metrics));
            }
            Reply::Empty
        }
        (_, "/" | "/metrics") => Reply::Status(405),
        _ => Reply::Status(404),
    };
    // A client that is gone needs no answer, here and below.
    let _ = write(stream, &answer.bytes());
}

fn cni(shared: &Shared, stream: &UnixStream, run: u64, body: &[u8]) {
    let behaviour = shared.state().behaviour.clone();
    let Ok(request) = serde_json::from_slice::<Request>(body) else {
        let _ = write(stream, &Reply::Refused(String::from("failed to parse CNI request")).bytes());
        return;
    };
    let command = request.env.get("CNI_COMMAND").cloned().unwrap_or_default();
    shared.change(|state| state.received.push(Received::new(&request)));
    let answer = match command.as_str() {
        "ADD" => behaviour.add.clone(),
        "DEL" => behaviour.del.clone(),
        "STATUS" => behaviour.status.clone(),
        _ => Answer::Proper,
    };
    let deadline = Instant::now() + behaviour.budget;
    let context = Context { shared, behaviour, deadline, run };
    let proper = || context.handle(&command, &request).bytes();
    let _ = match answer {
        Answer::Proper => write(stream, &proper()),
        Answer::Truncated => {
            let bytes = proper();
            write(stream, bytes.get(..bytes.len() / 2).unwrap_or_default())
        }
        Answer::Lost => {
            proper();
            Ok(())
        }
        Answer::Hang => {
            context.until(|_| None::<()>);
            Ok(())
        }
        Answer::HangUp => Ok(()),
        Answer::Refuse(text) => write(stream, &Reply::Refused(text).bytes()),
        Answer::Error { code, msg } => write(stream, &Reply::Error { code, msg }.bytes()),
        Answer::Raw(bytes) => write(stream, &bytes),
        Answer::Body(body) => write(stream, &http::answer(200, "application/json", &body)),
        Answer::Endless => http::endless(stream),
    };
}

impl Context<'_> {
    fn handle(&self, command: &str, request: &Request) -> Reply {
        let old = self.behaviour.generation == Generation::Old;
        let health = if old { Ok(()) } else { self.behaviour.lease.health() };
        match (command, health) {
            ("ADD", Err(reason)) => Reply::Refused(reason),
            ("STATUS", Err(msg)) => Reply::Error { code: 50, msg },
            ("CHECK" | "UPDATE" | "STATUS", _) if !old => Reply::Empty,
            ("GC", _) if !old => Reply::Refused(format!("unsupported CNI command {command}")),
            ("", _) => Reply::Refused(String::from("unexpected or missing CNI_COMMAND")),
            _ => self.pod(command, request),
        }
    }

    /// A command that needs the pod; old servers look for one whatever the command.
    fn pod(&self, command: &str, request: &Request) -> Reply {
        let call = match arguments::pod_call(request, self.behaviour.generation, self.shared) {
            Ok(call) => call,
            Err(text) => return Reply::Refused(text),
        };
        self.shared.refresh(&call.pod);
        let done = match command {
            "ADD" => add::add(self, &call),
            "DEL" => del::del(self, &call),
            _ => return Reply::Empty,
        };
        match done {
            Ok(response) => Reply::Response(Box::new(response), self.behaviour.generation),
            Err(text) => Reply::Refused(self.prefixed(&call, &text)),
        }
    }

    /// Waits for the state as [`Shared::wait`] does, within the budget and while this run of the server lasts.
    pub(super) fn until<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let runs =
            |state: &mut State| if state.run == self.run { ready(state).map(Some) } else { Some(None) };
        self.shared.wait(self.deadline, runs).flatten()
    }

    /// Errors begin with what they are about; those of old servers twice.
    fn prefixed(&self, call: &arguments::PodCall, text: &str) -> String {
        let ((namespace, name), sandbox) = (&call.pod, &call.sandbox);
        let about = format!("{namespace}/{name} {sandbox} network {} NAD {}", call.network, call.nad);
        match self.behaviour.generation {
            Generation::Old => format!("[{about}] [{about}] {text}"),
            Generation::New => format!("[{about} NAD key {}] {text}", call.nad),
        }
    }
}

impl Lease {
    /// `checkDPUHealth`.
    fn health(self) -> Result<(), String> {
        match self {
            Lease::Off | Lease::Healthy => Ok(()),
            Lease::Expired => {
                Err(String::from("DPU Not Ready: DPU node lease expired at 2026-08-21T10:00:00Z"))
            }
            Lease::NotFound => Err(String::from("DPU Not Ready: DPU node lease not found")),
        }
    }
}

fn write(mut to: &UnixStream, bytes: &[u8]) -> std::io::Result<()> {
    to.write_all(bytes)
}
