//! Answers of the kubelet's PodResources API: one gRPC message.
#![no_main]

use std::collections::BTreeSet;

use fuzz::is_one_line;
use kubelet::{PodDevices, fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match fuzzing::devices(data.to_vec(), "web", "web-0", "openshift.io/dpuvf") {
        Ok(PodDevices::Devices(ids)) => {
            assert!(!ids.is_empty());
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "each device once: {ids:?}");
        }
        Ok(PodDevices::NoneOf { others }) => assert!(!others.contains("openshift.io/dpuvf")),
        Ok(PodDevices::UnknownPod) => {}
        Err(failure) => assert!(is_one_line(&failure.to_string()), "{failure}"),
    }
});
