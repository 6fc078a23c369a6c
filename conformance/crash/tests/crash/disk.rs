//! A state directory that is full, for real: of files, or of their contents.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, ensure};
use crash::Place;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use node::{Pod, Verb};

use crate::scene::{Kind, Scene, Setting};

const ADD: Setting = Setting { kind: Kind::Add, privileged: false, udn: false };
/// Records cannot be kept.
const STATE: u64 = 109;
/// A tmpfs counts in pages.
const PAGE: usize = 4096;
/// More than an ADD needs of either: the root, three directories, a record, a claim, a lock, and a draft.
const INODES: usize = 12;
const PAGES: usize = 4;

/// A small file system in the place of the state directory, seen by the thread that made it alone.
struct Disk(PathBuf);

impl Disk {
    /// With room for so many files and pages; one file and page more are taken by what fills it.
    fn mount(scene: &Scene, inodes: usize, pages: usize) -> Result<Disk> {
        let path = scene.world.node.root().join("run/dpu-cni");
        fs::create_dir_all(&path)?;
        let options = format!("mode=700,size={},nr_inodes={}", (pages + 1) * PAGE, inodes + 2);
        mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
            .with_context(|| format!("mounting a tmpfs with {options}"))?;
        fs::write(path.join("filling"), [0; PAGE])?;
        Ok(Disk(path))
    }

    /// Takes all the room that is left.
    fn fill(&self) -> Result<()> {
        let mut filling = File::options().append(true).open(self.0.join("filling"))?;
        while filling.write_all(&[0; PAGE]).is_ok() {}
        let mut more = 0..;
        while more.next().is_some_and(|more: usize| File::create_new(self.0.join(more.to_string())).is_ok()) {
        }
        Ok(())
    }

    /// Makes room.
    fn grow(&self) -> Result<()> {
        let options = "size=1m,nr_inodes=2000";
        Ok(mount(None::<&str>, &self.0, None::<&str>, MsFlags::MS_REMOUNT, Some(options))?)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

/// Runs in a mount namespace of its own. What others unmount, the namespaces of pods, is unmounted here, too.
fn apart(work: impl FnOnce() -> Result<()> + Send) -> Result<()> {
    let apart = || {
        unshare(CloneFlags::CLONE_NEWNS)?;
        let none = None::<&Path>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)?;
        work()
    };
    thread::scope(|scope| scope.spawn(apart).join().unwrap_or_else(|_| anyhow::bail!("it panicked")))
}

#[test]
fn a_full_disk_loses_nothing() -> Result<()> {
    apart(|| {
        let scene = ADD.scene()?;
        let mut refused = 0;
        let by_files = (0..INODES).map(|inodes| (inodes, 64));
        for (inodes, pages) in by_files.chain((0..PAGES).map(|pages| (1000, pages))) {
            let pods = scene.prepare()?;
            let all: Vec<&Pod> = pods.iter().collect();
            let disk = Disk::mount(&scene, inodes, pages)?;
            let room = || format!("room for {inodes} files of {pages} pages");
            let output = scene.run(Verb::Add, all[0], 0)?;
            if output.status.success() {
                scene.holds(all[0], &output.ok()?, &[]).with_context(room)?;
            } else {
                refused += 1;
                let (code, text) = output.error()?;
                ensure!(code == STATE && text.contains("space"), "{}: {code} {text}", room());
                ensure!(scene.world.census(&all)?.vfs[0].place == Place::Host, "{}: left in the pod", room());
                scene.world.settled(&all).with_context(room)?;
            }
            scene.del(all[0], &all).with_context(room)?;
            disk.grow()?;
            scene.finish(&all).with_context(room)?;
        }
        ensure!(
            (2..INODES + PAGES - 1).contains(&refused),
            "{refused} were refused: nothing is tried at the edge"
        );
        Ok(())
    })
}

#[test]
fn a_full_disk_stops_no_del() -> Result<()> {
    apart(|| {
        let scene = ADD.scene()?;
        for server_is_down in [false, true] {
            let (pods, _disk) = attached_on_a_full_disk(&scene)?;
            let all: Vec<&Pod> = pods.iter().collect();
            if server_is_down {
                scene.world.node.stop_server();
            }
            scene.del(all[0], &all)?;
            scene.world.node.start_server()?;
            scene.finish(&all)?;
        }
        Ok(())
    })
}

#[test]
fn a_full_disk_forgets_no_name() -> Result<()> {
    apart(|| {
        let scene = ADD.scene()?;
        let (pods, disk) = attached_on_a_full_disk(&scene)?;
        let all: Vec<&Pod> = pods.iter().collect();
        scene.take_name()?;
        let (code, text) = scene.run(Verb::Del, all[0], 0)?.error()?;
        ensure!(code == STATE, "{code} {text}");
        scene.world.interrupted(&all)?;
        disk.grow()?;
        scene.del(all[0], &all)?;
        scene.finish(&all)
    })
}

fn attached_on_a_full_disk(scene: &Scene) -> Result<(Vec<Pod>, Disk)> {
    let pods = scene.prepare()?;
    let disk = Disk::mount(scene, 1000, 64)?;
    scene.run(Verb::Add, &pods[0], 0)?.ok()?;
    disk.fill()?;
    Ok((pods, disk))
}
