//! `dpu-cni`: the deployment tool.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    deploy::run()
}
