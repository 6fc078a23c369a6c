//! One line of strace's output, and whether it changes anything outside the process.

use std::collections::BTreeMap;
use std::path::Path;

/// A system call of a traced run, as it was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The thread: 0 is the main one, others in the order in which they first did anything.
    pub thread: usize,
    /// The call's name.
    pub name: String,
    /// The how manieth of this name in this thread, from 1: what strace counts, too.
    pub nth: usize,
    /// What it changes, if anything.
    pub change: Option<Change>,
    /// The file that it works on, by path or descriptor.
    pub path: Option<String>,
}

/// What a system call changes, in words that are the same from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file: made, written, renamed, removed, locked.
    File(String),
    /// Links, addresses, routes or rules: the message's type, and its length in bytes.
    Netlink(String, u32),
    /// The server's mind.
    Server(String),
    /// The runtime's: the answer on standard output.
    Answer,
}

/// Calls that change nothing which outlives the process. Whatever is not known to be one of them counts as a change.
const HARMLESS: &[&str] = &[
    // Memory, threads, signals, time.
    "arch_prctl",
    "brk",
    "clock_nanosleep",
    "clone",
    "clone3",
    "execve",
    "exit",
    "exit_group",
    "futex",
    "getrandom",
    "madvise",
    "membarrier",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "nanosleep",
    "prctl",
    "prlimit64",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "set_tid_address",
    "setns",
    "sigaltstack",
    // Who we are.
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "gettid",
    "getuid",
    // Looking.
    "access",
    "close",
    "fcntl",
    "fstat",
    "fstatfs",
    "getcwd",
    "getdents64",
    "lseek",
    "lstat",
    "newfstatat",
    "pread64",
    "read",
    "readlink",
    "readlinkat",
    "readv",
    "stat",
    "statx",
    // Waiting and listening.
    "bind",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "eventfd2",
    "getsockname",
    "getsockopt",
    "poll",
    "ppoll",
    "recvfrom",
    "recvmsg",
    "setsockopt",
    "shutdown",
    "socket",
];

/// Message types of rtnetlink that this plugin sends (`linux/rtnetlink.h`). In other namespaces than its own strace
/// knows the numbers only.
const NETLINK: [(&str, u16); 6] = [
    ("RTM_SETLINK", 19),
    ("RTM_NEWADDR", 20),
    ("RTM_NEWROUTE", 24),
    ("RTM_NEWRULE", 32),
    ("RTM_NEWLINKPROP", 108),
    ("RTM_DELLINKPROP", 109),
];

/// linux/genetlink.h.
const GENL_ID_CTRL: u16 = 0x10;

impl Event {
    /// Whether the first thread asks or orders something over netlink.
    pub fn is_request(&self) -> bool {
        (self.thread, self.name.as_str()) == (0, "sendto")
    }
}

impl Change {
    /// The words.
    pub fn label(&self) -> &str {
        match self {
            Change::File(what) | Change::Netlink(what, _) | Change::Server(what) => what,
            Change::Answer => "print the answer",
        }
    }
}

/// Reads what `strace -f -y -o` has written. `root` is cut off from paths.
pub(super) fn parse(log: &str, root: &Path) -> Vec<Event> {
    let mut threads: Vec<&str> = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    // What each thread has entered how often, and whether it is about to enter the last of them once more.
    let mut entered: Vec<BTreeMap<&str, usize>> = Vec::new();
    let mut restarts: Vec<bool> = Vec::new();
    for line in log.lines() {
        let Some((id, rest)) = line.split_once(' ') else { continue };
        let thread = threads.iter().position(|known| *known == id).unwrap_or_else(|| {
            threads.push(id);
            entered.push(BTreeMap::new());
            restarts.push(false);
            threads.len() - 1
        });
        // The kernel returns this to enter the same call again (a sysctl does while others change links).
        let restarting = rest.contains("= ? ERESTART");
        // What is no call begins with something else: `<... write resumed>`, `+++ exited`, `--- SIGCHLD`.
        let call = rest.trim_start().split_once('(');
        let Some((name, args)) = call.filter(|(name, _)| name.bytes().all(is_of_a_name)) else {
            restarts[thread] |= restarting;
            continue;
        };
        let nth = entered[thread].entry(name).or_default();
        *nth += 1;
        if !std::mem::replace(&mut restarts[thread], restarting) {
            let path = path(args);
            let change = change(name, args, path, root);
            events.push(Event { thread, name: name.into(), nth: *nth, change, path: path.map(String::from) });
        }
    }
    events
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The file that a call is about: that of its descriptor, or the first that it names.
fn path(args: &str) -> Option<&str> {
    let of_descriptor = args
        .split_once('<')
        .filter(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(path, _)| path);
    let named = || args.split('"').nth(1);
    of_descriptor.or_else(named).filter(|path| path.starts_with('/'))
}

fn change(name: &str, args: &str, path: Option<&str>, root: &Path) -> Option<Change> {
    let file = |doing: &str| path.map(|path| Change::File(format!("{doing} {}", short(path, root))));
    match name {
        "open" | "openat" | "openat2" => {
            let writes = ["O_CREAT", "O_TRUNC", "O_WRONLY", "O_RDWR"].iter().any(|flag| args.contains(flag));
            writes.then(|| file("open")).flatten()
        }
        "flock" if args.contains("LOCK_UN") => file("unlock"),
        "write" | "writev" | "pwrite64" if args.starts_with("1<") => Some(Change::Answer),
        "write" | "writev" if args.contains("<socket:") => Some(Change::Server("ask the server".into())),
        "write" | "writev" | "pwrite64" => file("write"),
        "connect" => Some(Change::Server("connect to the server".into())),
        "sendto" | "sendmsg" => sent(args),
        "ioctl" if args.contains("FIONBIO") || args.contains("TCGETS") => None,
        _ if HARMLESS.contains(&name) => None,
        _ => file(name.trim_end_matches('2').trim_end_matches("at")).or(Some(Change::File(name.into()))),
    }
}

/// A message: to the kernel, if it changes something, or to the server.
fn sent(args: &str) -> Option<Change> {
    let Some((_, rest)) = args.split_once("nlmsg_type=") else {
        return Some(Change::Server("ask the server".into()));
    };
    let kind = rest.split([',', ' ', '}']).next()?;
    let number = kind.strip_prefix("0x").and_then(|hex| u16::from_str_radix(hex, 16).ok());
    // Types come in fours: new, delete, get, set. The controller of generic netlink is only asked for others' numbers.
    if kind.contains("GET") || number.is_some_and(|number| number % 4 == 2 || number == GENL_ID_CTRL) {
        return None;
    }
    let known = NETLINK.iter().find(|(_, known)| Some(*known) == number).map(|(name, _)| *name);
    let length = args.split_once("nlmsg_len=")?.1.split(',').next()?.parse().ok()?;
    Some(Change::Netlink(known.unwrap_or(kind).into(), length))
}

/// A path without the node's directory and without what differs from run to run: long hexadecimal numbers, and those of
/// namespaces.
fn short(path: &str, root: &Path) -> String {
    let path = root.to_str().and_then(|root| path.strip_prefix(root)).unwrap_or(path);
    if let Some((dir, _)) = path.split_once("/defaults/") {
        return format!("{dir}/defaults/*");
    }
    let number = |piece: &str| piece.len() > 16 && piece[..16].bytes().all(|b| b.is_ascii_hexdigit());
    // A draft has the number of its process at its end.
    let path = match path.rsplit_once('.') {
        Some((draft, number)) if path.contains("/.") && number.bytes().all(|b| b.is_ascii_digit()) => draft,
        _ => path,
    };
    let pieces = path.split_inclusive(|c: char| !c.is_ascii_hexdigit());
    pieces
        .map(|piece| if number(piece) { format!("*{}", &piece[piece.len() - 1..]) } else { piece.into() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"100 openat(AT_FDCWD</>, "/n/run/dpu-cni/attachments/.0000000000000001abcdef-eth0-3285fe7601351222.json.17", O_WRONLY|O_CREAT|O_TRUNC, 0600) = 11</x>
100 write(11</n/run/dpu-cni/attachments/.0000000000000001abcdef-eth0-3285fe7601351222.json.17>, "{}", 2) = 2
100 write(5<anon_inode:[eventfd]>, "\x01", 8) = 8
100 flock(8</n/run/dpu-cni/devices/0000:03:00.2.lock>, LOCK_UN) = 0
101 openat(AT_FDCWD</>, "/proc/sys/net/ipv6/conf/eth0/dad_transmits", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 9</p>
100 <... futex resumed>) = 0
100 sendto(7<socket:[56]>, [{nlmsg_len=48, nlmsg_type=0x14 /* NLMSG_??? */, nlmsg_flags=NLM_F_REQUEST}, "\x02"], 48, 0, NULL, 0) = 48
100 sendto(7<socket:[56]>, [{nlmsg_len=52, nlmsg_type=RTM_GETLINK, nlmsg_flags=NLM_F_REQUEST}], 52, 0, NULL, 0) = 52
100 sendto(8<socket:[57]>, "POST / HTTP/1.1"..., 744, MSG_NOSIGNAL, NULL, 0) = 744
101 write(9</proc/sys/x>, "0", 1) = ? ERESTARTNOINTR (To be restarted)
101 write(9</proc/sys/x>, "0", 1 <unfinished ...>
100 write(1<pipe:[9]>, "{}"..., 80 <unfinished ...>
101 <... write resumed>) = ? ERESTARTNOINTR (To be restarted)
101 write(9</proc/sys/x>, "0", 1) = 1
101 write(9</proc/sys/y>, "0", 1) = 1
100 +++ killed by SIGKILL +++
"#;

    #[test]
    fn what_changes_something_is_told_from_what_does_not() {
        let events = parse(LOG, Path::new("/n"));
        let labels: Vec<_> = events.iter().map(|event| event.change.as_ref().map(Change::label)).collect();
        assert_eq!(
            labels,
            [
                Some("open /run/dpu-cni/attachments/.*-eth0-*.json"),
                Some("write /run/dpu-cni/attachments/.*-eth0-*.json"),
                None,
                Some("unlock /run/dpu-cni/devices/0000:03:00.2.lock"),
                Some("open /proc/sys/net/ipv6/conf/eth0/dad_transmits"),
                Some("RTM_NEWADDR"),
                None,
                Some("ask the server"),
                Some("write /proc/sys/x"),
                Some("print the answer"),
                Some("write /proc/sys/y"),
            ]
        );
        assert_eq!(events[5].change, Some(Change::Netlink("RTM_NEWADDR".into(), 48)));
    }

    #[test]
    fn calls_are_counted_by_name_in_each_thread() {
        let places: Vec<_> =
            parse(LOG, Path::new("/n")).iter().map(|event| (event.thread, event.nth)).collect();
        let main = [1, 1, 2, 1].map(|nth| (0, nth));
        let others = [(1, 1), (0, 1), (0, 2), (0, 3), (1, 1), (0, 3), (1, 4)];
        assert_eq!(places, [&main[..], &others].concat());
    }
}
