//! What a sequence consists of, how it is made up, and how it is written down.

use std::ops::Range;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// VFs of the node.
pub(crate) const VFS: usize = 8;
/// Pods of the node.
pub(crate) const PODS: usize = 16;
/// Those that have more than one sandbox: the first few.
const AGAIN: usize = 4;
/// Sandboxes: one of each pod; a second one of each of the first few; one of each pod that is made anew under their names.
pub(crate) const SANDBOXES: usize = PODS + 2 * AGAIN;

/// A sequence, from a clean node to a clean node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Script {
    /// Whether the server moves VFs itself.
    pub(crate) privileged: bool,
    /// What happens.
    pub(crate) steps: Vec<Step>,
    /// How everything is brought home.
    pub(crate) end: End,
}

/// One thing that happens. Any may follow any: what makes no sense does nothing, or has to be refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    /// ADD of a sandbox with this VF; or with the first of this and others, which the kubelet tells in any order.
    Add {
        sandbox: usize,
        vf: usize,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        others: Vec<usize>,
        fate: Fate,
    },
    /// DEL of a sandbox, with or without its device; the server may not hear of it.
    Del { sandbox: usize, netns: Told, device: bool, heard: bool, killed: Option<u64> },
    /// CHECK of a sandbox with the result of its last ADD.
    Check { sandbox: usize },
    /// GC.
    Gc { valid: Valid, killed: Option<u64> },
    /// The sandbox's namespace dies, and the kernel pushes the VF back to the host.
    Lose { sandbox: usize },
    /// Another sandbox gets the path of one that has died, and its inode.
    Reborn { from: usize, to: usize },
    /// The sandbox's first container starts.
    Run { sandbox: usize },
    /// The device plugin hands out one sandbox's VF again: ADD of another, and while that runs DEL of the first.
    HandOver { from: usize, to: usize, after: u64 },
    /// The server is stopped, or started.
    Server { up: bool },
    /// Another link takes the VF's name while that is away.
    TakeName { vf: usize },
    /// The names are free again.
    FreeNames,
    /// The pod changes its interface.
    Tamper { sandbox: usize },
    /// The pod is removed from the API server.
    Forget { sandbox: usize },
    /// The kubelet lists the pod no more, and has its VF for others.
    Unlist { sandbox: usize },
    /// The kubelet is asked in vain from now on, or is well again.
    Kubelet { state: KubeletState },
    /// The card is reset: every VF is made anew, and where a pod has lost its own a link of the pod's has that one's index.
    Reset,
    /// The same while a call is under way, which began so many microseconds before.
    ResetDuring { call: During, sandbox: usize, vf: usize, after: u64 },
    /// Every pod is given back what it has lost, as the unit does.
    Restore { killed: Option<u64> },
    /// Five minutes go by.
    Later,
    /// Somebody sets the clock.
    Clock { years: i64 },
}

/// What else happens to an ADD. Times are microseconds after its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fate {
    /// Nothing.
    Undisturbed,
    /// It is killed.
    Killed(u64),
    /// The runtime is killed, and the plugin goes on by itself.
    Abandoned(u64),
    /// The runtime is killed when it has been answered.
    Unread,
    /// The server is killed and started again.
    Restart(u64),
    /// The server does its work, and its answer is lost.
    Lost,
    /// The server hangs up without having done anything.
    HangUp,
    /// The server refuses.
    Refused,
}

/// A call that a reset meets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum During {
    /// ADD of a sandbox with a VF.
    Add,
    /// DEL of a sandbox.
    Del,
    /// `dpu-host vfs --restore`.
    Restore,
}

/// How the kubelet answers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KubeletState {
    /// With all its pods.
    Well,
    /// With static pods only: it has just been started.
    Restarted,
    /// With an error.
    Refuses,
    /// Not to the end.
    Incomplete,
}

/// Which namespace a DEL is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Told {
    /// The sandbox's.
    Own,
    /// None: the runtime has forgotten it.
    None,
    /// That of another sandbox.
    Of(usize),
}

/// Which attachments a GC is told to be valid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Valid {
    /// Those that ADD has made and no DEL has ended.
    Attached,
    /// It is not told.
    Unsaid,
    /// None.
    None,
}

/// How a sequence ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    /// Every sandbox is deleted.
    Del,
    /// No DEL comes, only a GC.
    Gc,
}

impl Step {
    /// Whether it calls the plugin, and does nothing else.
    pub(crate) fn is_call(&self) -> bool {
        matches!(
            self,
            Step::Add { .. }
                | Step::Del { .. }
                | Step::Check { .. }
                | Step::Gc { .. }
                | Step::HandOver { .. }
                | Step::Restore { .. }
        )
    }
}

impl Script {
    /// Whether it depends on what a kill meets.
    pub(crate) fn has_kills(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Add { fate, .. } => matches!(fate, Fate::Killed(_) | Fate::Abandoned(_) | Fate::Restart(_)),
            Step::Del { killed, .. } | Step::Gc { killed, .. } | Step::Restore { killed } => killed.is_some(),
            Step::ResetDuring { .. } => true,
            _ => false,
        })
    }
}

/// The pod of a sandbox, by number.
pub(crate) fn pod_of(sandbox: usize) -> usize {
    if sandbox < PODS { sandbox } else { (sandbox - PODS) % AGAIN }
}

/// Whether a sandbox is one of a pod that is made anew under the name of another.
pub(crate) fn is_anew(sandbox: usize) -> bool {
    sandbox >= PODS + AGAIN
}

/// Any sequence, most of them short.
pub(crate) fn script() -> impl Strategy<Value = Script> {
    let steps = prop_oneof![
        7 => prop::collection::vec(step(), 1..12),
        2 => prop::collection::vec(step(), 12..24),
        1 => prop::collection::vec(step(), 24..48),
    ];
    let privileged = prop::bool::weighted(0.25);
    let end = prop_oneof![2 => Just(End::Del), 1 => Just(End::Gc)];
    (privileged, steps, end).prop_map(|(privileged, steps, end)| Script { privileged, steps, end })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        14 => add(),
        6 => del(),
        3 => sandbox().prop_map(|sandbox| Step::Check { sandbox }),
        2 => (valid(), killed()).prop_map(|(valid, killed)| Step::Gc { valid, killed }),
        3 => sandbox().prop_map(|sandbox| Step::Lose { sandbox }),
        1 => (sandbox(), 0..PODS).prop_map(|(from, to)| Step::Reborn { from, to }),
        2 => sandbox().prop_map(|sandbox| Step::Run { sandbox }),
        2 => (sandbox(), sandbox(), 0..20_000u64)
            .prop_map(|(from, to, after)| Step::HandOver { from, to, after }),
        1 => any::<bool>().prop_map(|up| Step::Server { up }),
        1 => (0..VFS).prop_map(|vf| Step::TakeName { vf }),
        1 => Just(Step::FreeNames),
        1 => sandbox().prop_map(|sandbox| Step::Tamper { sandbox }),
        1 => sandbox().prop_map(|sandbox| Step::Forget { sandbox }),
        2 => sandbox().prop_map(|sandbox| Step::Unlist { sandbox }),
        1 => kubelet_state().prop_map(|state| Step::Kubelet { state }),
        2 => Just(Step::Reset),
        2 => (during(), 0..VFS, 0..20_000u64)
            .prop_map(|(call, vf, after)| Step::ResetDuring { call, sandbox: vf, vf, after }),
        5 => killed().prop_map(|killed| Step::Restore { killed }),
        1 => Just(Step::Later),
        1 => (-50..50i64).prop_map(|years| Step::Clock { years }),
    ]
}

fn kubelet_state() -> impl Strategy<Value = KubeletState> {
    prop_oneof![3 => Just(KubeletState::Well), 2 => Just(KubeletState::Restarted), 1 => Just(KubeletState::Refuses), 1 => Just(KubeletState::Incomplete)]
}

fn del() -> impl Strategy<Value = Step> {
    let usual = prop::bool::weighted(0.8);
    (sandbox(), told(), usual, usual, killed()).prop_map(|(sandbox, netns, device, heard, killed)| {
        Step::Del { sandbox, netns, device, heard, killed }
    })
}

/// Mostly a VF of the sandbox's own: one that is held already costs a second's wait.
fn add() -> impl Strategy<Value = Step> {
    let vf = prop_oneof![5 => Just(None), 1 => (0..VFS).prop_map(Some)];
    // More of them than of others, so that more is there to be met.
    let sandbox = prop_oneof![1 => sandbox(), 1 => 0..VFS];
    let others = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(0..VFS, 1..4)];
    (sandbox, vf, others, fate()).prop_map(|(sandbox, vf, others, fate)| {
        let vf = vf.unwrap_or(sandbox % VFS);
        Step::Add { sandbox, vf, others, fate }
    })
}

/// A few sandboxes more often than others, so that steps meet.
fn sandbox() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..2usize, 3 => 0..5usize, 2 => 0..PODS, 1 => PODS..SANDBOXES]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        24 => Just(Fate::Undisturbed),
        6 => micros().prop_map(Fate::Killed),
        2 => micros().prop_map(Fate::Abandoned),
        1 => Just(Fate::Unread),
        1 => micros().prop_map(Fate::Restart),
        1 => Just(Fate::Lost),
        1 => Just(Fate::HangUp),
        1 => Just(Fate::Refused),
    ]
}

fn during() -> impl Strategy<Value = During> {
    prop_oneof![Just(During::Add), Just(During::Del), Just(During::Restore)]
}

fn killed() -> impl Strategy<Value = Option<u64>> {
    prop::option::weighted(0.3, micros())
}

/// Most calls end within these.
fn micros() -> Range<u64> {
    0..15_000
}

fn told() -> impl Strategy<Value = Told> {
    prop_oneof![6 => Just(Told::Own), 1 => Just(Told::None), 1 => sandbox().prop_map(Told::Of)]
}

fn valid() -> impl Strategy<Value = Valid> {
    prop_oneof![3 => Just(Valid::Attached), 1 => Just(Valid::Unsaid), 1 => Just(Valid::None)]
}
