//! The documents in those answers, and the requests that the simulated server reads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovnkube::{PodInterface, Request, Response};

fuzz_target!(|data: &[u8]| {
    if let Ok(response) = serde_json::from_slice::<Response>(data) {
        for interface in [&response.pod, &response.udn].into_iter().flatten() {
            again(interface);
        }
        let device = response.udn_request.as_ref().and_then(|request| request.device_id());
        assert!(device.is_none_or(|id| !id.is_empty()));
        if let Some(auth) = &response.kube_auth {
            // It may have held a token.
            assert_eq!(serde_json::to_string(auth).expect("JSON"), "{}");
            assert_eq!(format!("{auth:?}"), "KubeAuth(..)");
        }
    }
    if let Ok(request) = serde_json::from_slice::<Request>(data) {
        let written = serde_json::to_vec(&request).expect("JSON");
        let read: Request = serde_json::from_slice(&written).expect("what we write is a request");
        assert_eq!((read.env, read.config), (request.env, request.config), "read as it was written");
    }
});

fn again(interface: &PodInterface) {
    let written = serde_json::to_vec(interface).expect("JSON");
    let read: PodInterface = serde_json::from_slice(&written).expect("what we write is an interface");
    assert_eq!(read, *interface, "read as it was written");
}
