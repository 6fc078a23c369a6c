//! Datagrams of the kernel's: links, addresses, routes, acknowledgements.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let taken = linux::fuzzing::datagram(data);
    // `struct nlmsghdr` has 16 bytes.
    assert!(taken <= data.len() / 16, "{taken} messages in {} bytes", data.len());
});
