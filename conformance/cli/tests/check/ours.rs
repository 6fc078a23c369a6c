//! The suite on our own plugins: every check of their profiles passes, with every version, and none is left out but
//! those that are named here.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testkit::binaries::{example, is_static, plugin};
use testkit::process::{Process, Sink, Stdin};

use super::{Report, numbers, only};

/// Of a build for development, which is linked dynamically: in a chroot it finds no libraries.
const STATIC_ONLY: u64 = 140;

/// 79 is about plugins that do not list 1.1.0, 122 and 129 about those that delegate to an IPAM plugin.
const NOT_OURS: &[u64] = &[79, 122, 129];

/// A placeholder attaches nothing, so there is no result, interface, device or attachment to look at; and it depends
/// on nothing that could be down.
const NOTHING_ATTACHED: &[u64] = &[
    6, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 106, 108, 109, 112, 113, 114, 115, 116, 117, 119,
    127, 128, 136, 154, 155, 156, 157, 160,
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
    let args = ["--profile", "placeholder", "--skel-strings", "--random", "10000"];
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
    let args = [
        ["--profile", "interface"],
        ["--setup", "simulated-node"],
        ["--random", "10000"],
        ["--timeout", "30"],
    ];
    let args = [args.as_flattened(), &["--skel-strings"]].concat();
    let config =
        r#"{"type":"dpu-host","logLevel":"info","timeoutSeconds":60,"resourceName":"openshift.io/vf"}"#;
    passes(&plugin("dpu-host").unwrap(), config, &args, NOT_OURS, &[]).unwrap();
}

/// It stands behind another plugin, so alone it attaches nothing that could be looked at.
const NOT_FIRST: &[u64] = &[
    6, 88, 89, 90, 91, 92, 93, 94, 96, 97, 98, 100, 106, 108, 112, 113, 114, 115, 117, 119, 122, 127, 128,
    129,
];

/// Advice: a DEL in the plugin's own namespace has nothing to do, and does nothing.
const EXCUSED: &[u64] = &[84];

/// What the specification says must be: the example is what other plugins start from.
#[test]
fn the_example_passes() {
    let config = r#"{"type":"minimal","searchDomain":"example.org"}"#;
    passes(&example("minimal").unwrap(), config, &["--profile", "spec"], NOT_FIRST, EXCUSED).unwrap();
}

/// Where it belongs: what the plugin before has done is handed on, with the search domain, in every version.
#[test]
fn the_example_hands_on_a_result() {
    for version in ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let mut previous = json!({"cniVersion": version, "dns": {"nameservers": ["192.0.2.53"]}});
        match version {
            "0.1.0" | "0.2.0" => previous["ip4"] = json!({"ip": "192.0.2.9/24"}),
            "0.3.0" | "0.3.1" | "0.4.0" => {
                previous["ips"] = json!([{"version": "4", "address": "192.0.2.9/24"}]);
            }
            _ => previous["ips"] = json!([{"address": "192.0.2.9/24"}]),
        }
        let conf = json!({
            "cniVersion": version, "name": "n", "type": "minimal", "searchDomain": "example.org",
            "prevResult": previous,
        });
        let variables = [
            ("CNI_COMMAND", "ADD"),
            ("CNI_CONTAINERID", "id"),
            ("CNI_NETNS", "/run/netns/none"),
            ("CNI_IFNAME", "eth0"),
            ("CNI_PATH", "/"),
        ];
        let process = Process {
            program: example("minimal").unwrap(),
            args: Vec::new(),
            env: variables.map(|(key, value)| (key.into(), value.into())).into(),
            cwd: "/".into(),
            stdin: Stdin::Bytes(conf.to_string().into_bytes()),
            stdout: Sink::Captured,
            stderr: Sink::Captured,
            timeout: Duration::from_secs(60),
        };
        let done = process.start().unwrap().finish().unwrap();
        assert_eq!(done.ending(), "exit 0", "{version}: {}", String::from_utf8_lossy(&done.stdout));
        let result: Value = serde_json::from_slice(&done.stdout).unwrap();
        let mut expected = conf["prevResult"].clone();
        expected["dns"]["search"] = json!(["example.org"]);
        assert_eq!(result, expected, "{version}");
    }
}

fn passes(binary: &Path, config: &str, args: &[&str], not_run: &[u64], excused: &[u64]) -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), config)?;
    let files = [OsStr::new("--config"), file.path().as_os_str(), OsStr::new("--plugin"), binary.as_os_str()];
    let args = args.iter().map(OsStr::new).chain(files);
    let report = Report::of(args.clone())?;
    let versions = report.json["versions"].as_array().map_or(0, Vec::len);
    ensure!(versions == 7, "{versions} versions");
    let dynamic = !is_static(&std::fs::read(binary)?);
    let exempt = |row: &Value| {
        dynamic && row["number"] == STATIC_ONLY || excused.iter().any(|number| row["number"] == *number)
    };
    let failed = numbers(report.rows("fail").filter(|row| !exempt(row)));
    if !failed.is_empty() {
        // A median says how busy the machine is, too: looked at again, alone and in peace.
        let report = Report::of(args.map(OsStr::to_owned).chain(only(&failed)))?;
        let failed: Vec<&Value> = report.rows("fail").collect();
        ensure!(failed.is_empty(), "{failed:#?}");
    }
    // What the other profiles add is skipped without being required.
    let skipped = numbers(report.rows("skip").filter(|row| row["required"] == true));
    ensure!(skipped == not_run.iter().copied().collect(), "not run: {skipped:?}");
    Ok(())
}
