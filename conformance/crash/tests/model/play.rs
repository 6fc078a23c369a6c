//! Plays a sequence, and compares what happens with what has to.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::expected::{Expectations, Expected};
use crate::field::Field;
use crate::observed::Observed;
use crate::script::{End, KubeletState, Script, Step, Told, VFS, Valid};

/// A sequence under way.
pub(crate) struct Play<'f> {
    pub(crate) field: &'f mut Field,
    /// What has to hold now.
    pub(crate) expected: Expectations,
    /// What was seen after the last step.
    pub(crate) observed: Observed,
    /// Whether the server runs.
    pub(crate) up: bool,
    /// How the kubelet answers.
    pub(crate) kubelet: KubeletState,
    pub(crate) tally: Tally,
    /// Whether a restore has ended by itself just now.
    pub(crate) given_back: bool,
}

/// How many calls were made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// All.
    pub(crate) calls: u64,
    /// Those that were killed in time.
    pub(crate) killed: u64,
    /// ADDs that succeeded.
    pub(crate) added: u64,
    /// VFs that a restore has given back.
    pub(crate) restored: u64,
}

impl Tally {
    /// Both together.
    pub(crate) fn add(&mut self, other: Tally) {
        self.calls += other.calls;
        self.killed += other.killed;
        self.added += other.added;
        self.restored += other.restored;
    }
}

/// Plays `script` on a clean node, which is clean again afterwards.
///
/// # Errors
/// The first step after which something does not hold.
pub(crate) fn play(field: &mut Field, script: &Script) -> Result<Tally> {
    field.begin(script.privileged);
    let observed = Observed::take(field, |_| false)?;
    let mut play = Play {
        field,
        expected: [Expected::Home; VFS],
        observed,
        up: true,
        kubelet: KubeletState::Well,
        tally: Tally::default(),
        given_back: false,
    };
    for (number, step) in script.steps.iter().enumerate() {
        play.step(step)
            .and_then(|()| play.look(Some(step)))
            .with_context(|| format!("step {number}, {step:?}"))?;
    }
    play.end(script.end).context("at the end")?;
    Ok(play.tally)
}

impl Play<'_> {
    fn step(&mut self, step: &Step) -> Result<()> {
        match *step {
            Step::Add { sandbox, vf, ref others, ref fate } => self.add(sandbox, vf, others, fate),
            Step::Del { sandbox, ref netns, device, heard, killed } => {
                self.heard(heard, |play| play.del(sandbox, netns, device, killed))
            }
            Step::Check { sandbox } => self.check(sandbox),
            Step::Gc { valid, killed } => self.gc(valid, killed),
            Step::Lose { sandbox } => self.lose(sandbox),
            Step::Reborn { from, to } => self.reborn(from, to),
            Step::Run { sandbox } => self.run(sandbox),
            Step::HandOver { from, to, after } => self.hand_over(from, to, after),
            Step::Server { up } => self.server(up),
            Step::TakeName { vf } => self.take_name(vf),
            Step::FreeNames => self.free_names(),
            Step::Tamper { sandbox } => self.tamper(sandbox),
            Step::Forget { sandbox } => {
                self.field.need(sandbox)?;
                self.field.node().delete_pod(&self.field[sandbox].pod);
                Ok(())
            }
            Step::Unlist { sandbox } => {
                self.field.need(sandbox)?;
                self.field.node().unlist(&self.field[sandbox].pod);
                Ok(())
            }
            Step::Kubelet { state } => {
                self.set_kubelet(state);
                Ok(())
            }
            Step::Reset => self.reset(),
            Step::ResetDuring { call, sandbox, vf, after } => self.reset_during(call, sandbox, vf, after),
            Step::Restore { killed } => self.restore(killed),
            Step::Later => self.later(),
            Step::Clock { years } => self.field.world.set_clock(years),
        }
    }

    /// Everything that has to hold after a step.
    fn look(&mut self, step: Option<&Step>) -> Result<()> {
        self.field.node().idle()?;
        let expected = self.expected;
        let observed = Observed::take(self.field, |vf| expected[vf] == Expected::Torn)?;
        if step.is_some_and(Step::is_call) {
            observed.others_are_as_in(&self.observed)?;
        }
        let before = std::mem::replace(&mut self.observed, observed);
        if std::mem::take(&mut self.given_back) {
            self.look_for_restored(&before)?;
        }
        for (vf, vf_expected) in self.expected.iter_mut().enumerate() {
            let is = self.observed.sandbox(vf);
            match *vf_expected {
                Expected::Home => ensure!(is.is_none(), "VF {vf} is in sandbox {is:?} and should be at home"),
                Expected::In(own) => ensure!(is == Some(own), "VF {vf} is in {is:?} and should be in {own}"),
                // Then nothing has been done to it, or all was undone.
                Expected::Torn if self.observed.holders[vf].is_none() => *vf_expected = Expected::Home,
                Expected::Torn => {}
                Expected::Perhaps(own) if is == Some(own) => *vf_expected = Expected::In(own),
                Expected::Perhaps(own) => {
                    ensure!(is.is_none(), "VF {vf} is in {is:?} and should be in {own} or at home");
                    *vf_expected = Expected::Home;
                }
            }
        }
        Ok(())
    }

    /// Brings everything home.
    fn end(&mut self, how: End) -> Result<()> {
        self.free_names()?;
        self.server(true)?;
        self.set_kubelet(KubeletState::Well);
        match how {
            End::Del => {
                let all: Vec<usize> = self.field.sandboxes().keys().copied().collect();
                for sandbox in all {
                    self.del(sandbox, &Told::Own, true, None)?;
                    self.look(None).with_context(|| format!("after DEL of {sandbox}"))?;
                }
            }
            End::Gc => {
                self.later()?;
                self.look(None)?;
                self.field.end_processes();
                self.gc(Valid::None, None)?;
                self.look(None).context("after GC")?;
            }
        }
        self.field.clean()
    }

    /// The configuration with which this sandbox was last to have a VF.
    pub(crate) fn conf_for(&self, sandbox: usize) -> Value {
        let node = self.field.node();
        node.conf_for(&node.vfs()[self.field[sandbox].vf])
    }

    pub(crate) fn count(&mut self, killed: bool) {
        self.tally.calls += 1;
        self.tally.killed += u64::from(killed);
    }
}
