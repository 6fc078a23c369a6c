//! Standard input of every verb. The first byte says which, the rest is the configuration.
#![no_main]

use std::process::ExitCode;

use fuzz::{Probe, call};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((verb, stdin)) = data.split_first() else { return };
    let command = match verb {
        b'A' => "ADD",
        b'D' => "DEL",
        b'C' => "CHECK",
        b'S' => "STATUS",
        b'G' => "GC",
        _ => "OTHER",
    };
    let env = |key: &str| {
        let value = match key {
            "CNI_COMMAND" => command,
            "CNI_CONTAINERID" => "0123456789abcdef",
            "CNI_NETNS" => "/run/netns/none",
            "CNI_IFNAME" => "eth0",
            "CNI_PATH" => "/opt/cni/bin",
            "CNI_ARGS" => "IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=web-0",
            _ => return None,
        };
        Some(value.into())
    };
    call(&Probe::<0>, &env, stdin);
    call(&Probe::<1>, &env, stdin);
    let never = call(&Probe::<2>, &env, stdin);
    assert!(never == ExitCode::SUCCESS || !matches!(command, "DEL" | "GC"));
});
