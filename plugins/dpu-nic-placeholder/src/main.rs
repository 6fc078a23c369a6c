//! `dpu-nic-placeholder`: the CNI plugin of nodes without a pod network, such as the ARM systems on DPUs.
//!
//! Such a node needs a plugin to become Ready, and may run host-network pods only, which no plugin ever sees.
//! So this one is ready, and refuses every other pod with a sentence that says what to do.
#![forbid(unsafe_code)]

mod config;
mod keys;
mod plain;
mod refusal;

use std::process::ExitCode;

use cni::{Add, AddResult, Args, Attachment, Check, Del, Error, Gc, Leniency, NetConf, Plugin, Status};

use crate::config::Config;

fn main() -> ExitCode {
    cni::main(&Placeholder)
}

struct Placeholder;

impl Plugin for Placeholder {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const ABOUT: &'static str = env!("CARGO_PKG_DESCRIPTION");
    const DEL: Leniency = Leniency::Never;

    fn add(&self, call: &Add) -> Result<AddResult, Error> {
        Err(refuse(&call.conf, &call.args, &call.attachment))
    }

    fn del(&self, _: &Del) -> Result<(), Error> {
        Ok(())
    }

    /// Nothing was ever attached.
    fn check(&self, call: &Check) -> Result<(), Error> {
        Err(refuse(&call.conf, &call.args, &call.attachment))
    }

    fn status(&self, call: &Status) -> Result<(), Error> {
        Config::read(&call.conf)?.not_ready.map_or(Ok(()), Err)
    }

    fn gc(&self, _: &Gc) -> Result<(), Error> {
        Ok(())
    }
}

fn refuse(conf: &NetConf, args: &Args, attachment: &Attachment) -> Error {
    match Config::read(conf) {
        Ok(config) => refusal::of(&args.pod(), &attachment.container, config.hint.as_deref()),
        Err(error) => error,
    }
}
