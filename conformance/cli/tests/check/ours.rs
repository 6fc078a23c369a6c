//! The suite on our own plugins: every check of their profiles passes, with every version, and none is left out but
//! those that are named here.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::Value;
use testkit::binaries::{example, is_static, plugin};

use super::{Report, numbers};

/// Of a build for development, which is linked dynamically: in a chroot it finds no libraries.
const STATIC_ONLY: u64 = 140;

/// 79 is about plugins that do not list 1.1.0, 122 and 129 about those that delegate to an IPAM plugin.
const NOT_OURS: &[u64] = &[79, 122, 129];

/// A placeholder attaches nothing, so there is no result, interface, device or attachment to look at; and it depends
/// on nothing that could be down.
const NOTHING_ATTACHED: &[u64] = &[
    6, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 106, 108, 109, 112, 113, 114, 115, 116, 117, 119,
    127, 128, 136,
];

#[test]
fn the_placeholder_passes() {
    // As it is installed: 151 loads this very file.
    let config = r#"{
        "cniVersion": "0.4.0",
        "cniVersions": ["0.4.0", "1.0.0", "1.1.0"],
        "name": "dpu-nic",
        "loadOnlyInlinedPlugins": true,
        "plugins": [{"type": "dpu-nic-placeholder", "logLevel": "warn", "message": "use hostNetwork: true"}]
    }"#;
    let args = ["--profile", "placeholder", "--skel-strings"];
    passes(
        &plugin("dpu-nic-placeholder").unwrap(),
        config,
        &args,
        &[NOT_OURS, NOTHING_ATTACHED].concat(),
        &[],
    )
    .unwrap();
}

#[test]
fn dpu_host_passes() {
    // GC waits 20 s for a VF that somebody else holds.
    let args = ["--profile", "interface", "--setup", "simulated-node", "--skel-strings", "--timeout", "30"];
    let config =
        r#"{"type":"dpu-host","logLevel":"info","timeoutSeconds":60,"resourceName":"openshift.io/vf"}"#;
    passes(&plugin("dpu-host").unwrap(), config, &args, NOT_OURS, &[]).unwrap();
}

/// It stands behind another plugin, so alone it attaches nothing that could be looked at.
const NOT_FIRST: &[u64] = &[
    6, 88, 89, 90, 91, 92, 93, 94, 96, 97, 98, 100, 106, 108, 112, 113, 114, 115, 117, 119, 122, 127, 128,
    129,
];

/// A result without an address has no form in 0.1.0 (61), and the suite gives it such a one to hand on; 84 is advice.
const EXCUSED: &[u64] = &[61, 84];

/// What the specification says must be: the example is what other plugins start from.
#[test]
fn the_example_passes() {
    let config = r#"{"type":"minimal","searchDomain":"example.org"}"#;
    passes(&example("minimal").unwrap(), config, &["--profile", "spec"], NOT_FIRST, EXCUSED).unwrap();
}

fn passes(binary: &Path, config: &str, args: &[&str], not_run: &[u64], excused: &[u64]) -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), config)?;
    let files = [OsStr::new("--config"), file.path().as_os_str(), OsStr::new("--plugin"), binary.as_os_str()];
    let report = Report::of(args.iter().map(OsStr::new).chain(files))?;
    let versions = report.json["versions"].as_array().map_or(0, Vec::len);
    ensure!(versions == 7, "{versions} versions");
    let dynamic = !is_static(&std::fs::read(binary)?);
    let exempt = |row: &Value| {
        dynamic && row["number"] == STATIC_ONLY || excused.iter().any(|number| row["number"] == *number)
    };
    let failed: Vec<&Value> = report.rows("fail").filter(|row| !exempt(row)).collect();
    ensure!(failed.is_empty(), "{failed:#?}");
    // What the other profiles add is skipped without being required.
    let skipped = numbers(report.rows("skip").filter(|row| row["required"] == true));
    ensure!(skipped == not_run.iter().copied().collect(), "not run: {skipped:?}");
    Ok(())
}
