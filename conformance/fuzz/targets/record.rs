//! Records on disk, of this version, another, or half a one.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    dpu_host::fuzzing::record(text);
    dpu_host::fuzzing::pending_del(text);
});
