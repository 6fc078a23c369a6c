//! Where a runtime under test runs: in mount, process and network namespaces of its own. Paths that runtimes have
//! built in (`/run/containerd`, `/run/netns`, `/var/lib/cni`) are private there, and with the place everything that
//! ran in it ends, however the test ends.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use linux::{LinkChange, Netlink, Netns};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

/// Directories that are empty in the place and vanish with it.
const PRIVATE: [&str; 3] = ["/dev/shm", "/run", "/var/lib"];
/// Binds of other tests' namespaces, which must not be kept alive from here.
const PINNED: &str = "/run/netns";

/// What the first process runs: a shell waits for every child, also for those that other processes leave to it.
/// podman takes a monitor that nobody has waited for to be alive, and waits for it itself.
const ANCHOR: &str = "cat; :";
/// Its child.
const ANCHORS_CHILD: &str = "cat";

/// The namespaces. Dropping it kills what runs in them.
#[derive(Debug)]
pub struct Place {
    /// The namespaces' first process. The kernel kills every other one with it, and it goes when our end of its
    /// standard input closes, even if the test is killed.
    anchor: Child,
    mounts: File,
    processes: File,
    network: Netns,
}

impl Place {
    /// Makes the namespaces. The network is `network`, or a new one that has loopback only.
    ///
    /// # Errors
    /// Without root.
    pub fn new(network: Option<&Netns>) -> Result<Place> {
        let anchor = on_a_thread(|| {
            match network {
                Some(network) => setns(network, CloneFlags::CLONE_NEWNET)?,
                None => unshare(CloneFlags::CLONE_NEWNET)?,
            }
            unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID)?;
            hide()?;
            Ok(Command::new("sh").args(["-c", ANCHOR]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?)
        })
        .context("making namespaces, which needs root")?;
        let namespace = |kind: &str| PathBuf::from(format!("/proc/{}/ns/{kind}", anchor.id()));
        let place = Place {
            mounts: File::open(namespace("mnt"))?,
            processes: File::open(namespace("pid"))?,
            network: Netns::open(&namespace("net"))?,
            anchor,
        };
        // Only a process of the new namespace can mount its view of /proc.
        run(&place, Command::new("mount").args(["-t", "proc", "proc", "/proc"]))?;
        if network.is_none() {
            let netlink = Netlink::inside(&place.network)?;
            let loopback = netlink.link("lo")?.context("a network namespace without lo")?;
            netlink.change(loopback.index, &LinkChange { up: Some(true), ..LinkChange::default() })?;
        }
        Ok(place)
    }

    /// Starts a program in the place.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        on_a_thread(|| {
            // A thread that shares its working directory with others cannot change its mount namespace.
            unshare(CloneFlags::CLONE_FS)?;
            setns(&self.mounts, CloneFlags::CLONE_NEWNS)?;
            setns(&self.processes, CloneFlags::CLONE_NEWPID)?;
            setns(&self.network, CloneFlags::CLONE_NEWNET)?;
            command.spawn().with_context(|| format!("starting {}", command.get_program().display()))
        })
    }

    /// The network namespace that is the place's host network.
    pub fn network(&self) -> &Netns {
        &self.network
    }

    /// The process by which others find its namespaces, as this process sees it.
    pub fn first_process(&self) -> u32 {
        self.anchor.id()
    }

    /// `path` as the place sees it, for a look from outside.
    pub fn path(&self, path: &str) -> PathBuf {
        Path::new("/proc").join(self.anchor.id().to_string()).join("root").join(path.trim_start_matches('/'))
    }

    /// What has been started in the place and still runs: process identifiers there, and names.
    ///
    /// # Errors
    /// When the place's `/proc` cannot be read.
    pub fn running(&self) -> Result<Vec<(u32, String)>> {
        let mut running = Vec::new();
        for entry in fs::read_dir(self.path("/proc"))? {
            let entry = entry?;
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // One that ends meanwhile is not running.
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            let Some(process) = Stat::read(&stat) else { continue };
            let ours = id == 1 || process.parent == "1" && process.name == ANCHORS_CHILD;
            if !ours && process.state != "Z" {
                running.push((id, process.name.to_owned()));
            }
        }
        Ok(running)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It can only have ended before.
        let _ = self.anchor.kill();
        let _ = self.anchor.wait();
    }
}

/// Runs a program in the place, to its end, and returns what it printed to either stream.
///
/// # Errors
/// When it fails, with what it printed.
pub fn run(place: &Place, command: &mut Command) -> Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let done = place.spawn(command)?.wait_with_output()?;
    let printed = [done.stdout, done.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).trim().to_owned();
    ensure!(
        done.status.success(),
        "{} ended with {}: {printed}",
        command.get_program().display(),
        done.status
    );
    Ok(printed)
}

/// What is in a directory that need not exist.
pub(super) fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect()
}

/// In a new mount namespace: nothing of it is seen outside, and the machine's own runtimes are not seen in it.
fn hide() -> Result<()> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    if Path::new(PINNED).exists() {
        // Fails where it is no mount point, and then it pins nothing.
        let _ = umount2(PINNED, MntFlags::MNT_DETACH);
    }
    for path in PRIVATE {
        mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), Some("mode=755"))
            .with_context(|| format!("hiding {path}"))?;
    }
    Ok(())
}

/// Namespaces are a thread's, and a process starts in those of the thread that started it.
fn on_a_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, work)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked").into()))
    })
}

/// Of `/proc/<pid>/stat`, "7 (name) S 1 ...": proc(5). A name may hold parentheses.
struct Stat<'a> {
    name: &'a str,
    state: &'a str,
    parent: &'a str,
}

impl<'a> Stat<'a> {
    fn read(stat: &'a str) -> Option<Stat<'a>> {
        let (head, tail) = stat.rsplit_once(") ")?;
        let mut fields = tail.split(' ');
        Some(Stat { name: head.split_once('(')?.1, state: fields.next()?, parent: fields.next()? })
    }
}
