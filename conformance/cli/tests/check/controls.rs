//! The suite on plugins that nobody here wrote: it finds the deviations that they have, and no others.
//!
//! They are Debian's containernetworking-plugins 1.1.1 and the current ones, built with Go. Each number is a check that
//! fails, with what the plugin does; all of it was seen, and is the same from run to run.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rstest::rstest;
use serde_json::Value;

use super::{Report, only};

/// The current release; scripts/lib/peers.sh builds it.
const CURRENT: &str = "v1.9.1";

/// A version of each shape of result, for those of today and for Debian's: all seven tell nothing more, and take twice as
/// long.
const VERSIONS: [&str; 2] = ["0.2.0,0.4.0,1.1.0", "0.1.0,0.3.1,1.0.0"];

type Deviations = &'static [(u64, &'static str)];

/// Of everything built on skel.
const SKEL: Deviations = &[
    (4, "errors carry no cniVersion"),
    (81, "own namespace: not looked at; since 1.2, after ADD has been carried out and its result printed"),
    (83, "the same"),
    (103, "DEL fails on a file that is no namespace: `unknown FS magic`"),
];
/// Of skel 1.1, and of Debian's way of building.
const DEBIAN: Deviations = &[
    (10, "reads all of stdin before it looks at the container ID"),
    (41, "missing variables win over an invalid container ID"),
    (79, "STATUS and GC, which it does not know, get code 3, `missing containerID`"),
    (140, "linked dynamically"),
];
const LOOPBACK: Deviations = &[
    (84, "DEL of its own namespace takes the host's lo down"),
    (89, "a result of the shape of 1.0.0 under any version"),
    (90, "the same"),
    (114, "CHECK does not look at addresses"),
    (154, "lo stays up when nobody takes the answer"),
];
/// Of those that make or move an interface.
const INTERFACES: Deviations = &[
    (36, "CNI_ARGS: more than one `=` in a pair is an error"),
    (98, "prevResult is ignored"),
    (99, "the same"),
    (100, "a failed ADD leaves its interface, or the address that IPAM gave, for the DEL that follows"),
    (136, "prevResult is ignored"),
    (154, "an answer that nobody takes is no failure that is undone"),
    (156, "CHECK looks neither at the MTU nor, but for bridge and ptp, at routes"),
];
/// Of the current ones of those; Debian's does not list 1.1.0, so these are skipped.
const GC: Deviations = &[
    (127, "GC is not implemented: the address stays reserved"),
    (129, "GC is not implemented: IPAM is not told"),
];
const OWN_NAMESPACE: Deviations = &[(
    84,
    "DEL of its own namespace removes the host's interface of that name; host-device's cannot rename it",
)];
const BRIDGE_STATUS: Deviations = &[(120, "a configuration that it cannot decode gets code 999")];
const PTP: Deviations = &[(105, "DEL wants the configuration's `ipam`")];
const PTP_FIFO: Deviations = &[(86, "opens a FIFO as a namespace, and hangs")];
const HOST_DEVICE: Deviations = &[
    (101, "DEL wants the interface"),
    (102, "the same"),
    (105, "DEL wants the configuration's `device`"),
    (106, "DEL wants the interface under its name"),
    (107, "DEL wants the namespace"),
    (155, "the same, of a container that is lost"),
];
/// May be found or not.
const BY_CHANCE: Deviations = &[
    (131, "calls at once: host-device fails when its list of links was interrupted"),
    (133, "killed on its way, host-device leaves its device in the container, or loses it"),
    (152, "random input that names the plugin's own namespace gets ADD's result and an error, as in 81"),
];
const HOST_DEVICE_NAME: Deviations =
    &[(97, "the device stays in the container when the name is taken there")];

const IPAM: &str = r#""ipam":{"type":"host-local","dataDir":"${CASE}/ipam","ranges":[[{"subnet":"10.88.0.0/16"}]],
    "routes":[{"dst":"0.0.0.0/0"}]}"#;

/// Gives host-device one end of a veth pair.
const DEVICES: &str = r#"
case $SUITE_VERB in
attach)
  ip link add "dev$SUITE_NUMBER" type veth peer name "peer$SUITE_NUMBER" || exit 1
  echo "$SUITE_NUMBER" > "$SUITE_DIR/last"
  echo "{\"config\":{\"device\":\"dev$SUITE_NUMBER\"},\"device\":\"dev$SUITE_NUMBER\"}" ;;
cause)
  [ "$SUITE_FAULT" = device-gone ] || exit 3
  ip link del "peer$(cat "$SUITE_DIR/last")" ;;
esac"#;

#[rstest]
#[case::loopback("loopback", &[SKEL, LOOPBACK])]
#[case::bridge("bridge", &[SKEL, INTERFACES, GC, OWN_NAMESPACE, BRIDGE_STATUS])]
#[case::ptp("ptp", &[SKEL, INTERFACES, GC, PTP, PTP_FIFO])]
#[case::host_device("host-device", &[SKEL, INTERFACES, GC, HOST_DEVICE])]
fn those_of_today(#[case] plugin: &str, #[case] known: &[Deviations]) {
    // They are the reference: their very sentences are what skel says.
    deviates(&current().unwrap(), plugin, known, &["--skel-strings", "--cni-version", VERSIONS[0]]).unwrap();
}

#[rstest]
#[case::loopback("loopback", &[SKEL, DEBIAN, LOOPBACK])]
#[case::bridge("bridge", &[SKEL, DEBIAN, INTERFACES, OWN_NAMESPACE])]
#[case::ptp("ptp", &[SKEL, DEBIAN, INTERFACES, OWN_NAMESPACE, PTP])]
#[case::host_device("host-device", &[SKEL, DEBIAN, INTERFACES, OWN_NAMESPACE, HOST_DEVICE, HOST_DEVICE_NAME])]
fn those_of_debian(#[case] plugin: &str, #[case] known: &[Deviations]) {
    deviates(&debians().unwrap(), plugin, known, &["--cni-version", VERSIONS[1]]).unwrap();
}

fn deviates(dir: &Path, plugin: &str, known: &[Deviations], args: &[&str]) -> Result<()> {
    let wanted: BTreeSet<u64> =
        known.iter().flat_map(|group| group.iter()).map(|(number, _)| *number).collect();
    let (path, config) = (dir.join(plugin), tempfile::NamedTempFile::new()?);
    // Inputs at random are for our own plugins.
    let mut arguments: Vec<&OsStr> = ["--profile", "interface", "--random", "200"].map(OsStr::new).to_vec();
    arguments.extend(args.iter().map(OsStr::new));
    arguments.extend([OsStr::new("--plugin"), path.as_os_str()]);
    if plugin == "loopback" {
        arguments.extend(["--ifname", "lo"].map(OsStr::new));
    } else {
        let own = if plugin == "bridge" { r#""bridge":"cni0","isGateway":true,"# } else { "" };
        fs::write(config.path(), format!(r#"{{"type":"{plugin}",{own}{IPAM}}}"#))?;
        arguments.extend([OsStr::new("--config"), config.path().as_os_str()]);
    }
    if plugin == "host-device" {
        arguments.extend(["--setup", DEVICES].map(OsStr::new));
    }
    // A FIFO hangs for as long as it may.
    let hasty = Report::of(arguments.iter().copied().chain(["--timeout", "5"].map(OsStr::new)))?;
    ensure!(hasty.status.code() == Some(1), "exit status {}", hasty.status);
    let mut odd = &hasty.failed() ^ &wanted;
    odd.retain(|number| BY_CHANCE.iter().all(|(by_chance, _)| by_chance != number));
    if odd.is_empty() {
        return Ok(());
    }
    // Five seconds are little on a busy machine: what does not fit is looked at again, alone and in peace.
    let patient = ["--timeout", "60"].map(OsString::from).into_iter().chain(only(&odd));
    let report = Report::of(arguments.into_iter().map(OsStr::to_owned).chain(patient))?;
    let found = report.failed();
    let unknown = |row: &&Value| row["number"].as_u64().is_none_or(|number| !wanted.contains(&number));
    let unknown: Vec<&Value> = report.rows("fail").filter(unknown).collect();
    let missing: Vec<&u64> = odd.iter().filter(|n| wanted.contains(n) && !found.contains(n)).collect();
    ensure!(unknown.is_empty() && missing.is_empty(), "not found: {missing:?}; not known: {unknown:#?}");
    Ok(())
}

/// Debian's, installed or merely unpacked.
fn debians() -> Result<PathBuf> {
    let places = [PathBuf::from("/usr/lib/cni"), tools()?.join("unpacked/usr/lib/cni")];
    let found = places.into_iter().find(|dir| dir.join("host-local").is_file());
    found.context("containernetworking-plugins is missing: scripts/test unpacks it")
}

/// Those of the current release.
pub(super) fn current() -> Result<PathBuf> {
    let dir = tools()?.join("peers").join(CURRENT);
    ensure!(dir.join("built").is_file(), "{} is missing: scripts/test builds it", dir.display());
    Ok(dir)
}

/// Where scripts/test keeps what it has fetched.
fn tools() -> Result<PathBuf> {
    if let Some(cache) = env::var_os("DPU_CNI_CACHE") {
        return Ok(PathBuf::from(cache).join("tools"));
    }
    let program = Path::new(env!("CARGO_BIN_EXE_conformance"));
    let target = program.parent().and_then(Path::parent).context("no target directory")?;
    Ok(target.join("tools"))
}
