//! The packages that `scripts/package` makes, installed into an empty root and removed again. Needs root, dpkg and rpm.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::scripts::script;
use crate::support::Place;

const PLUGINS: [&str; 2] = ["dpu-host", "dpu-nic-placeholder"];

/// What the program says, which succeeds.
fn run(program: &str, arguments: &[&str]) -> String {
    let done =
        Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success(),
        "{program} {arguments:?}: {said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    said
}

/// Both plugins are in place, as they were packaged, and programs.
fn installed(place: &Place, root: &str) {
    for plugin in PLUGINS {
        let path = place.path(&format!("{root}/opt/cni/bin/{plugin}"));
        assert_eq!(fs::read_to_string(&path).expect("a plugin"), plugin);
        assert_eq!(fs::metadata(&path).expect("a mode").permissions().mode() & 0o7777, 0o755);
    }
}

fn removed(place: &Place, root: &str) {
    for plugin in PLUGINS {
        assert!(!place.path(&format!("{root}/opt/cni/bin/{plugin}")).exists());
        assert!(!place.path(&format!("{root}/usr/share/doc/{plugin}")).exists());
    }
}

#[test]
fn packages_install_and_leave_nothing() {
    let place = Place::new();
    let arch = std::env::consts::ARCH;
    for plugin in PLUGINS {
        place.write(&format!("plugins/{arch}/{plugin}"), plugin);
    }
    let maintainer = "The team <team@example.org>";
    script(&place, "package", &["--dist", "plugins", "--out", "out", "--maintainer", maintainer]).ok();
    let files = |end: &str| -> Vec<String> {
        let names = place.list("out").into_iter().filter(|name| name.ends_with(end));
        let paths: Vec<_> =
            names.map(|name| place.path(&format!("out/{name}")).display().to_string()).collect();
        assert_eq!(paths.len(), PLUGINS.len(), "{paths:?}");
        paths
    };
    let with = |arguments: &[&str], files: &[String]| -> Vec<String> {
        arguments.iter().map(|word| (*word).to_owned()).chain(files.iter().cloned()).collect()
    };

    for file in ["status", "available", "info/format"] {
        place.write(&format!("debian/var/lib/dpkg/{file}"), if file == "info/format" { "1\n" } else { "" });
    }
    fs::create_dir_all(place.path("debian/var/lib/dpkg/updates")).expect("a directory");
    let root = format!("--root={}", place.path("debian").display());
    let install = with(&[&root, "--install"], &files(".deb"));
    run("dpkg", &install.iter().map(String::as_str).collect::<Vec<_>>());
    installed(&place, "debian");
    let shown = run("dpkg-query", &[&root, "--show", "--showformat=${Maintainer}\\n", "dpu-host"]);
    assert_eq!(shown.trim(), maintainer);
    run("dpkg", &[&root, "--purge", PLUGINS[0], PLUGINS[1]]);
    removed(&place, "debian");

    fs::create_dir_all(place.path("fedora")).expect("a directory");
    let root = place.path("fedora").display().to_string();
    run("rpm", &["--root", &root, "--initdb"]);
    // Debian's rpm asks for a word before it installs anything on Debian.
    let install = with(&["--root", &root, "--install", "--nodeps", "--force-debian"], &files(".rpm"));
    run("rpm", &install.iter().map(String::as_str).collect::<Vec<_>>());
    installed(&place, "fedora");
    run("rpm", &["--root", &root, "--erase", PLUGINS[0], PLUGINS[1]]);
    removed(&place, "fedora");
}
