//! `conformance cluster`: a node for a person, or a script, to play with.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::pipe;

use super::cluster::Cluster;
use super::programs::program;
use super::role::{RESOURCE, Role};

/// Makes a real Kubernetes node on the VFs of a simulated DPU host, and keeps it until it is interrupted.
#[derive(clap::Args)]
pub struct Args {
    /// How many VFs it has
    #[arg(long, default_value_t = 4)]
    vfs: u32,
    /// Write what a shell needs to know into this file, once the node is ready
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// When the node cannot be made.
pub fn run(args: Args) -> Result<ExitCode> {
    let (mut signals, signalled) = UnixStream::pair()?;
    let stop = Arc::default();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        pipe::register(signal, signalled.try_clone()?)?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    let cluster = Cluster::start_unless(Role::Host { vfs: args.vfs }, stop)?;
    let _plugin = cluster.device_plugin()?;
    cluster.until_node_ready("True")?;
    cluster.until_allocatable(args.vfs as usize)?;
    if let Some(path) = &args.env {
        write_env(&cluster, path)?;
    }
    let mut out = io::stdout().lock();
    out.write_all(introduction(&cluster)?.as_bytes())?;
    out.flush()?;
    signals.read_exact(&mut [0])?;
    if let Some(path) = &args.env {
        let _ = fs::remove_file(path);
    }
    Ok(ExitCode::SUCCESS)
}

/// Where its kubectl can reach it.
fn host(cluster: &Cluster) -> &str {
    cluster.node().host().name()
}

/// Assignments that a shell can source. They appear all at once: a script may wait for the file.
fn write_env(cluster: &Cluster, path: &PathBuf) -> Result<()> {
    let text = format!(
        "KUBECONFIG='{}'\nKUBECTL='{}'\nNODE_HOST='{}'\nDPU_CNI_ROOT='{}'\nNODE_PROCESS='{}'\n\
         PLUGIN='{}'\nIMAGE='{}'\n",
        cluster.kubeconfig().display(),
        program("kubectl")?.display(),
        host(cluster),
        cluster.node().root().display(),
        cluster.place().first_process(),
        testkit::binaries::plugin("dpu-host")?.display(),
        runtimes::image::NAME,
    );
    let new = path.with_extension("new");
    fs::write(&new, text)
        .and_then(|()| fs::rename(&new, path))
        .with_context(|| format!("writing {}", path.display()))
}

fn introduction(cluster: &Cluster) -> Result<String> {
    Ok(format!(
        "A Kubernetes node is up. Interrupt it to remove it. In another shell of root's:\n\n  \
           export KUBECONFIG={}\n  \
           kubectl() {{ ip netns exec {} {} \"$@\"; }}\n  \
           kubectl get nodes,pods\n\n\
         Pods use the image {}, with imagePullPolicy: Never, and limits of {}.\n\
         Logs are in {}.\n",
        cluster.kubeconfig().display(),
        host(cluster),
        program("kubectl")?.display(),
        runtimes::image::NAME,
        RESOURCE,
        cluster.setup().path("").display(),
    ))
}
