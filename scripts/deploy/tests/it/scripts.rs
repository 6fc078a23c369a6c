//! The scripts around this program, where nothing is built yet, with a compiler that does nothing but say so.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::{Place, Ran};

/// Leaves this program where the real one would.
const CARGO: &str = r#"#!/bin/bash
echo "compiling $*" >&2
[[ $* =~ --target\ ([^ ]+) ]] && into=$CARGO_TARGET_DIR/${BASH_REMATCH[1]} || into=$CARGO_TARGET_DIR
mkdir -p "$into/tools" && cp "$PROGRAM" "$into/tools/dpu-cni"
"#;
const RUSTC: &str = "#!/bin/bash\n[[ $1 = --version ]] && echo 'rustc 99.0.0' || echo /\n";
/// `ssh NODE COMMAND`, here; the directories that are made there are noted.
const SSH: &str = "#!/bin/bash\necho \"$1\" >>nodes\nexec bash -c \"${*:2}\"\n";
const SUDO: &str = "#!/bin/bash\necho \"$1\" >>programs\nexec \"$@\"\n";
/// As in a container: run as root, without its rights.
const UNSHARE: &str = "#!/bin/bash\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n";

pub(crate) fn script(place: &Place, name: &str, arguments: &[&str]) -> Ran {
    for (name, text) in
        [("cargo", CARGO), ("rustc", RUSTC), ("ssh", SSH), ("sudo", SUDO), ("unshare", UNSHARE)]
    {
        let path = place.path(&format!("bin/{name}"));
        if !path.exists() {
            place.write(&format!("bin/{name}"), text);
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let mut command = Command::new(script);
    command.args(arguments).current_dir(place.path(""));
    command.env("PATH", path).env("CARGO_TARGET_DIR", place.path("target"));
    command.env("PROGRAM", env!("CARGO_BIN_EXE_dpu-cni")).output().expect("the script runs").into()
}

#[test]
fn help_needs_no_program_and_names_the_script() {
    let place = Place::new();
    let ran = script(&place, "pod-spec", &["lint", "--help"]).ok();
    assert!(
        ran.out.contains("scripts/pod-spec lint FILE...") && ran.err.is_empty(),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(!place.path("target").exists(), "nothing is built");
    script(&place, "audit", &["--root", "dist", "--json"]);
    let ran = script(&place, "pod-spec", &["lint", "--help"]).ok();
    assert!(ran.out.contains("Usage: dpu-cni pod-spec lint [OPTIONS] <FILES>..."), "{}", ran.out);
}

#[test]
fn the_first_run_says_that_it_builds() {
    let place = Place::new();
    let ran = script(&place, "audit", &["--root", "dist", "--json"]);
    assert!(ran.out.starts_with('['), "the program's answer alone: {}", ran.out);
    assert!(
        ran.err.contains("building the program behind this script (once)\ncompiling build --locked"),
        "{}",
        ran.err
    );
    let ran = script(&place, "audit", &["--root", "dist", "--json"]);
    assert!(!ran.err.contains("(once)") && ran.err.contains("compiling build --quiet"), "{}", ran.err);
}

#[test]
fn a_release_has_the_program_among_no_plugins() {
    let place = Place::new();
    let arch = std::env::consts::ARCH;
    script(&place, "build", &["--tool"]).ok();
    assert_eq!(place.list("target/dist"), [format!("dpu-cni/{arch}/dpu-cni")]);
    let ran = script(&place, "build", &["--tool", "--help"]).ok();
    assert!(ran.out.contains("target/dist/dpu-cni/<architecture>"), "{}", ran.out);
}

#[test]
fn render_looks_at_its_values_before_building() {
    let place = Place::new();
    let plugin = "plugins/x86_64/dpu-host";
    let tenant = ["--cluster", "tenant", "--out", "out", "--binaries", "plugins", "--values", "values.yaml"];
    let refuses = |arguments: &[&str], part: &str| {
        let ran = script(&place, "render", arguments);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains(part) && !ran.err.contains("compiling"), "{}", ran.err);
    };
    refuses(&["--out", "out"], "--cluster must be infra (the cards') or tenant");
    refuses(&["--cluster", "infra"], "--out DIR is missing");
    refuses(&tenant[..6], "no --values FILE: sriov.physicalFunctions is missing");
    refuses(&tenant, "values.yaml cannot be read");
    place.write("values.yaml", "sriov:\n  physicalFunctions: [ens1f0]\nplaceHolder: {}\n");
    refuses(&tenant, "values.yaml: no such key as placeHolder: there are profile, directories");
    // Every key that there is.
    let keys = "profile: openshift\nmodeLabel: null\nkubeletConfig: null\nhardwareOffload: {}\ndpuHost: {}\n";
    place.write("values.yaml", format!("sriov: {{physicalFunctions: [ens1f0]}}\n{keys}"));
    refuses(&tenant, "no dpu-host in plugins: build it with scripts/build first");
    place.write(plugin, "a program");
    let ran = script(&place, "render", &tenant);
    assert!(ran.err.contains("compiling"), "{}", ran.err);
    assert!(ran.err.contains("plugins/x86_64/dpu-host is no Linux program"), "{}", ran.err);
}

#[test]
fn a_node_may_be_named_anywhere_and_must_be() {
    let place = Place::new();
    for arguments in [["node", "--ssh"].as_slice(), &["--ssh"], &["--ssh", "--dry-run", "node"]] {
        let ran = script(&place, "uninstall", arguments);
        assert_eq!((ran.code, ran.err.as_str()), (2, "uninstall: --ssh needs a node\n"));
    }
    place.write("a copy/etc/passwd", "");
    for arguments in
        [["--ssh", "shop-1", "node", "--root", "a copy"], ["node", "--root", "a copy", "--ssh", "shop-1"]]
    {
        let ran = script(&place, "uninstall", &arguments).ok();
        assert_eq!(ran.out, "nothing of ours is here\n");
    }
    assert_eq!(
        script(&place, "audit", &["--ssh", "shop-1", "--root", "gone"]).code,
        2,
        "the program's exit status"
    );
    assert!(place.read("nodes").lines().all(|node| node == "shop-1"));
    let programs = place.read("programs");
    let mut programs: Vec<&Path> = programs.lines().map(Path::new).collect();
    assert!(
        programs.iter().all(|program| !program.parent().is_some_and(Path::exists)),
        "removed: {programs:?}"
    );
    programs.dedup();
    assert_eq!(programs.len(), 3, "each time in a directory that nobody can know before: {programs:?}");
}

#[test]
fn missing_rights_are_told_before_building() {
    for arguments in [["demo"].as_slice(), &["bench", "--quick"], &["build-release"], &["test", "unit"]] {
        let place = Place::new();
        let ran = script(&place, arguments[0], &arguments[1..]);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        assert!(
            ran.err.contains("unshare failed: Operation not permitted") && ran.err.contains("--privileged"),
            "{}",
            ran.err
        );
        assert!(!ran.err.contains("compiling") && !place.path("target").exists(), "{}", ran.err);
    }
}

#[test]
fn an_older_distribution_rust_needs_rustup() {
    let place = Place::new();
    place.write("bin/rustc", "#!/bin/bash\necho 'rustc 1.85.0 (built from a source tarball)'\n");
    let ran = script(&place, "build", &[]);
    assert!(
        ran.err.contains("rustc is the distribution's; install rustup from https://rustup.rs first"),
        "{}",
        ran.err
    );
    let rustup = place.write("bin/rustup", "#!/bin/bash\nexit 1\n");
    fs::set_permissions(rustup, fs::Permissions::from_mode(0o755)).expect("a mode");
    let ran = script(&place, "build", &[]);
    assert!(ran.err.contains("this is 1.85.0: rustup update stable"), "{}", ran.err);
}

#[test]
fn a_stale_program_is_not_rebuilt_in_silence() {
    let place = Place::new();
    script(&place, "audit", &["--root", "dist"]);
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    let program =
        fs::File::options().write(true).open(place.path("target/tools/dpu-cni")).expect("the program");
    program.set_modified(long_ago).expect("a time");
    drop(program);
    let ran = script(&place, "audit", &["--root", "dist"]);
    assert!(ran.err.contains("again (its sources are newer)\ncompiling build --locked"), "{}", ran.err);
}

#[test]
fn an_image_copies_only_what_differs() {
    let place = Place::new();
    place.write("plugins/dpu-host", "new");
    place.write("plugins/dpu-nic-placeholder", "of the cards");
    place.write("node/dpu-host", "old");
    let copy = |node: &str| {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../image/copy"));
        command.args(["--once", node]).current_dir(place.path(""));
        command.env("DPU_CNI_IMAGE", place.path("plugins")).env("DPU_CNI_PLUGINS", "dpu-host");
        Ran::from(command.output().expect("the script runs"))
    };
    // Who calls the plugin right now keeps the file that it has open.
    let called = fs::File::open(place.path("node/dpu-host")).expect("the old one");
    let node = place.path("node").display().to_string();
    assert_eq!(copy(&node).ok().out, format!("{node}/dpu-host is copied\n"));
    assert_eq!(std::io::read_to_string(called).expect("text"), "old");
    assert_eq!(
        (place.read("node/dpu-host").as_str(), place.list("node")),
        ("new", vec!["dpu-host".to_owned()])
    );
    let metadata = || fs::metadata(place.path("node/dpu-host")).expect("the new one");
    assert_eq!(metadata().permissions().mode() & 0o7777, 0o755);
    let made = metadata().modified().expect("a time");
    assert_eq!(copy(&node).ok().out, format!("{node}/dpu-host is as it must be\n"));
    assert_eq!(metadata().modified().expect("a time"), made, "a runtime watches this directory");
    assert_eq!(copy("nowhere").code, 2);
}
