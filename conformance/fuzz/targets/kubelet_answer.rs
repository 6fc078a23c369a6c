//! Answers of the kubelet's PodResources API: one gRPC message, for one pod or for all.
#![no_main]

use std::collections::BTreeSet;

use fuzz::is_one_line;
use kubelet::{Failure, PodDevices, fuzzing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match fuzzing::get(data.to_vec(), "web", "web-0") {
        Ok(pod) => is_the_pod(&pod),
        Err(failure) => is_told(&failure),
    }
    match fuzzing::find(data.to_vec(), "web", "web-0") {
        Ok(pod) => pod.iter().for_each(is_the_pod),
        Err(failure) => is_told(&failure),
    }
    match fuzzing::listing(data.to_vec()) {
        Ok(listing) => assert!(listing.pods().all(|pod| !pod.name.is_empty() && !pod.namespace.is_empty())),
        Err(failure) => is_told(&failure),
    }
});

fn is_the_pod(pod: &PodDevices) {
    assert_eq!((pod.namespace.as_str(), pod.name.as_str()), ("web", "web-0"));
    let claims = pod.claims();
    let names: BTreeSet<_> = claims.iter().map(|claim| (&claim.namespace, &claim.name)).collect();
    assert_eq!(names.len(), claims.len(), "each claim once: {claims:?}");
}

fn is_told(failure: &Failure) {
    assert!(is_one_line(&failure.to_string()), "{failure}");
}
