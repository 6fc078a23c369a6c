//! The program; what it does is in the library of the same name, where its parsers can be fuzzed.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    dpu_host::main()
}
