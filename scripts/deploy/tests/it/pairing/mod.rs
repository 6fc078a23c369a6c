//! Which card is in which host, and what is odd about it.

mod nodes;
mod told;

use serde_json::{Value, json};

use self::nodes::{card, host};
use crate::inventory::trees;
use crate::support::{Place, Ran};

const A: &str = "0c:42:a1:00:00:10";
const B: &str = "0c:42:a1:00:00:11";
const C: &str = "0c:42:a1:00:00:20";

/// Writes each document to a file of its own, and pairs them.
fn matched(place: &Place, documents: &[Value], more: &[&str]) -> Ran {
    let files: Vec<String> = (0..documents.len()).map(|number| format!("{number}.json")).collect();
    for (file, document) in files.iter().zip(documents) {
        place.write(file, document.to_string());
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    place.run(&[&["match"], more, &files].concat())
}

/// What is odd: kinds, and a line each.
fn odd(documents: &[Value]) -> (Vec<String>, Vec<String>, Value) {
    let place = Place::new();
    let ran = matched(&place, documents, &["--as", "json"]);
    let found: Value =
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err));
    let list = found["odd"].as_array().expect("a list");
    let text = |odd: &Value, key: &str| odd[key].as_str().expect("text").to_owned();
    assert_eq!(ran.code, i32::from(!list.is_empty()), "{found:#}");
    let kinds = list.iter().map(|odd| text(odd, "kind")).collect();
    let lines = list.iter().map(|odd| format!("{}: {}", text(odd, "why"), text(odd, "remedy"))).collect();
    (kinds, lines, found)
}

/// Exactly this is odd.
fn is_odd(documents: &[Value], expected: &[(&str, &str)]) -> Value {
    let (kinds, lines, found) = odd(documents);
    assert_eq!(kinds, expected.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), "{lines:#?}");
    for (line, (_, words)) in lines.iter().zip(expected) {
        assert!(line.contains(words), "'{words}' is not in: {line}");
    }
    found
}

#[test]
fn what_inventory_says_is_paired() {
    let place = Place::new();
    trees::host(&place, "host", "worker-1", &trees::BOARD);
    trees::card(&place, "card", "bf-1", &trees::BOARD);
    place.write("card/commands/ovs.json", trees::ovs(Some("worker-1")));
    for root in ["host", "card"] {
        let document = place.run(&["inventory", "--root", root]).ok().out;
        place.write(&format!("{root}.json"), document);
    }
    let ran = place.run(&["match", "host.json", "card.json"]).ok();
    let table = "\
HOST      CARD  BY           FUNCTIONS                    NAMED BY
worker-1  bf-1  MAC, serial  ens1f0=pf0hpf ens1f1=pf1hpf  host-k8s-nodename
verdict: 1 pair, nothing is odd
";
    assert_eq!(ran.out, table);
    let both = place.read("host.json") + &place.read("card.json");
    place.write("both.json", both);
    assert_eq!(place.run(&["match", "both.json"]).ok().out, table, "in one file");
    let ran = place.run(&["match", "host.json", "card.json", "--as", "json"]).ok();
    let found: Value = serde_json::from_str(&ran.out).expect("JSON");
    let pair = json!({
        "host": "worker-1", "card": "bf-1", "serial": trees::BOARD.serial, "sure": true, "namedBy": ["host-k8s-nodename"],
        "functions": [
            { "pci": "0000:3b:00.0", "netdev": "ens1f0", "port": "pf0hpf", "mac": trees::BOARD.macs[0] },
            { "pci": "0000:3b:00.1", "netdev": "ens1f1", "port": "pf1hpf", "mac": trees::BOARD.macs[1] },
        ],
    });
    assert_eq!(found, json!({ "pairs": [pair], "odd": [] }));
}

#[test]
fn a_serial_pairs_where_no_address_is_known() {
    let found = is_odd(&[host("worker-1", Some("S1"), &[A]), card("bf-1", Some("S1"), &[], None)], &[]);
    assert_eq!(found["pairs"][0]["serial"], "S1");
    // A function that is bound to vfio-pci.
    let mut asleep = host("worker-1", Some("S1"), &[A]);
    asleep["functions"][0]["permanentMac"] = Value::Null;
    asleep["functions"][0]["mac"] = json!("00:00:00:00:00:00");
    is_odd(&[asleep, card("bf-1", Some("S1"), &[A], None)], &[]);
}

/// The SR-IOV operator's daemon sees a host too, but neither its permanent addresses nor its serial numbers.
#[test]
fn node_states_stand_in_for_hosts() {
    let interface = |device: &str, mac: &str| json!({ "pciAddress": "0000:3b:00.0", "vendor": "15b3", "deviceID": device, "name": "ens1f0", "mac": mac });
    let state = |name: &str, interfaces: Value| {
        json!({
            "apiVersion": "sriovnetwork.openshift.io/v1", "kind": "SriovNetworkNodeState",
            "metadata": { "name": name, "namespace": "openshift-sriov-network-operator" }, "spec": {},
            "status": { "interfaces": interfaces, "syncStatus": "Succeeded" },
        })
    };
    let states = [
        state("worker-1", json!([interface("a2d6", C)])),
        state("worker-2", json!([interface("a2dc", B), interface("101d", C)])),
    ];
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": states });
    let cards = [card("bf-1", None, &[A], None), card("bf-2", Some("S2"), &[B], None)];
    // Of a host with an inventory its state says nothing.
    let found = is_odd(&[list, host("worker-1", None, &[A]), cards[0].clone(), cards[1].clone()], &[]);
    assert_eq!(
        (&found["pairs"][1]["host"], &found["pairs"][1]["card"]),
        (&json!("worker-2"), &json!("bf-2"))
    );
    let mut late = states[0].clone();
    late["status"] = json!({});
    is_odd(&[late, cards[0].clone()], &[("cardWithoutHost", "bf-1 has no host")]);
    let place = Place::new();
    let ran = matched(&place, &[state("worker-1", json!([{ "pciAddress": "3b:00.0" }]))], &[]);
    let why = "status.interfaces[0].pciAddress: \"3b:00.0\" is not a PCI address";
    assert!(ran.code == 2 && ran.err.contains(why) && ran.err.lines().count() == 1, "{}", ran.err);
}

#[test]
fn other_vendors_functions_need_no_card() {
    let mut worker = host("worker-1", None, &[A, B]);
    worker["functions"][1]["device"] = json!("101d");
    is_odd(&[worker.clone(), card("bf-1", None, &[A], None)], &[]);
    worker["functions"][0]["device"] = json!("101d");
    let found = is_odd(&[worker, card("bf-1", None, &[A], None)], &[]);
    assert_eq!(found["pairs"][0]["card"], "bf-1", "by its address, whatever it calls itself");
}

#[test]
fn who_has_nobody_is_named() {
    let cards_alone = [
        host("worker-1", None, &[A]),
        card("bf-1", None, &[A], None),
        card("bf-2", Some("S2"), &[C], Some("worker-2")),
    ];
    let why = "bf-2 has no host: no host has 0c:42:a1:00:00:20 (behind pf0hpf), or the serial number S2; external_ids:host-k8s-nodename \
               of its Open vSwitch names worker-2: give the inventory of worker-2 too";
    is_odd(&cards_alone, &[("cardWithoutHost", why)]);
    is_odd(
        &[host("worker-1", None, &[A]), card("bf-1", None, &[], None)],
        &[
            ("cardWithoutHost", "neither an address behind its ports nor a serial number is known"),
            (
                "functionWithoutCard",
                "no card has ens1f0 (0c:42:a1:00:00:10) of worker-1: give its card's inventory too",
            ),
        ],
    );
    let mut nic = host("worker-2", None, &[B, C]);
    nic["functions"][0]["firmware"] =
        json!({ "mode": "nic", "nextMode": "nic", "numOfVfs": 8, "pending": [] });
    is_odd(
        &[host("worker-1", None, &[A]), card("bf-1", None, &[A], None), nic],
        &[(
            "functionWithoutCard",
            "no card has ens1f0 (0c:42:a1:00:00:11) and ens1f1 (0c:42:a1:00:00:20) of worker-2, whose firmware is in NIC mode",
        )],
    );
}

#[test]
fn half_a_pair_is_named_at_both_ends() {
    let halves = [host("worker-1", None, &[A, B]), card("bf-1", None, &[A, C], None)];
    let found = is_odd(
        &halves,
        &[
            ("portWithoutFunction", "no host has 0c:42:a1:00:00:20, which is behind pf1hpf of bf-1"),
            ("functionWithoutCard", "no card has ens1f1 (0c:42:a1:00:00:11) of worker-1"),
        ],
    );
    assert_eq!(found["pairs"][0]["sure"], true);
}

#[test]
fn an_address_of_two_pairs_nobody() {
    let clones =
        [host("worker-1", None, &[A]), card("bf-1", None, &[A], None), card("bf-2", None, &[A], None)];
    let found = is_odd(
        &clones,
        &[(
            "addressTwice",
            "the address 0c:42:a1:00:00:10 is ens1f0 of worker-1 and behind pf0hpf of bf-1 and behind pf0hpf of bf-2",
        )],
    );
    assert_eq!(found["pairs"], json!([]));
    assert_eq!(found["odd"][0]["cards"], json!(["bf-1", "bf-2"]));
    let hosts = [host("worker-1", None, &[A]), host("worker-2", None, &[A]), card("bf-1", None, &[A], None)];
    is_odd(
        &hosts,
        &[("addressTwice", "is ens1f0 of worker-1 and ens1f0 of worker-2 and behind pf0hpf of bf-1")],
    );
    // Their serial numbers still pair them.
    let boards = [
        host("worker-1", Some("S1"), &[A]),
        card("bf-1", Some("S1"), &[A], None),
        card("bf-2", Some("S2"), &[A], None),
    ];
    let found = is_odd(&boards, &[("addressTwice", "")]);
    assert_eq!((&found["pairs"][0]["card"], &found["pairs"][0]["serial"]), (&json!("bf-1"), &json!("S1")));
}

#[test]
fn a_serial_of_two_pairs_nobody() {
    let clones = [
        host("worker-1", Some("S1"), &[A]),
        card("bf-1", Some("S1"), &[A], None),
        card("bf-2", Some("S1"), &[], None),
    ];
    let found = is_odd(&clones, &[("serialTwice", "the serial number S1 is in worker-1 and bf-1 and bf-2")]);
    assert_eq!((&found["pairs"][0]["serial"], &found["pairs"][0]["sure"]), (&Value::Null, &json!(true)));
}

#[test]
fn two_cards_in_a_host_are_not_served() {
    let both =
        [host("worker-1", None, &[A, C]), card("bf-1", None, &[A], None), card("bf-2", None, &[C], None)];
    let found = is_odd(
        &both,
        &[("severalCards", "worker-1 has 2 cards, bf-1 and bf-2, and ovn-kubernetes serves one")],
    );
    assert_eq!((&found["pairs"][0]["sure"], &found["pairs"][1]["sure"]), (&json!(false), &json!(false)));
    let split =
        [host("worker-1", None, &[A]), host("worker-2", None, &[C]), card("bf-1", None, &[A, C], None)];
    is_odd(&split, &[("severalHosts", "bf-1 has 2 hosts, worker-1 and worker-2")]);
}

#[test]
fn an_address_and_a_serial_that_disagree() {
    let disagree = |documents: &[Value], words: &str| {
        let found = is_odd(documents, &[("serialAndAddressDisagree", words)]);
        assert_eq!(found["pairs"][0]["sure"], false, "{found:#}");
    };
    // The board was exchanged.
    disagree(
        &[host("worker-1", Some("S1"), &[A]), card("bf-1", Some("S2"), &[A], None)],
        "an address in common and not the serial number (S1 in the host, S2 on the card): probably the board was exchanged or moved",
    );
    // The host's address is another one.
    disagree(
        &[host("worker-1", Some("S1"), &[A]), card("bf-1", Some("S1"), &[B], None)],
        "are one board (S1), but ens1f0 has the address 0c:42:a1:00:00:10 and the card knows 0c:42:a1:00:00:11: probably the host's changed",
    );
    let mut set = host("worker-1", Some("S1"), &[A]);
    set["functions"][0]["mac"] = json!(B);
    disagree(&[set.clone(), card("bf-1", Some("S1"), &[B], None)], "so probably hw_addr changed");
    set["functions"][0]["mac"] = json!(C);
    set["functions"][0]["permanentMac"] = Value::Null;
    disagree(
        &[set, card("bf-1", Some("S1"), &[B], None)],
        "its permanent one is not known, probably it was set: see `ethtool -P ens1f0`",
    );
}

/// The board is in one host, the address says another: the pair of the address is doubtful, and no other is made.
#[test]
fn a_board_with_anothers_address_is_named() {
    let hosts = [host("worker-1", Some("S1"), &[A]), host("worker-2", Some("S2"), &[C])];
    let stray = [&hosts[..], &[card("bf-1", Some("S1"), &[C], None)]].concat();
    let words = "by its serial number (S1) bf-1 is in worker-1, but by its address bf-1 is in worker-2: probably the address was set";
    let found = is_odd(
        &stray,
        &[("serialAndAddressDisagree", words), ("functionWithoutCard", "(0c:42:a1:00:00:10) of worker-1")],
    );
    assert_eq!((&found["pairs"][0]["host"], &found["pairs"][0]["sure"]), (&json!("worker-2"), &json!(false)));
    let stray = [
        host("worker-1", Some("S1"), &[A]),
        card("bf-1", Some("S1"), &[], None),
        card("bf-2", Some("S2"), &[A], None),
    ];
    let words = "by its serial number (S1) bf-1 is in worker-1, but by its address bf-2 is in worker-1";
    is_odd(&stray, &[("serialAndAddressDisagree", words), ("cardWithoutHost", "bf-1 has no host")]);
}

#[test]
fn what_is_no_inventory_is_refused_in_a_line() {
    let place = Place::new();
    let good = host("worker-1", None, &[A]);
    let with = |pointer: &str, value: Value| {
        let mut document = card("bf-1", None, &[A], None);
        *document.pointer_mut(pointer).expect("there") = value;
        document
    };
    let cases = [
        (
            with("/functions/0/mac", json!(5)),
            "functions[0].mac: invalid type: integer `5`, expected a string",
        ),
        (
            with("/card/ports/0/hwAddr", json!("0c:42")),
            "card.ports[0].hwAddr: \"0c:42\" is not a MAC address",
        ),
        (with("/card/ports", json!({})), "card.ports: invalid type: map, expected a sequence"),
        (
            with("/apiVersion", json!("dpu-cni/v2")),
            "apiVersion: unknown variant `dpu-cni/v2`, expected `dpu-cni/v1`",
        ),
        (with("/kind", json!("Node")), "kind: unknown variant `Node`, expected `Inventory`"),
        (with("/node", json!("bf-1; reboot")), "node: \"bf-1; reboot\" cannot be the name of a node"),
        (json!({}), "{} is no object of a cluster"),
        (json!(7), "7 is no object of a cluster"),
        (good.clone(), "1.json: the host worker-1 is in 0.json too: leave the older one out"),
    ];
    for (document, why) in cases {
        let ran = matched(&place, &[good.clone(), document], &[]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{why}");
        assert!(ran.err.contains(why) && ran.err.lines().count() == 1, "{why}: {}", ran.err);
    }
    let state = json!({
        "apiVersion": "sriovnetwork.openshift.io/v1", "kind": "SriovNetworkNodeState",
        "metadata": { "name": "worker-2" }, "status": { "interfaces": [] },
    });
    let ran = matched(&place, &[good.clone(), state.clone(), state], &[]);
    assert!(ran.code == 2 && ran.err.contains("2.json: the host worker-2 is in 1.json too"), "{}", ran.err);
    let plain = json!({ "apiVersion": "dpu-cni/v1", "kind": "Inventory", "node": "w", "functions": [], "unread": [] });
    let ran = matched(&place, &[plain], &[]);
    assert_eq!(
        ran.err.lines().next(),
        Some(
            "refused: neither a card nor a DPU's function is in these inventories: make them on the hosts and on the cards, with `dpu-cni inventory`"
        )
    );
    place.write("objects.json", "[");
    let ran = matched(&place, &[good], &["--objects", "objects.json"]);
    assert_eq!((ran.code, ran.err.lines().count()), (2, 1), "{}", ran.err);
}

/// What a terminal would obey is not printed, nor what would look like a line of ours.
#[test]
fn names_of_others_cannot_command_a_terminal() {
    let place = Place::new();
    let mut worker = host("worker-1", None, &[A, B]);
    worker["functions"][0]["netdev"] = json!("ens\u{1b}[2J\nverdict: 9 pairs");
    worker["functions"][1]["netdev"] = json!("\u{1b}]0;\n");
    let ran = matched(&place, &[worker, card("bf-1", Some("S\n2"), &[A], Some("x\ny"))], &[]);
    assert_eq!(ran.out.lines().filter(|line| line.starts_with("verdict:")).count(), 1, "{}", ran.out);
    assert!(!ran.out.chars().any(|c| c.is_control() && c != '\n'), "{}", ran.out);
}

#[test]
fn a_thousand_pairs_are_found() {
    let place = Place::new();
    let mut documents = String::new();
    for number in 0..1000 {
        let mac = |port: usize| format!("0c:42:a1:{:02x}:{:02x}:{port:02x}", number / 256, number % 256);
        let (serial, macs) = (format!("MT{number}"), [mac(0), mac(1)]);
        let macs = [macs[0].as_str(), macs[1].as_str()];
        let name = format!("worker-{number}");
        documents += &host(&name, Some(&serial), &macs).to_string();
        documents += &card(&format!("bf-{number}"), Some(&serial), &macs, Some(&name)).to_string();
    }
    place.write("all.json", documents);
    let ran = place.run(&["match", "all.json"]).ok();
    assert!(ran.out.ends_with("verdict: 1000 pairs, nothing is odd\n"), "{}", ran.out);
}
