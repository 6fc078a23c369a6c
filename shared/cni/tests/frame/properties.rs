//! Properties that hold for any input.

use std::net::IpAddr;

use cni::{AddResult, Args, Dns, Interface, Ip, NetConf, Route, Version};
use ipnetwork::IpNetwork;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{Call, NEVER, Probe, STRICT};

fn network() -> impl Strategy<Value = IpNetwork> {
    let v4 = (any::<[u8; 4]>(), 0..=32u8).prop_map(|(ip, prefix)| (IpAddr::from(ip), prefix));
    let v6 = (any::<[u8; 16]>(), 0..=128u8).prop_map(|(ip, prefix)| (IpAddr::from(ip), prefix));
    prop_oneof![v4, v6].prop_map(|(ip, prefix)| IpNetwork::new(ip, prefix).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    "[ -~é]{1,12}"
}

prop_compose! {
    fn interface()(
        name in text(), mac in option::of(text()), mtu in any::<Option<u32>>(), sandbox in option::of(text()),
        socket_path in option::of(text()), pci_id in option::of(text()),
    ) -> Interface {
        Interface { name, mac, mtu, sandbox, socket_path, pci_id }
    }
}

prop_compose! {
    fn ip()(interface in any::<Option<u32>>(), address in network(), gateway in any::<Option<IpAddr>>()) -> Ip {
        Ip { interface, address, gateway }
    }
}

prop_compose! {
    fn route()(
        dst in network(), gw in any::<Option<IpAddr>>(),
        [mtu, advmss, priority, table, scope] in any::<[Option<u32>; 5]>(),
    ) -> Route {
        let dst = IpNetwork::new(dst.network(), dst.prefix()).unwrap();
        Route { dst, gw, mtu, advmss, priority, table, scope }
    }
}

prop_compose! {
    fn result()(
        interfaces in vec(interface(), 0..3), ips in vec(ip(), 0..4), routes in vec(route(), 0..4),
        nameservers in vec(text(), 0..2), domain in option::of(text()), search in vec(text(), 0..2),
        options in vec(text(), 0..2),
    ) -> AddResult {
        AddResult { interfaces, ips, routes, dns: Dns { nameservers, domain, search, options } }
    }
}

/// What is left of a result once it was told in `version`.
fn told_in(version: Version, mut result: AddResult) -> AddResult {
    if version < Version::V1_1_0 {
        for interface in &mut result.interfaces {
            (interface.mtu, interface.socket_path, interface.pci_id) = (None, None, None);
        }
    }
    if version < Version::V0_3_0 {
        result.interfaces.clear();
        let first = |v4: bool| result.ips.iter().find(|ip| ip.address.is_ipv4() == v4).cloned();
        let (mut ips, mut routes) = (Vec::new(), Vec::new());
        for (v4, ip) in [true, false].into_iter().filter_map(|v4| Some((v4, first(v4)?))) {
            ips.push(Ip { interface: None, ..ip });
            let family = result.routes.iter().filter(|route| route.dst.is_ipv4() == v4);
            routes.extend(family.map(|route| Route::new(route.dst, route.gw)));
        }
        (result.ips, result.routes) = (ips, routes);
    }
    result
}

proptest! {
    #[test]
    fn a_result_survives_what_its_version_tells(result in result()) {
        for version in Version::ALL {
            let told = result.to_json(version);
            if version < Version::V0_3_0 && result.ips.is_empty() {
                prop_assert!(told.is_err());
                continue;
            }
            let mut json = told.unwrap();
            prop_assert_eq!(&json["cniVersion"], version.as_str());
            let expected = told_in(version, result.clone());
            prop_assert_eq!(&AddResult::from_json(&json).unwrap(), &expected);
            // Older runtimes leave the version out.
            json.as_object_mut().unwrap().remove("cniVersion");
            prop_assert_eq!(AddResult::from_json(&json).unwrap(), expected);
        }
    }

    #[test]
    fn args_hold_what_was_written(pairs in vec(("[A-Z]{1,3}", "[ -:<-~]{0,6}"), 0..6)) {
        let text: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let args = Args::parse(&text.join(";"));
        for (key, _) in &pairs {
            let last = pairs.iter().rfind(|(other, _)| other == key).map(|(_, value)| value.as_str());
            prop_assert_eq!(args.get(key), last.filter(|value| !value.is_empty()));
        }
        let rebuilt: Vec<String> = args.pairs().map(|(key, value)| format!("{key}={value}")).collect();
        prop_assert_eq!(Args::parse(&rebuilt.join(";")), args);
    }

    #[test]
    fn any_args_are_read(text in ".*") {
        let args = Args::parse(&text);
        prop_assert!(args.pairs().all(|(key, _)| !key.contains([';', '='])));
    }

    #[test]
    fn any_standard_input_has_one_answer(stdin in vec(any::<u8>(), 0..64), verb in "ADD|DEL|CHECK|STATUS|GC|[A-Z]{0,3}") {
        let answer = Call::new(&verb, "1.1.0").stdin(stdin).run(&Probe::<STRICT>::default());
        prop_assert!(answer.success == answer.stdout.is_empty() || verb == "ADD");
        if !answer.success {
            prop_assert!(answer.error().0 > 0);
        }
    }

    #[test]
    fn any_environment_has_one_answer(
        id in any::<Option<String>>(), ifname in any::<Option<String>>(), args in any::<String>(),
        verb in "ADD|DEL|CHECK|STATUS|GC",
    ) {
        let call = |verb: &str| {
            let mut call = Call::new(verb, "1.1.0").env("CNI_ARGS", args.clone());
            for (key, value) in [("CNI_CONTAINERID", &id), ("CNI_IFNAME", &ifname)] {
                call = match value {
                    Some(value) => call.env(key, value.clone()),
                    None => call.without(key),
                };
            }
            call
        };
        let answer = call(&verb).run(&Probe::<STRICT>::default());
        if !answer.success {
            prop_assert_eq!(answer.error().0, 4);
        }
        prop_assert!(call("DEL").run(&Probe::<NEVER>::default()).silent());
    }

    #[test]
    fn a_configuration_keeps_its_keys(key in "[a-z]{8,9}", value in "[ -~]*") {
        let conf = serde_json::json!({"cniVersion": "1.0.0", "name": "n", (key.clone()): value});
        let conf = NetConf::parse(conf.to_string().as_bytes()).unwrap();
        prop_assert_eq!(conf.string(&key).unwrap(), Some(value.as_str()));
        prop_assert_eq!(conf.map().len(), 3);
    }

    #[test]
    fn any_value_anywhere_is_read_or_refused(result in result(), at in any::<prop::sample::Index>(), value in scalar()) {
        let mut json = result.to_json(Version::LATEST).unwrap();
        let places = places(&json, String::new());
        *json.pointer_mut(&places[at.index(places.len())]).unwrap() = value;
        match AddResult::from_json(&json) {
            Ok(read) => prop_assert!(read.to_json(Version::LATEST).is_ok()),
            Err(error) => prop_assert_eq!(error.code(), 6),
        }
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(Value::Array(vec![Value::Null])),
        Just(serde_json::json!({})),
    ]
}

/// Pointers to everything in a value, itself included.
fn places(value: &Value, at: String) -> Vec<String> {
    let inside = match value {
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| places(item, format!("{at}/{index}"))).collect()
        }
        Value::Object(map) => {
            map.iter().flat_map(|(key, item)| places(item, format!("{at}/{key}"))).collect()
        }
        _ => Vec::new(),
    };
    [vec![at], inside].concat()
}
