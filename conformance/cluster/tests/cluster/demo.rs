//! What `scripts/demo --cluster` shows is true.

use std::process::{Command, Stdio};

use testkit::binaries;

use super::support::alone;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/lib/demo-cluster.sh");

#[test]
fn the_demo_shows_what_it_says() {
    let _alone = alone();
    let conformance = binaries::program("conformance").unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let own = conformance.parent().unwrap().to_owned();
    let path = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path))).unwrap();
    let done = Command::new(SCRIPT).arg("--brief").env("PATH", path).stdin(Stdio::null()).output().unwrap();
    let (said, why) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}\n{why}");
    assert!(said.contains("resources.limits['openshift.io/dpuvf']: '1'"), "{said}");
}
