//! Addresses, routes and rules in one batch, read back with `ip`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use common::Sandbox;
use ipnetwork::IpNetwork;
use linux::{NextHop, Origin, Route, Rule, Step};
use serde_json::Value;

fn network(text: &str) -> IpNetwork {
    text.parse().unwrap()
}

fn default_via(index: u32, gateway: &str) -> Route {
    Route { index, gateway: Some(gateway.parse().unwrap()), mtu: Some(1400), ..Route::default() }
}

fn to(index: u32, dst: &str, gateway: Option<&str>) -> Route {
    let gateway = gateway.map(|gateway| gateway.parse().unwrap());
    Route { index, dst: Some(network(dst)), gateway, ..Route::default() }
}

/// A route of a list by its destination.
fn find<'a>(routes: &'a [Value], dst: &str) -> &'a Value {
    routes.iter().find(|route| route["dst"] == dst).unwrap_or_else(|| panic!("no {dst} in {routes:?}"))
}

#[test]
fn a_pod_is_configured_in_one_batch() {
    let sandbox = Sandbox::with_veth();
    sandbox.ip("link set right up");
    let index = sandbox.link("left").index;
    let netlink = sandbox.netlink();
    let steps = [
        Step::Address { index, address: network("10.128.2.5/23") },
        Step::Address { index, address: network("fd01:0:0:2::5/64") },
        Step::Up { index },
        Step::Route(default_via(index, "10.128.2.1")),
        Step::Route(default_via(index, "fd01:0:0:2::1")),
        Step::Route(to(index, "10.132.0.0/14", Some("10.128.2.1"))),
        Step::Route(to(index, "169.254.0.0/29", None)),
    ];
    netlink.apply(&steps).unwrap();

    assert!(sandbox.link("left").up);
    let ipv4 = sandbox.list("-4 route show");
    let default = find(&ipv4, "default");
    assert_eq!((&default["gateway"], &default["dev"]), (&"10.128.2.1".into(), &"left".into()));
    assert_eq!((&default["protocol"], &default["metrics"][0]["mtu"]), (&"boot".into(), &1400.into()));
    assert_eq!(find(&ipv4, "10.132.0.0/14")["gateway"], "10.128.2.1");
    assert_eq!(find(&ipv4, "169.254.0.0/29")["gateway"], Value::Null);
    let ipv6 = sandbox.list("-6 route show default");
    assert_eq!(find(&ipv6, "default")["gateway"], "fd01:0:0:2::1");

    let routes = netlink.routes(index).unwrap();
    for step in steps {
        if let Step::Route(route) = step {
            assert!(routes.contains(&route), "{route} is not in {routes:?}");
        }
    }
    assert!(netlink.routes(sandbox.link("right").index).unwrap().iter().all(|route| route.gateway.is_none()));
}

#[test]
fn addresses_have_broadcast_and_no_duplicate_detection() {
    let sandbox = Sandbox::with_veth();
    sandbox.ip("link set right up");
    let index = sandbox.link("left").index;
    let netlink = sandbox.netlink();
    let addresses =
        ["10.128.2.5/23", "10.0.0.1/30", "10.0.1.1/31", "10.0.2.1/32", "fd01:0:0:2::5/64"].map(network);
    let mut steps: Vec<Step> =
        addresses.iter().map(|address| Step::Address { index, address: *address }).collect();
    steps.push(Step::Up { index });
    netlink.apply(&steps).unwrap();
    // Immediately: detection would last a second.
    let shown = sandbox.show("address show left");
    let shown = shown["addr_info"].as_array().unwrap();
    let of = |ip: &str| shown.iter().find(|address| address["local"] == ip).unwrap();
    assert_eq!(of("10.128.2.5")["broadcast"], "10.128.3.255");
    assert_eq!(of("10.0.0.1")["broadcast"], "10.0.0.3");
    assert_eq!(of("10.0.1.1")["broadcast"], Value::Null);
    assert_eq!(of("10.0.2.1")["broadcast"], Value::Null);
    assert_eq!(of("fd01:0:0:2::5")["nodad"], true);
    assert_eq!(of("fd01:0:0:2::5")["tentative"], Value::Null);
    assert!(shown.iter().all(
        |address| address["scope"] == "global" || address["local"].as_str().unwrap().starts_with("fe80")
    ));

    let mut found = netlink.addresses(index).unwrap();
    found.retain(|address| !address.ip().to_string().starts_with("fe80"));
    found.sort();
    let mut expected = addresses.to_vec();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_first_failure_is_reported_with_its_step() {
    let sandbox = Sandbox::with_veth();
    sandbox.ip("link set right up");
    let index = sandbox.link("left").index;
    let address = Step::Address { index, address: network("10.0.0.1/24") };
    let steps = [
        address.clone(),
        Step::Up { index },
        address,
        Step::Route(to(index, "10.9.0.0/16", Some("192.0.2.1"))),
        Step::Route(to(index, "10.8.0.0/16", Some("10.0.0.2"))),
    ];
    let failed = sandbox.netlink().apply(&steps).unwrap_err();
    assert_eq!(failed.step, 2);
    assert!(failed.source.is_exists());
    assert!(failed.to_string().contains(&format!("add the address 10.0.0.1/24 to link {index}")), "{failed}");
    // The kernel went on, as documented.
    assert_eq!(sandbox.list("-4 route show 10.8.0.0/16").len(), 1);

    let unreachable = sandbox.netlink().apply(&steps[3..4]).unwrap_err();
    assert!(unreachable.to_string().contains("via 192.0.2.1"), "{unreachable}");
    assert!(
        unreachable.to_string().contains("Nexthop has invalid gateway"),
        "the kernel's reason: {unreachable}"
    );
}

#[test]
fn batches_of_any_size_are_done_in_order() {
    let sandbox = Sandbox::with_veth();
    let netlink = sandbox.netlink();
    netlink.apply(&[]).unwrap();
    let index = sandbox.link("left").index;
    let mut steps = vec![Step::Address { index, address: network("10.0.0.1/24") }, Step::Up { index }];
    steps.extend(
        (0..1000_u32).map(|i| Step::Route(to(index, &format!("10.{}.{}.0/24", 1 + i / 256, i % 256), None))),
    );
    netlink.apply(&steps).unwrap();
    // One more that is there already, at the very end.
    let mut again = steps.split_off(2);
    again.rotate_left(1);
    sandbox.ip("route flush proto boot");
    again.push(again[0].clone());
    let failed = netlink.apply(&again).unwrap_err();
    assert_eq!((failed.step, failed.source.is_exists()), (1000, true), "{failed}");
}

#[test]
fn several_interfaces_get_rules_tables_and_multipath() {
    let sandbox = Sandbox::with_veth();
    let netlink = sandbox.netlink();
    let (one, two) = (sandbox.link("left").index, sandbox.link("right").index);
    let setup = [
        Step::Address { index: one, address: network("10.0.0.5/24") },
        Step::Address { index: two, address: network("10.0.0.6/24") },
        Step::Address { index: one, address: network("fd00::5/64") },
        Step::Address { index: two, address: network("fd00::6/64") },
        Step::Up { index: one },
        Step::Up { index: two },
    ];
    netlink.apply(&setup).unwrap();
    let near = |table, dst: &str| Route { table: Some(table), link_scope: true, ..to(two, dst, None) };
    let multipath = |dst: &str, gateway: &str| {
        let hop = |index| NextHop { index, gateway: Some(gateway.parse().unwrap()) };
        Route { nexthops: vec![hop(one), hop(two)], mtu: Some(1300), ..to(0, dst, None) }
    };
    let steps = [
        Step::Rule(Rule { from: network("10.0.0.6/32"), table: 100 + two }),
        Step::Rule(Rule { from: network("fd00::6/128"), table: 1000 }),
        Step::Route(near(100 + two, "10.0.0.0/24")),
        Step::Route(Route { table: Some(1000), ..to(two, "fd00::/64", None) }),
        Step::Route(to(one, "10.9.0.0/16", Some("10.0.0.1"))),
        Step::RouteReplace(multipath("10.9.0.0/16", "10.0.0.1")),
        Step::Route(Route { table: Some(1000), ..to(two, "10.9.0.0/16", Some("10.0.0.1")) }),
        Step::Route(to(one, "fd09::/64", Some("fd00::1"))),
        Step::RouteReplace(multipath("fd09::/64", "fd00::1")),
    ];
    netlink.apply(&steps[..6]).unwrap();
    // Over a table in which only the link is known, the gateway is not reachable until its network is there, too.
    netlink.apply(&steps[6..]).unwrap();

    let rules = sandbox.list("-4 rule show");
    let rule = rules.iter().find(|rule| rule["src"] == "10.0.0.6").unwrap();
    assert_eq!(rule["table"], (100 + two).to_string());
    assert!(
        sandbox.list("-6 rule show").iter().any(|rule| rule["src"] == "fd00::6" && rule["table"] == "1000")
    );

    let table = sandbox.list(&format!("-4 route show table {}", 100 + two));
    assert_eq!(find(&table, "10.0.0.0/24")["scope"], "link");
    let main = sandbox.list("-4 route show 10.9.0.0/16");
    assert_eq!(main.len(), 1, "replaced, not added");
    assert_eq!(main[0]["nexthops"].as_array().unwrap().len(), 2);
    assert_eq!(main[0]["metrics"][0]["mtu"], 1300);
    let main = sandbox.list("-6 route show fd09::/64");
    assert_eq!(main[0]["nexthops"].as_array().unwrap().len(), 2, "{main:?}");

    let survey = netlink.survey().unwrap();
    let rules = [("10.0.0.6/32", 100 + two), ("fd00::6/128", 1000)];
    assert_eq!(
        survey.rules.iter().filter(|rule| rules.contains(&(&*rule.from.to_string(), rule.table))).count(),
        rules.len()
    );
    let asked: Vec<&Route> =
        survey.routes.iter().filter(|route| route.origin == Origin::Given && route.is_over(two)).collect();
    assert_eq!(asked.len(), 5, "what the kernel made of addresses is told apart: {asked:?}");
    let over_two = netlink.routes(two).unwrap();
    assert!(over_two.contains(&multipath("10.9.0.0/16", "10.0.0.1")), "{over_two:?}");
    assert!(over_two.contains(&multipath("fd09::/64", "fd00::1")), "{over_two:?}");
    assert!(over_two.contains(&Route { table: Some(1000), ..to(two, "10.9.0.0/16", Some("10.0.0.1")) }));
    assert!(over_two.contains(&near(100 + two, "10.0.0.0/24")), "{over_two:?}");
}

#[test]
fn a_second_default_route_is_refused() {
    let sandbox = Sandbox::with_veth();
    let index = sandbox.link("left").index;
    let steps = [
        Step::Address { index, address: network("10.0.0.5/24") },
        Step::Up { index },
        Step::Route(default_via(index, "10.0.0.1")),
        Step::Route(default_via(index, "10.0.0.1")),
    ];
    let failed = sandbox.netlink().apply(&steps).unwrap_err();
    assert_eq!((failed.step, failed.source.is_exists()), (3, true));
}

#[test]
fn a_route_over_a_down_link_is_refused() {
    let sandbox = Sandbox::with_veth();
    let index = sandbox.link("left").index;
    let steps = [
        Step::Address { index, address: network("10.0.0.5/24") },
        Step::Route(default_via(index, "10.0.0.1")),
    ];
    let failed = sandbox.netlink().apply(&steps).unwrap_err();
    assert_eq!(failed.step, 1);
    assert!(
        failed.to_string().contains("Network is down") || failed.to_string().contains("unreachable"),
        "{failed}"
    );
}
