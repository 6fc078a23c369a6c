//! The documents on the wire, against ones that Go wrote.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use ovnkube::{KubeAuth, PodInterface, PodRequest, Request, Response, Route};
use proptest::prelude::*;
use serde_json::{Value, json};

/// An answer to ADD of an unprivileged server of 2026.
fn unprivileged() -> Value {
    json!({
        "Result": null,
        "PodIFInfo": {
            "IPs": [
                {"IP": "10.128.2.15", "Mask": "///+AA=="},
                {"IP": "fd01:0:0:3::f", "Mask": "//////////8AAAAAAAAAAA=="}
            ],
            "MAC": "ClgKgAIP",
            "Gateways": ["10.128.2.1", "fd01:0:0:3::1"],
            "GatewayIPv6LLA": "",
            "Routes": [
                {"Dest": {"IP": "10.128.0.0", "Mask": "//wAAA=="}, "NextHop": "10.128.2.1"},
                {"Dest": {"IP": "172.30.0.0", "Mask": "//8AAA=="}, "NextHop": "10.128.2.1"},
                {"Dest": {"IP": "fd01::", "Mask": "////////AAAAAAAAAAAAAA=="}, "NextHop": ""}
            ],
            "TunnelID": 0,
            "Role": "primary",
            "mtu": 1400,
            "routable-mtu": 0,
            "ingress": 0,
            "egress": 0,
            "is-dpu-host-mode": true,
            "skip-ip-config": false,
            "pod-uid": "4d06bae8-9c38-41f6-945c-f92320e782e4",
            "vf-netdev-name": "ens1f0v2",
            "enable-udp-aggregation": false,
            "netName": "default",
            "nadKey": "default",
            "pod-if-names": null
        },
        "PrimaryUDNPodInfo": null,
        "PrimaryUDNPodReq": null,
        "KubeAuth": {"kube-api-server": "https://api-int.example:6443", "kube-api-token": "secret"}
    })
}

fn interface() -> PodInterface {
    let route = |dest: &str, hop: Option<&str>| Route {
        dest: dest.parse().expect("a network"),
        next_hop: hop.map(|hop| hop.parse().expect("an address")),
    };
    PodInterface {
        ips: ["10.128.2.15/23", "fd01:0:0:3::f/64"].map(|ip| ip.parse().expect("an address")).into(),
        mac: Some([0x0a, 0x58, 0x0a, 0x80, 0x02, 0x0f]),
        gateways: ["10.128.2.1", "fd01:0:0:3::1"].map(|ip| ip.parse().expect("an address")).into(),
        routes: vec![
            route("10.128.0.0/14", Some("10.128.2.1")),
            route("172.30.0.0/16", Some("10.128.2.1")),
            route("fd01::/48", None),
        ],
        role: "primary".into(),
        mtu: 1400,
        dpu_host_mode: true,
        pod_uid: "4d06bae8-9c38-41f6-945c-f92320e782e4".into(),
        vf_netdev_name: "ens1f0v2".into(),
        net_name: "default".into(),
        nad_key: "default".into(),
        ..PodInterface::default()
    }
}

fn read(answer: Value) -> Response {
    serde_json::from_value(answer).expect("an answer")
}

fn pod(fields: Value) -> PodInterface {
    serde_json::from_value(fields).expect("an interface")
}

fn refused(fields: Value) -> String {
    serde_json::from_value::<PodInterface>(fields).expect_err("a refusal").to_string()
}

#[test]
fn interfaces_are_read_and_written_like_gos() {
    let answer = unprivileged();
    assert_eq!(read(answer.clone()).pod, Some(interface()));
    assert_eq!(read(answer.clone()).result, None);
    assert_eq!(serde_json::to_value(interface()).expect("JSON"), answer["PodIFInfo"]);
    let members: serde_json::Map<_, _> = answer["KubeAuth"].as_object().expect("an object").clone();
    let response =
        Response { pod: Some(interface()), kube_auth: Some(KubeAuth::new(members)), ..Response::default() };
    assert_eq!(serde_json::to_value(response).expect("JSON"), answer);
}

#[test]
fn an_empty_interface_is_written_with_nulls() {
    let empty = serde_json::to_value(PodInterface::default()).expect("JSON");
    for key in ["IPs", "MAC", "Gateways", "Routes", "pod-if-names"] {
        assert_eq!(empty.get(key), Some(&Value::Null), "{key}");
    }
    assert_eq!(
        (&empty["GatewayIPv6LLA"], &empty["mtu"], &empty["Role"]),
        (&json!(""), &json!(0), &json!(""))
    );
    assert_eq!(empty.as_object().map(serde_json::Map::len), Some(19));
    assert_eq!(
        serde_json::to_value(Response::default()).expect("JSON"),
        json!({"Result": null, "PodIFInfo": null, "PrimaryUDNPodInfo": null, "PrimaryUDNPodReq": null, "KubeAuth": null})
    );
}

#[test]
fn old_servers_have_other_keys_and_fewer() {
    let mut answer = unprivileged();
    for key in ["PrimaryUDNPodInfo", "PrimaryUDNPodReq"] {
        answer.as_object_mut().expect("an object").remove(key);
    }
    let fields = answer["PodIFInfo"].as_object_mut().expect("an object");
    for key in ["GatewayIPv6LLA", "pod-if-names", "nadKey"] {
        fields.remove(key);
    }
    fields.insert("nadName".into(), json!("default"));
    assert_eq!(read(answer).pod, Some(interface()));
    assert_eq!(pod(json!({"nadName": "old", "nadKey": "new"})).nad_key, "new");
}

#[test]
fn keys_have_any_case_values_may_be_null() {
    let answer = json!({"RESULT": {"dns": {}}, "podifinfo": {"ips": null, "Mtu": 9000, "VF-NETDEV-NAME": "vf"}, "x": 1});
    let response = read(answer);
    assert_eq!(response.result, Some(json!({"dns": {}})));
    let wanted = PodInterface { mtu: 9000, vf_netdev_name: "vf".into(), ..PodInterface::default() };
    assert_eq!(response.pod, Some(wanted));
    let nulls = json!({"IPs": [null, {"IP": "", "Mask": null}], "Gateways": ["", null], "Routes": [null, {}, {"Dest": null}]});
    assert_eq!(pod(nulls), PodInterface::default());
    assert_eq!(read(Value::Null), Response::default());
}

#[test]
fn a_primary_user_defined_network() {
    let mut answer = unprivileged();
    answer["PrimaryUDNPodInfo"] = json!({
        "IPs": [{"IP": "10.200.0.5", "Mask": "////AA=="}], "MAC": "ClgKyAAF", "Gateways": ["10.200.0.1"],
        "GatewayIPv6LLA": "fe80::858:aff:fec8:1", "TunnelID": 7, "nadKey": "blue/tenant-blue"
    });
    answer["PrimaryUDNPodReq"] = json!({
        "Command": "ADD", "PodNamespace": "blue", "PodName": "web-0", "PodUID": "4d06", "SandboxID": "824b",
        "Netns": "/var/run/netns/x", "IfName": "ovn-udn1", "CNIConf": {"mtu": 1400, "deviceID": "0000:03:00.3"},
        "IsVFIO": false
    });
    let response = read(answer.clone());
    let udn = response.udn.expect("an interface");
    assert_eq!((udn.tunnel_id, udn.ips), (7, vec!["10.200.0.5/24".parse().expect("an address")]));
    assert_eq!(udn.gateway_ipv6_lla, "fe80::858:aff:fec8:1".parse().ok());
    let request = response.udn_request.expect("a request");
    assert_eq!((request.if_name.as_str(), request.device_id()), ("ovn-udn1", Some("0000:03:00.3")));
    assert_eq!(serde_json::to_value(&request).expect("JSON"), answer["PrimaryUDNPodReq"]);
    for conf in [Value::Null, json!({}), json!({"deviceID": ""}), json!({"deviceID": 7}), json!([])] {
        assert_eq!(PodRequest { conf, ..PodRequest::default() }.device_id(), None);
    }
}

#[test]
fn masks_in_all_of_gos_forms_and_no_others() {
    let ip = |ip: &str, mask: &str| json!({"IPs": [{"IP": ip, "Mask": mask}]});
    let mapped = pod(ip("::ffff:10.0.0.1", "/////////////////////w=="));
    assert_eq!(mapped.ips, ["10.0.0.1/32".parse().expect("an address")]);
    assert_eq!(
        pod(ip("10.0.0.1", "/////////////////wAAAA==")).ips,
        ["10.0.0.1/8".parse().expect("an address")]
    );
    assert!(refused(ip("10.0.0.1", "/wD/AA==")).contains("ips: "), "holes");
    assert!(refused(ip("10.0.0.1", "//8=")).contains("netmask"), "two bytes");
    assert!(refused(ip("fd01::1", "////AA==")).contains("netmask"), "of the other family");
    assert!(refused(ip("10.0.0.1", "")).contains("netmask"));
    assert!(refused(ip("", "////AA==")).contains("without an IP"));
    assert!(refused(ip("10.0.0.1", "!")).contains("base64"));
}

#[test]
fn routes_without_a_destination_are_default_routes() {
    let route =
        |hop: &str| pod(json!({"Routes": [{"Dest": null, "NextHop": hop}]})).routes[0].dest.to_string();
    assert_eq!((route("10.0.0.1"), route("fe80::1")), ("0.0.0.0/0".into(), "::/0".into()));
}

#[test]
fn wrong_types_are_named() {
    for (fields, key) in [
        (json!({"mtu": "big"}), "mtu"),
        (json!({"mtu": -1}), "mtu"),
        (json!({"mtu": 1400.5}), "mtu"),
        (json!({"MAC": "AAA="}), "mac"),
        (json!({"MAC": 7}), "mac"),
        (json!({"IPs": "10.0.0.1"}), "ips"),
        (json!({"Gateways": ["gateway"]}), "gateways"),
        (json!({"Routes": [[]]}), "routes"),
        (json!({"is-dpu-host-mode": "yes"}), "is-dpu-host-mode"),
    ] {
        assert!(refused(fields.clone()).starts_with(key), "{fields}");
    }
}

#[test]
fn a_token_is_not_kept() {
    for auth in [json!({"kube-api-token": "secret"}), json!("secret"), json!(["secret"]), json!(7)] {
        let mut answer = unprivileged();
        answer["KubeAuth"] = auth;
        let response = read(answer);
        assert_eq!(response.kube_auth, Some(KubeAuth::default()));
        assert!(!format!("{response:?}").contains("secret"));
    }
    let sent = KubeAuth::new([("kube-api-token".into(), "secret".into())].into_iter().collect());
    assert_eq!(format!("{sent:?}"), "KubeAuth(..)");
}

#[test]
fn a_request_is_written_as_upstreams_shim_does() {
    let request = Request {
        env: [("CNI_COMMAND".into(), "ADD".into())].into(),
        config: br#"{"type":"ovn-k8s-cni-overlay"}"#.to_vec(),
        device_info:
            json!({"type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:03:00.2"}, "env": 1})
                .as_object()
                .expect("an object")
                .clone(),
    };
    let written = json!({
        "env": {"CNI_COMMAND": "ADD"},
        "config": "eyJ0eXBlIjoib3ZuLWs4cy1jbmktb3ZlcmxheSJ9",
        "type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:03:00.2"}
    });
    assert_eq!(serde_json::to_value(&request).expect("JSON"), written);
    let back: Request = serde_json::from_value(written).expect("a request");
    assert_eq!((back.env, back.config, back.device_info.len()), (request.env, request.config, 3));
    assert_eq!(serde_json::to_value(Request::default()).expect("JSON"), json!({}));
}

prop_compose! {
    fn any_interface()(
        ip4: (u32, u8), ip6: (u128, u8), mac: Option<[u8; 6]>, hop: Option<u32>, mtu: u32, ingress: i64,
        flag: bool, name in "[ -~]{0,20}", names in prop::collection::vec("[a-z0-9]{1,15}", 0..3),
    ) -> PodInterface {
        let ip4 = ipnetwork::IpNetwork::new(std::net::Ipv4Addr::from(ip4.0).into(), ip4.1 % 33);
        let ip6 = std::net::Ipv6Addr::from(ip6.0);
        // An IPv4 address in IPv6's clothes is written in its own.
        let ip6 = ipnetwork::IpNetwork::new(
            if ip6.to_ipv4_mapped().is_some() { std::net::Ipv6Addr::LOCALHOST } else { ip6 }.into(), 64);
        let hop = hop.map(|hop| std::net::Ipv4Addr::from(hop).into());
        let ips: Vec<_> = ip4.into_iter().chain(ip6).collect();
        PodInterface {
            routes: ips.iter().map(|dest| Route { dest: *dest, next_hop: hop }).collect(),
            ips, mac, gateways: hop.into_iter().collect(), gateway_ipv6_lla: hop, tunnel_id: ingress,
            role: name.clone(), mtu, routable_mtu: mtu / 2, ingress, egress: ingress, dpu_host_mode: flag,
            skip_ip_config: !flag, pod_uid: name.clone(), vf_netdev_name: name.clone(), enable_udp_aggregation: flag,
            net_name: name.clone(), nad_key: name, pod_if_names: names,
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
    ];
    let key = prop_oneof![
        "[a-z]{1,3}",
        prop::sample::select(vec![
            "PodIFInfo",
            "Result",
            "IPs",
            "IP",
            "Mask",
            "MAC",
            "Routes",
            "Dest",
            "NextHop",
            "mtu",
            "CNIConf"
        ])
        .prop_map(String::from)
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_interface_comes_back(interface in any_interface()) {
        let text = serde_json::to_string(&interface).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<PodInterface>(&text).expect("an interface"), interface);
    }

    #[test]
    fn any_json_is_an_answer_or_an_error(json in any_json()) {
        let _ = serde_json::from_value::<Response>(json.clone());
        let _ = serde_json::from_value::<PodInterface>(json.clone());
        let _ = serde_json::from_value::<PodRequest>(json.clone());
        let _ = serde_json::from_value::<Request>(json);
    }
}
