//! 131-141: many at a time, killed, replaced, and called as runtimes call.

use crate::case::{TestCase, case};
use crate::levels::{L, M, R, RP};
use crate::versions::{self, Versions};

mod execution;
mod lists;
mod reasons;
mod stress;

pub(crate) use self::reasons::REASONS;

pub(crate) const CASES: &[TestCase] = &[
    case(131, "ADD", M, stress::in_parallel)
        .when("50 containers at the same time")
        .then("all correct, no address twice")
        .source("SPEC 3 (parallel for different containers)")
        .versions(Versions::Newest)
        .containers(50),
    case(132, "ADD DEL", R, stress::alternating)
        .when("200 times in turn")
        .then("nothing more left than after the first time")
        .source("leaks")
        .versions(Versions::Newest)
        .containers(1)
        .long(),
    case(133, "ADD", R, stress::killed)
        .when("kill -9 at 20 points of an ADD, then DEL")
        .then("success, nothing left but files (reported)")
        .source("runtimes kill at their deadline")
        .versions(Versions::Newest)
        .containers(21),
    case(134, "list", L, lists::whole_life)
        .when("add, check, status, gc, del as libcni")
        .then("success each")
        .source("libcni")
        .versions(Versions::from(versions::CHECK)),
    case(135, "list", L, lists::version_is_chosen)
        .when("cniVersions up to 9.9.9")
        .then("works in the newest that both know")
        .source("libcni 1.2: cniVersions")
        .versions(Versions::Newest),
    case(136, "list", L, lists::second_in_chain)
        .when("behind another plugin")
        .then("its result handed on, DEL in reverse; or an error")
        .source("libcni; SPEC 3")
        .versions(Versions::from(versions::CHECK)),
    case(137, "list", L, lists::capabilities)
        .when("a capability declared, and not")
        .then("runtimeConfig only if declared; accepted")
        .source("libcni; SPEC 3 (deriving runtimeConfig)"),
    case(138, "list", RP, lists::failing)
        .when("an ADD that fails")
        .then("one line <= 300; P: nothing that runtimes match on, no `\"`")
        .source("kubelet, go-cni and Multus match phrases"),
    case(139, "exec", R, execution::replaced)
        .when("the file replaced by rename during 200 calls")
        .then("every call works")
        .source("how plugins are installed")
        .versions(Versions::Newest),
    case(140, "exec", R, execution::in_a_chroot)
        .when("in a chroot with /proc and /sys only")
        .then("VERSION works; ADD answers in order")
        .source("Multus runs delegates in a chroot")
        .versions(Versions::Newest),
    case(141, "exec", R, execution::as_a_service)
        .when("no HOME, no PATH, umask 0027, in /")
        .then("the same as otherwise")
        .source("systemd services")
        .versions(Versions::Newest),
];
