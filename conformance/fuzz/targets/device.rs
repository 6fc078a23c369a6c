//! Device IDs, from configurations, the kubelet, the server and records. They become parts of paths.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linux::Mac;

fuzz_target!(|text: &str| {
    if let Some(id) = dpu_host::fuzzing::device(text) {
        assert_eq!(id, text, "there is one way to write it");
        assert!(id.len() <= 128, "{id:?} is a file name, with more behind it");
        assert!(!id.starts_with('.') && !id.contains(".."), "{id:?}");
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c)), "{id:?}");
    }
    if let Ok(mac) = text.parse::<Mac>() {
        assert_eq!(mac.to_string(), text.to_ascii_lowercase());
    }
});
