//! A plugin that goes wrong in the ways that `fault` in its configuration names; the tests run it.
#![forbid(unsafe_code)]
#![allow(clippy::panic, reason = "that is what it is for")]

use std::process::ExitCode;

use cni::{Add, AddResult, Check, Del, Error, Gc, Leniency, NetConf, Plugin, Status};

fn main() -> ExitCode {
    cni::main(&Faulty)
}

struct Faulty;

impl Plugin for Faulty {
    const NAME: &'static str = "faulty";
    const ABOUT: &'static str = "goes wrong on purpose";
    const DEL: Leniency = Leniency::Never;

    fn add(&self, call: &Add) -> Result<AddResult, Error> {
        fault(&call.conf)?;
        Ok(AddResult::default())
    }

    fn del(&self, call: &Del) -> Result<(), Error> {
        fault(&call.conf)
    }

    fn check(&self, call: &Check) -> Result<(), Error> {
        fault(&call.conf)
    }

    fn status(&self, call: &Status) -> Result<(), Error> {
        fault(&call.conf)
    }

    fn gc(&self, call: &Gc) -> Result<(), Error> {
        fault(&call.conf)
    }

    fn afterwards(&self, _verb: cni::Verb) {
        assert!(std::env::var_os("FAULT_AFTERWARDS").is_none(), "afterwards");
    }
}

fn fault(conf: &NetConf) -> Result<(), Error> {
    match conf.string("fault")? {
        Some("panic") => panic!("told to\npanic"),
        Some("panic on a thread") => {
            let ended = std::thread::spawn(|| panic!("on a thread")).join();
            Err(Error::new(999u32, format!("the thread ended: {}", ended.is_err())))
        }
        Some("log") => {
            log::warn!("a warning");
            log::info!("some information");
            log::debug!("a detail");
            Ok(())
        }
        _ => Ok(()),
    }
}
