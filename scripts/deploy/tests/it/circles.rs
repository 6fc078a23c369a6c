//! The lint step that keeps the modules of a crate from importing each other.

use std::path::Path;
use std::process::Command;

use crate::support::{Place, Ran};

fn circles(files: &[(&str, &str)]) -> Ran {
    let place = Place::new();
    for (name, text) in files {
        place.write(&format!("src/{name}"), text);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lib/circles.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(place.path("src")).output().expect("python3 runs").into()
}

#[test]
fn a_circle_is_named_however_it_is_closed() {
    for (root, child) in [
        ("mod a;\nuse a::A;\npub struct B;\n", "use crate::B;\npub struct A;\n"),
        ("mod a;\nfn f() { a::g(); }\npub fn h() {}\n", "pub fn g() { super::h(); }\n"),
        ("mod a;\npub use a::A;\nfn f(_: A) {}\npub struct B;\n", "pub struct A(super::B);\n"),
    ] {
        let ran = circles(&[("lib.rs", root), ("a.rs", child)]);
        assert_eq!(ran.code, 1, "{root}{child}{}", ran.err);
        assert!(ran.out.contains("2 modules import each other"), "{}", ran.out);
        assert!(ran.out.contains("root -> a\n") && ran.out.contains("a -> root\n"), "{}", ran.out);
    }
}

#[test]
fn neighbours_are_seen_through_what_their_parent_passes_on() {
    let ran = circles(&[
        ("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;\n"),
        ("a.rs", "pub struct A(crate::B);\n"),
        ("b.rs", "use super::A;\npub struct B(Box<A>);\n"),
    ]);
    assert!(ran.code == 1 && ran.out.contains("a -> b\n"), "{}{}", ran.out, ran.err);
}

#[test]
fn declaring_passing_on_and_testing_is_no_import() {
    let ran = circles(&[
        ("lib.rs", "mod a;\npub use a::A;\n/// As a::A has it.\npub struct B;\n"),
        ("a.rs", "pub struct A(super::B);\n#[cfg(test)]\nmod tests {\n    use crate::A;\n}\n"),
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
}
