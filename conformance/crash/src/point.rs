//! Where a run can be hit: its system calls by number.

use std::fmt;

use super::event::{Change, Event};

/// The calls by which a directory is looked through, by the names that they have with glibc and with musl.
const OF_A_SEARCH: [&str; 4] = ["statx", "stat", "newfstatat", "getdents64"];
/// Those that an allocator makes: how many depends on how much was found there, with musl.
const OF_MEMORY: [&str; 5] = ["brk", "madvise", "mmap", "mremap", "munmap"];

/// One system call of a run, to be hit when it is entered, before the kernel does anything.
#[derive(Clone, Debug)]
pub struct Point {
    /// Where that is: `before RTM_NEWADDR`, `after ask the server`.
    pub label: String,
    /// What the call changes; `None` where it is hit because of the one before it.
    pub change: Option<Change>,
    /// Its name.
    pub(super) name: String,
    /// Its number among those of its name; those of the main thread, or those on `path`.
    pub(super) nth: usize,
    /// The file it works on, for a call of another thread than the main one: strace counts each thread's by itself.
    pub(super) path: Option<String>,
    /// What has been changed before it; with a `path`, there.
    pub(super) before: Vec<Change>,
}

impl Point {
    /// Whether these events end with this one, and nothing else has been changed than before it in the trace.
    pub(super) fn is_end_of(&self, events: &[Event]) -> bool {
        events.last().is_some_and(|last| last.change == self.change) && self.is_last_call_of(events)
    }

    /// The same, whatever the call itself changes by now.
    pub(super) fn is_last_call_of(&self, events: &[Event]) -> bool {
        let Some((last, before)) = events.split_last() else { return false };
        last.name == self.name && before.iter().filter_map(|event| event.change.as_ref()).eq(&self.before)
    }
}

/// The instants at which a killed run leaves different things behind: before each call that changes something, and
/// after it where the next call of its thread is not such a one (that is the same instant).
pub fn instants(events: &[Event]) -> Vec<Point> {
    let mut points = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let Some(change) = &event.change else { continue };
        if let Some(hit) = instant_before(events, at) {
            points.push(point(events, hit, format!("before {}", change.label())));
        }
        if let Some(next) = instant_after(events, at) {
            points.push(point(events, next, format!("after {}", change.label())));
        }
    }
    number(points)
}

/// The calls that change something, each of which may fail.
pub fn changes(events: &[Event]) -> Vec<Point> {
    let changing = events.iter().enumerate().filter_map(|(at, event)| Some((at, event.change.as_ref()?)));
    number(changing.map(|(at, change)| point(events, at, change.label().into())).collect())
}

/// This call, or the last one of the same thread since which nothing has been changed. Where there is none that can be
/// hit, the instant after the last change finds the same.
fn instant_before(events: &[Event], at: usize) -> Option<usize> {
    // Those of other threads are told by what they work on.
    if events[at].thread > 0 || !is_unsure(events, at) {
        return Some(at);
    }
    let unchanged = (0..at).rev().take_while(|&last| events[last].change.is_none());
    unchanged.filter(|&last| events[last].thread == events[at].thread).find(|&last| !is_unsure(events, last))
}

/// The first call of the same thread behind this one, before it changes anything more. Where there is none that can be
/// hit, the instant before the next change finds the same.
fn instant_after(events: &[Event], at: usize) -> Option<usize> {
    let same_thread = |&next: &usize| events[next].thread == events[at].thread;
    let calls = (at + 1..events.len()).filter(same_thread);
    calls.take_while(|&next| events[next].change.is_none()).find(|&next| !is_unsure(events, next))
}

/// Whether this call may have another number in another run: another thread reaches it first (strace counts each
/// thread's calls by itself, and what several did here one may do there), or /proc was looked through, in which there is
/// more or less each time.
fn is_unsure(events: &[Event], at: usize) -> bool {
    let event = &events[at];
    let name = event.name.as_str();
    if OF_A_SEARCH.contains(&name) || OF_MEMORY.contains(&name) {
        return true;
    }
    let others = events[..at].iter().filter(|other| other.thread != event.thread && other.name == event.name);
    others.count() >= event.nth
}

fn point(events: &[Event], at: usize, label: String) -> Point {
    let event = &events[at];
    let path = event.path.clone().filter(|_| event.thread > 0);
    let seen = |other: &&Event| path.is_none() || other.path == path;
    let before = events[..at].iter().filter(seen);
    let nth = match path {
        None => event.nth,
        Some(_) => before.clone().filter(|other| other.name == event.name).count() + 1,
    };
    let before = before.filter_map(|other| other.change.clone()).collect();
    Point { label, change: event.change.clone(), name: event.name.clone(), nth, path, before }
}

/// Numbers those of the same label.
fn number(mut points: Vec<Point>) -> Vec<Point> {
    let labels: Vec<String> = points.iter().map(|point| point.label.clone()).collect();
    for (at, point) in points.iter_mut().enumerate() {
        if labels.iter().filter(|label| **label == point.label).count() > 1 {
            let number = labels[..=at].iter().filter(|label| **label == labels[at]).count();
            point.label += &format!(" #{number}");
        }
    }
    points
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.label, self.name, self.nth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(thread: usize, name: &str, nth: usize, change: Option<&str>) -> Event {
        let change = change.map(|what| Change::File(what.into()));
        let path = (thread > 0).then(|| String::from("/proc/sys/x"));
        Event { thread, name: name.into(), nth, change, path }
    }

    fn run() -> Vec<Event> {
        vec![
            event(0, "mkdir", 1, Some("mkdir a")),
            event(0, "mkdir", 2, Some("mkdir b")),
            event(0, "close", 1, None),
            event(1, "openat", 1, Some("open x")),
            event(0, "openat", 7, None),
            event(1, "write", 1, Some("write x")),
            event(1, "close", 1, None),
            event(2, "close", 1, None),
            event(0, "mkdir", 3, Some("mkdir b")),
            event(0, "close", 2, None),
            event(0, "getpid", 1, None),
        ]
    }

    #[test]
    fn every_instant_is_there_once() {
        let labels: Vec<_> = instants(&run()).iter().map(Point::to_string).collect();
        assert_eq!(
            labels,
            [
                "before mkdir a (mkdir 1)",
                "before mkdir b #1 (mkdir 2)",
                "after mkdir b #1 (close 1)",
                "before open x (openat 1)",
                "before write x (write 1)",
                "before mkdir b #2 (mkdir 3)",
                "after mkdir b #2 (getpid 1)",
            ]
        );
    }

    #[test]
    fn a_call_that_another_thread_overtakes_is_hit_earlier() {
        let mut events = run();
        events.push(event(1, "write", 2, Some("write x")));
        events.push(event(0, "getpid", 2, None));
        events.push(event(0, "write", 2, Some("write b")));
        let labels: Vec<_> = instants(&events).iter().map(Point::to_string).collect();
        assert!(labels.contains(&"before write b (getpid 2)".to_owned()), "{labels:?}");
        events.remove(events.len() - 2);
        let labels: Vec<_> = instants(&events).iter().map(Point::to_string).collect();
        assert!(!labels.iter().any(|label| label.starts_with("before write b")), "{labels:?}");
    }

    #[test]
    fn two_threads_may_be_one_in_another_run() {
        let mut events = run();
        events.push(event(2, "write", 1, Some("write y")));
        events.push(event(0, "getpid", 2, None));
        events.push(event(0, "write", 2, Some("write b")));
        let labels: Vec<_> = instants(&events).iter().map(Point::to_string).collect();
        assert!(labels.contains(&"before write b (getpid 2)".to_owned()), "{labels:?}");
    }

    #[test]
    fn other_threads_are_found_by_what_they_work_on() {
        let points = changes(&run());
        let paths: Vec<_> = points.iter().map(|point| (point.nth, point.path.is_some())).collect();
        assert_eq!(paths, [(1, false), (2, false), (1, true), (1, true), (3, false)]);
    }
}
