//! The configuration keys of dpu-host: a tenant writes them, root acts on them.
#![no_main]

use std::path::Component;

use cni::{Args, Attachment, NetConf};
use dpu_host::fuzzing;
use fuzz::Fields;
use libfuzzer_sys::fuzz_target;

/// Keys that concern us or the runtime, and no server.
const PRIVATE: [&str; 7] = [
    "socket",
    "stateDir",
    "podResourcesSocket",
    "resourceName",
    "timeoutSeconds",
    "prevResult",
    "runtimeConfig",
];

fuzz_target!(|data: &[u8]| {
    let mut fields = Fields::of(data);
    let Ok(conf) = NetConf::parse(fields.take()) else { return };
    let args = Args::parse(&fields.text());

    for path in fuzzing::configuration(&conf).into_iter().flatten() {
        let allowed = ["/run/ovn-kubernetes/", "/var/lib/kubelet/pod-resources/", "/run/dpu-cni"];
        assert!(allowed.iter().any(|start| path.to_string_lossy().starts_with(start)), "{path:?}");
        assert!(path.components().skip(1).all(|part| matches!(part, Component::Normal(_))), "{path:?}");
    }

    let attachment = Attachment {
        network: conf.name().into(),
        container: "0123456789abcdef".into(),
        ifname: "eth0".into(),
    };
    let (config, _) = fuzzing::forwarded(&conf, &args, &attachment);
    assert_eq!(config["type"], ovnkube::PLUGIN_TYPE);
    assert!(PRIVATE.iter().all(|key| config.get(key).is_none()), "{config}");
});
