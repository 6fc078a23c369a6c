//! What a person is told who runs the plugin by hand.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;

#[test]
fn help_lists_vfs_and_its_options() {
    for option in ["--help", "-h"] {
        let output = Command::new(env!("CARGO_BIN_EXE_dpu-host")).arg(option).env_clear().output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && output.stdout.is_empty(), "{said}");
        for words in ["CNI plugin for DPU hosts", "dpu-host vfs", "--drained", "--release", "--state-dir DIR"]
        {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}
