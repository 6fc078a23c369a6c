//! The sentence of dpu-nic-placeholder: configuration, `CNI_ARGS` and container ID, with a NUL between them.
#![no_main]

use cni::{Args, NetConf};
use fuzz::{Fields, is_one_line};
use libfuzzer_sys::fuzz_target;

use crate::config::Config;

// A program without a library: its files are enough.
#[path = "../../../plugins/dpu-nic-placeholder/src/config.rs"]
mod config;
#[path = "../../../plugins/dpu-nic-placeholder/src/keys.rs"]
mod keys;
#[path = "../../../plugins/dpu-nic-placeholder/src/plain.rs"]
mod plain;
#[path = "../../../plugins/dpu-nic-placeholder/src/refusal.rs"]
mod refusal;

fuzz_target!(|data: &[u8]| {
    let mut fields = Fields::of(data);
    let Ok(conf) = NetConf::parse(fields.take()) else { return };
    let pod = Args::parse(&fields.text()).pod();
    // The frame lets no other container ID through.
    let container: String =
        fields.text().chars().filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c)).collect();
    let config = Config::read(&conf);
    let hint = config.as_ref().ok().and_then(|config| config.hint.as_deref());
    let shown = refusal::of(&pod, &container, hint).to_string();
    assert!(is_one_line(&shown) && shown.is_ascii() && shown.len() < 300, "{shown:?}");
    let spoken = shown.to_ascii_lowercase();
    for trigger in ["network is not ready", "not found", "no such file or directory"] {
        assert!(!spoken.contains(trigger), "{shown:?}");
    }
    if let Ok(Config { not_ready: Some(error), .. }) = &config {
        assert!(is_one_line(&error.to_string()) && matches!(error.code(), 50 | 51));
    }
});
