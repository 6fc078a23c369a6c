//! `conformance node`: a node for a person, or a script, to play with.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result};
use linux::sriov::PciAddress;
use serde_json::{Value, json};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use super::behaviour::{Generation, Lease};
use super::vf::Naming;
use super::{Families, Node, control};

/// Where the configurations for cnitool are, below the node's root.
const CONFS: &str = "cni";
/// The resource that the kubelet is asked for in the configuration that names one.
const RESOURCE: &str = "openshift.io/dpuvf";

/// Makes a simulated DPU host node and keeps it until it is interrupted or its standard input ends. Lines there change
/// what it does; `help` lists them.
#[derive(clap::Args)]
pub struct Args {
    /// How many VFs it has
    #[arg(long, default_value_t = 4)]
    vfs: u32,
    /// How many of them, the last ones, are bound to vfio-pci
    #[arg(long, default_value_t = 0)]
    vfio: u32,
    /// How its VFs are named
    #[arg(long, value_enum, default_value_t)]
    naming: Naming,
    /// Take this VF of the machine instead of making any; may be repeated
    #[arg(long, value_name = "PCI-ADDRESS")]
    device: Vec<PciAddress>,
    /// Leave it to the plugin to configure pods
    #[arg(long)]
    unprivileged: bool,
    /// Which of the two generations of ovnkube-node answers
    #[arg(long, value_enum, default_value_t)]
    generation: Generation,
    /// Which addresses pods get
    #[arg(long, value_enum, default_value_t)]
    families: Families,
    /// The state of the card's lease
    #[arg(long, value_enum, default_value_t)]
    lease: Lease,
    /// Write what a shell needs to know into this file, once the node is ready
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
}

/// What a running node waits for.
enum Event {
    Order(String),
    Stop,
}

/// Runs it.
///
/// # Errors
/// When the node cannot be made.
pub fn run(args: Args) -> Result<ExitCode> {
    let (mut signals, signalled) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        pipe::register(signal, signalled.try_clone()?)?;
    }
    let node = Node::builder()
        .vfs(args.vfs)
        .vfio(args.vfio)
        .naming(args.naming)
        .real(args.device)
        .privileged(!args.unprivileged)
        .generation(args.generation)
        .families(args.families)
        .behave(|b| b.lease = args.lease)
        .start()?;
    write_confs(&node)?;
    if let Some(path) = &args.env {
        write_env(&node, path)?;
    }
    say(&introduction(&node)?)?;
    let (tell, events) = mpsc::channel();
    thread::spawn({
        let tell = tell.clone();
        move || signals.read_exact(&mut [0]).map(|()| tell.send(Event::Stop))
    });
    // Ends with the process: nothing interrupts a read of standard input.
    thread::spawn(move || {
        let mut lines = io::stdin().lock().lines().map_while(Result::ok);
        lines.try_for_each(|line| tell.send(Event::Order(line)))?;
        // Whoever could have told it anything is gone.
        tell.send(Event::Stop)
    });
    while let Ok(Event::Order(line)) = events.recv() {
        say(&control::obey(&node, &line).unwrap_or_else(|error| format!("{error:#}\n")))?;
    }
    if let Some(path) = &args.env {
        let _ = fs::remove_file(path);
    }
    Ok(ExitCode::SUCCESS)
}

/// One network list for each VF in a directory of its own, as cnitool wants them; one without a device, and one by
/// which the kubelet is asked.
fn write_confs(node: &Node) -> Result<()> {
    let mut confs: Vec<(&str, Value)> =
        node.vfs().iter().map(|vf| (vf.device_id(), node.conf_for(vf))).collect();
    let mut by_resource = node.conf();
    by_resource["resourceName"] = json!(RESOURCE);
    confs.extend([("none", node.conf()), ("resource", by_resource)]);
    for (name, mut conf) in confs {
        let dir = node.root().join(CONFS).join(name);
        fs::create_dir_all(&dir)?;
        let mut list = json!({"cniVersion": conf["cniVersion"].take(), "name": conf["name"].take()});
        if let Some(plugin) = conf.as_object_mut() {
            plugin.retain(|_, value| !value.is_null());
        }
        list["plugins"] = json!([conf]);
        fs::write(dir.join("10-ovn-kubernetes.conflist"), format!("{list:#}\n"))?;
    }
    Ok(())
}

fn introduction(node: &Node) -> Result<String> {
    let root = node.root().display();
    let (enter, host) = match node.host().name() {
        "" => (String::new(), String::from("this one")),
        name => (format!("ip netns exec {name} "), name.into()),
    };
    let mut text = format!(
        "A DPU host node is up. Interrupt it, or end its input, to remove it; 'help' lists what it can be told.\n\n\
         Its files       {root}\n\
         Its namespaces  host {host}, card {}\n\
         Its VFs         device                link             MAC\n",
        node.card().name(),
    );
    for vf in node.vfs() {
        let name = if vf.vfio { "(vfio-pci)" } else { &vf.name };
        writeln!(text, "                {:<20}  {name:<15}  {}", vf.device_id(), vf.mac)?;
    }
    let (plugins, cnitool) =
        (plugins().display().to_string(), "cnitool is the CNI project's caller of plugins");
    let device = node.vfs().first().map_or("none", |vf| vf.device_id());
    write!(
        text,
        "\nTo attach a pod, paste this into another shell of root's ({cnitool}):\n\n  \
           export CNI_PATH={plugins}\n  \
           export DPU_CNI_ROOT={root} NETCONFPATH={root}/{CONFS}/{device}\n  \
           ip netns add web-0\n  \
           export CNI_ARGS='IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=web-0'\n  \
           {enter}cnitool add ovn-kubernetes /run/netns/web-0\n\n\
         To see where the VFs are, and to take it away, with the same environment:\n\n  \
           {enter}$CNI_PATH/dpu-host vfs\n  \
           {enter}cnitool del ovn-kubernetes /run/netns/web-0\n  \
           ip netns del web-0\n\n\
         Between add and del cnitool keeps a file in this machine's /var/lib/cni/results.\n\n\
         {root}/{CONFS} has a configuration for each device, one without, and one with a resource.\n"
    )?;
    Ok(text)
}

/// Where `dpu-host` is: in `$CNI_PATH`, as where this program was built beside it, or where plugins usually are.
fn plugins() -> PathBuf {
    let set = std::env::var_os("CNI_PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let has = |folder: &PathBuf| folder.join("dpu-host").is_file();
    set.chain(beside).find(has).unwrap_or_else(|| PathBuf::from("/opt/cni/bin"))
}

/// Assignments that a shell can source. They appear all at once: a script may wait for the file.
fn write_env(node: &Node, path: &Path) -> Result<()> {
    let root = node.root().display();
    let devices: Vec<&str> = node.vfs().iter().map(|vf| vf.device_id()).collect();
    let text = format!(
        "DPU_CNI_ROOT='{root}'\nNODE_HOST='{}'\nNODE_CONFS='{root}/{CONFS}'\nNODE_DEVICES='{}'\n",
        node.host().name(),
        devices.join(" "),
    );
    let new = path.with_extension("new");
    fs::write(&new, text)
        .and_then(|()| fs::rename(&new, path))
        .with_context(|| format!("writing {}", path.display()))
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
