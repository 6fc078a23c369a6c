//! What is known to go wrong where pods live on VFs, and what holds here instead.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// A fault of other plugins or of what surrounds them, and the tests that fail where it is back.
const FAULTS: &[(&str, &[&str])] = &[
    // Moving and configuring
    (
        "an ADD that fails leaves the VF in the pod, half configured",
        &["undo::a_refused_step_is_undone_wherever_it_comes"],
    ),
    (
        "an ADD whose second VF fails leaves the first",
        &["undo::a_failing_second_vf_takes_the_first_home", "undo::an_abandoned_second_vf_comes_home_too"],
    ),
    (
        "a conflict of names leaves the VF on the host under a temporary one",
        &["undo::no_pods_name_is_left_on_the_host"],
    ),
    ("a stale other name fails the move", &["naming::an_altname_stands_in_no_ones_way"]),
    ("udev renames while the plugin works", &["naming::udev_may_rename_a_vf_during_an_add"]),
    ("frames leave with the MAC of before", &["add::the_old_mac_is_never_on_the_wire"]),
    (
        "a VFIO device never gets the pod's MAC",
        &["kinds_of_device::a_vf_without_a_network_device_is_passed_through"],
    ),
    ("IPv6 addresses wait for duplicates", &["add::ipv6_addresses_are_usable_at_once"]),
    ("other nodes' routers become default routes", &["udn::its_default_route_is_its_own_nodes"]),
    ("an address or route that is there already is fatal", &["add::believes_a_server_that_repeats_itself"]),
    // Coming home
    (
        "DEL fails, or restores nothing, when the namespace is gone",
        &[
            "del::comes_home_when_the_namespace_died_first",
            "skew::a_del_needs_neither_namespace_nor_arguments",
        ],
    ),
    ("DEL does nothing when the pod object is gone", &["del::comes_home_when_the_pod_object_is_gone"]),
    ("DEL swallows what goes wrong in the pod", &["del::a_namespace_closed_to_us_loses_no_vf"]),
    (
        "the VF comes back as eth0 or dev7, and that sticks",
        &["naming::a_misnamed_vf_is_named_as_udev_would", "del::waits_for_its_name_and_gets_it_back"],
    ),
    ("MAC and MTU stay the pod's", &["del::comes_home_from_whatever_the_pod_made_of_it"]),
    (
        "what one pod set on its VF keeps the next one's packets from their way",
        &[
            "traces::no_setting_of_one_pod_reaches_the_next",
            "traces::no_program_of_one_pod_reaches_the_next",
            "traces::no_switched_feature_reaches_the_next_pod",
        ],
    ),
    ("a VF that is promiscuous at home is so in the pod", &["traces::a_pod_gets_a_clean_vf"]),
    ("the VF of a primary user-defined network never comes home", &["udn::it_gets_and_returns_its_own_vf"]),
    (
        "a simulated VF dies with its pod",
        &["add::attaches_simulated_vfs", "udn::it_gets_and_returns_its_own_vf"],
    ),
    ("DEL never comes", &["gc::gc_reclaims_what_is_not_listed_and_nothing_else"]),
    ("neither does GC", &["gc::any_call_reclaims_a_few_whose_pod_is_gone"]),
    (
        "pods are Terminating for ever, as DEL fails",
        &["mistakes::a_del_does_not_mind_bad_values", "pending::a_server_that_hangs_holds_up_no_del"],
    ),
    ("a plugin that is killed leaves everything where it is", &["claim::a_killed_add_is_undone_by_its_del"]),
    ("a server goes on after its client has given up", &["claim::a_vf_moved_too_late_comes_home_later"]),
    // Whose it is
    (
        "one VF is given to two pods",
        &["claim::a_held_vf_is_refused_naming_its_holder", "claim::a_vf_given_twice_goes_to_one_pod"],
    ),
    ("a late DEL takes the VF of the next pod", &["del::a_late_del_touches_no_newer_sandbox"]),
    (
        "the previous pod still has the VF",
        &[
            "claim::a_vf_on_its_way_home_is_waited_for",
            "claim::a_vf_without_a_record_is_waited_for_then_explained",
        ],
    ),
    (
        "what the kubelet holds for free is in use",
        &["kinds_of_device::a_pod_needs_nothing_but_the_resource_request"],
    ),
    ("calls for one VF disturb each other", &["del::twenty_at_once_are_as_good_as_one"]),
    (
        "after a change of firmware the pool has another card's VFs",
        &["mistakes::a_vf_of_an_unlisted_card_is_refused"],
    ),
    (
        "a mistyped address passes for a network device",
        &[
            "mistakes::bad_values_are_named_with_what_is_allowed",
            "devices::no_other_link_of_the_host_is_given_away",
        ],
    ),
    // The card
    (
        "the card reboots, and its pods have lost their VFs without a word",
        &["card_reboot::a_pod_without_its_vf_is_listed_until_deleted", "check::check_finds_what_was_changed"],
    ),
    ("nobody knows whether it may be rebooted", &["card_reboot::a_card_without_pods_may_go"]),
    (
        "no one hears that the card is dead",
        &["status::status_tells_why_not", "status::an_exhausted_pool_fails_no_status"],
    ),
    ("a dead card costs every pod two minutes", &["card_reboot::an_expired_lease_refuses_at_once"]),
    ("the Ready of an earlier sandbox lets a pod through", &["check::check_notices_a_stale_ready"]),
    ("the card goes on for a pod that failed", &["skew::a_failed_adds_del_ends_the_cards_part"]),
    // The server and the caller
    (
        "a server that hangs hangs the plugin",
        &[
            "status::a_status_that_is_not_answered_ends",
            "reports::a_server_that_hears_nothing_holds_up_nobody",
        ],
    ),
    ("an answer of nulls crashes the plugin", &["answers::hostile_answers_lose_no_vf"]),
    ("credentials that nobody needs fail an ADD", &["skew::an_answer_needs_no_credentials"]),
    (
        "failed calls are counted as good ones",
        &["reports::the_servers_histogram_learns_how_every_call_ended"],
    ),
    ("every error is 999", &["answers::refusals_say_what_to_do", "status::status_tells_why_not"]),
    (
        "a missing device is explained two minutes later, in words that help nobody",
        &[
            "mistakes::a_pod_without_a_vf_is_shown_its_remedy",
            "kinds_of_device::not_asked_is_told_from_not_passed_on",
        ],
    ),
    (
        "a missing or garbled device information file is fatal",
        &[
            "mistakes::a_missing_device_information_file_is_no_matter",
            "skew::a_garbled_device_information_file_is_no_matter",
        ],
    ),
    ("CNI_ARGS and environment are passed on as they are", &["reports::tells_the_server_only_what_it_reads"]),
    ("a short container ID crashes the plugin", &["skew::a_container_id_may_be_short"]),
    ("no line of one log is found in the other", &["add::one_log_line_says_all_of_a_call"]),
    ("a server that restarts fails an ADD", &["add::waits_for_a_server_that_is_being_restarted"]),
    (
        "an old server cannot read the result that DEL carries",
        &["skew::an_old_server_takes_an_unreadable_results_del"],
    ),
    (
        "a version or a server that is older or newer breaks running pods",
        &["add::answers_in_every_version", "versions::any_server_detaches_what_any_other_attached"],
    ),
];

#[test]
fn every_fault_has_its_tests() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dpu_host");
    for (fault, tests) in FAULTS {
        for name in *tests {
            let (module, test) = name.split_once("::").context("module::test")?;
            let at = [format!("{module}.rs"), format!("hostile/{module}.rs")].map(|file| folder.join(file));
            let file =
                at.iter().find(|file| file.exists()).with_context(|| format!("{fault}: no {module}"))?;
            let found = fs::read_to_string(file)?.contains(&format!("#[test]\nfn {test}()"));
            assert!(found, "{fault}: there is no test {name}");
        }
    }
    Ok(())
}
