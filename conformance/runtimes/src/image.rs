//! The one image of the tests: a static busybox, made on the spot, for no registry can be assumed. It serves as the
//! pods' pause image too.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::programs::programs;
use testkit::binaries::is_static;

/// What the image is called; `localhost` keeps a runtime from looking for it elsewhere.
pub const NAME: &str = "localhost/dpu-cni/pod:1";

/// The programs in it, beside busybox itself.
const PROGRAMS: [&str; 6] = ["cat", "ip", "ls", "ping", "sh", "sleep"];
const DIRECTORIES: [&str; 5] = ["bin", "dev", "etc", "proc", "sys"];
/// Writes the image to `dir` in the layout of `docker save`, which every runtime's import reads, and returns its path.
///
/// # Errors
/// Without a static busybox.
pub fn write(dir: &Path) -> Result<PathBuf> {
    let layer = layer(&busybox()?)?;
    let config = json!({
        "architecture": architecture()?,
        "os": "linux",
        // As first process of its namespace it would not hear of another signal.
        "config": { "Entrypoint": ["/bin/sleep", "2147483"], "Env": ["PATH=/bin"], "StopSignal": "SIGKILL" },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex(&Sha256::digest(&layer)))] },
    });
    let manifest = json!([{ "Config": "config.json", "RepoTags": [NAME], "Layers": ["layer.tar"] }]);
    let path = dir.join("image.tar");
    let mut archive = tar::Builder::new(File::create(&path)?);
    append(&mut archive, "manifest.json", 0o644, manifest.to_string().as_bytes())?;
    append(&mut archive, "config.json", 0o644, config.to_string().as_bytes())?;
    append(&mut archive, "layer.tar", 0o644, &layer)?;
    archive.finish()?;
    Ok(path)
}

fn layer(busybox: &[u8]) -> Result<Vec<u8>> {
    let mut layer = tar::Builder::new(Vec::new());
    for name in DIRECTORIES {
        let mut header = header(0o755, 0);
        header.set_entry_type(tar::EntryType::Directory);
        layer.append_data(&mut header, format!("{name}/"), std::io::empty())?;
    }
    append(&mut layer, "bin/busybox", 0o755, busybox)?;
    append(&mut layer, "etc/passwd", 0o644, b"root:x:0:0:root:/:/bin/sh\n")?;
    for name in PROGRAMS {
        let mut header = header(0o777, 0);
        header.set_entry_type(tar::EntryType::Symlink);
        layer.append_link(&mut header, format!("bin/{name}"), "busybox")?;
    }
    Ok(layer.into_inner()?)
}

fn append<W: std::io::Write>(
    archive: &mut tar::Builder<W>,
    name: &str,
    mode: u32,
    content: &[u8],
) -> Result<()> {
    archive.append_data(&mut header(mode, content.len() as u64), name, content)?;
    Ok(())
}

fn header(mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size);
    header
}

fn busybox() -> Result<Vec<u8>> {
    let found = programs("busybox").map(fs::read).collect::<Result<Vec<_>, _>>()?;
    found
        .into_iter()
        .find(|program| is_static(program))
        .context("no static busybox: apt-get install busybox-static")
}

/// Go's name of it, which images use.
fn architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => anyhow::bail!("what Go calls {other} is not known here"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
