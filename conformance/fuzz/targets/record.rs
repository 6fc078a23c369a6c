//! Records on disk, of this version, another, or half a one.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|content: &[u8]| {
    dpu_host::fuzzing::record(content);
    dpu_host::fuzzing::pending_del(content);
});
