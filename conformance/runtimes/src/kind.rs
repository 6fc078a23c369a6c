//! The runtimes that serve CRI.

use std::process::Command;

use anyhow::Result;

use super::place::Place;
use super::programs::program;
use super::setup::Setup;
use super::{containerd, crio};

/// A runtime that serves CRI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// containerd.
    Containerd,
    /// CRI-O, which few distributions package.
    Crio,
}

impl Kind {
    /// Whether a test goes without this runtime, which it then says by name. That is allowed for CRI-O only: a
    /// machine without containerd fails the test.
    pub fn skipped(self) -> bool {
        let skipped = self == Kind::Crio && program("crio").is_err();
        if skipped {
            eprintln!("skipped: crio is not on PATH (few distributions package it)");
        }
        skipped
    }

    pub(super) fn prepare(self, setup: &Setup, place: &Place) -> Result<Command> {
        match self {
            Kind::Containerd => containerd::prepare(setup),
            Kind::Crio => crio::prepare(setup, place),
        }
    }

    pub(super) fn started(self, setup: &Setup, place: &Place) -> Result<()> {
        match self {
            Kind::Containerd => containerd::import(setup, place),
            Kind::Crio => Ok(()),
        }
    }
}
