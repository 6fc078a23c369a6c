//! The variables of a call, `CNI_ARGS` above all: standard input, then `KEY=VALUE` pairs, with a NUL between them.
#![no_main]

use std::os::unix::ffi::OsStrExt;

use cni::Args;
use fuzz::{Fields, Probe, call};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut fields = Fields::of(data);
    let stdin = fields.take();
    let variables = fields.variables();
    // Where the same variable is there twice, the first counts: so it is for getenv.
    let env = |key: &str| variables.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone());
    call(&Probe::<0>, &env, stdin);

    let text = String::from_utf8_lossy(env("CNI_ARGS").unwrap_or_default().as_bytes()).into_owned();
    let args = Args::parse(&text);
    let keys: Vec<&str> = args.pairs().map(|(key, _)| key).collect();
    assert!(keys.iter().enumerate().all(|(at, key)| !keys[..at].contains(key)), "each key once: {keys:?}");
    let written: Vec<String> = args.pairs().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(Args::parse(&written.join(";")), args, "read as it was written");
});
