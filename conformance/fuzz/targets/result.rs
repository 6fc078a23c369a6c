//! Results of any version: another plugin's, a server's, our own given back to us.
#![no_main]

use cni::{AddResult, Version};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(result) = AddResult::from_json(&value) else { return };
    for version in Version::ALL {
        let Ok(printed) = result.to_json(version) else { continue };
        let read = AddResult::from_json(&printed).expect("what we print is a result");
        assert_eq!(read.to_json(version).as_ref(), Ok(&printed), "{version}: read as it was printed");
    }
    assert!(result.to_json(Version::LATEST).is_ok(), "the newest version can say everything");
});
