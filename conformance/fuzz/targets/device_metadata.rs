//! What a driver of dynamic resource allocation leaves on the node about a claim's devices.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linux::sriov::PciAddress;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for address in dpu_host::fuzzing::metadata(&text) {
        assert!(address.parse::<PciAddress>().is_ok_and(|read| read.to_string() == address), "{address}");
    }
});
