//! The files of a host with a BlueField-2, and of that card, and what commands say there.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::Place;

/// A board: what its host and its card see of it.
pub(crate) struct Board {
    pub(crate) serial: &'static str,
    /// Of the host's functions.
    pub(crate) macs: [&'static str; 2],
}

/// The one of most tests.
pub(crate) const BOARD: Board =
    Board { serial: "MT2050X00001", macs: ["0c:42:a1:00:00:10", "0c:42:a1:00:00:11"] };

/// Vital product data as Mellanox' cards have it: a name, read-only fields, padding, an end.
pub(crate) fn vpd(serial: &str) -> Vec<u8> {
    let field = |keyword: &[u8; 2], value: &[u8]| {
        [keyword.as_slice(), &[u8::try_from(value.len()).expect("short")], value].concat()
    };
    let resource =
        |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).expect("short"), 0], content].concat();
    let fields = [
        field(b"PN", b"MBF2H516A-CEEOT"),
        field(b"EC", b"A7"),
        field(b"SN", format!("{serial:<24}").as_bytes()),
        field(b"V3", b"e4397f8738db55a8400008c0eb5e2f49"),
        field(b"RV", &[0x7f; 2]),
    ]
    .concat();
    let mut bytes = resource(0x82, b"BlueField-2 DPU 100GbE Dual-Port QSFP56");
    bytes.extend(resource(0x90, &fields));
    bytes.push(0x78);
    bytes.resize(bytes.len() + 64, 0xff);
    bytes
}

pub(crate) fn device(root: &str, pci: &str) -> String {
    format!("{root}/sys/bus/pci/devices/{pci}")
}

fn link(place: &Place, name: &str, target: &str) {
    place.write(&format!("{name}.made"), "");
    symlink(target, place.path(name)).expect("a link");
}

fn function(place: &Place, directory: &str, serial: &str) {
    for (name, text) in [("class", "0x020000\n"), ("vendor", "0x15b3\n"), ("device", "0xa2d6\n")] {
        place.write(&format!("{directory}/{name}"), text);
    }
    place.write(&format!("{directory}/sriov_totalvfs"), "16\n");
    place.write(&format!("{directory}/vpd"), vpd(serial));
    link(place, &format!("{directory}/driver"), "../../../../bus/pci/drivers/mlx5_core");
}

/// A host's files below `root`: two functions, the first with two VFs.
pub(crate) fn host(place: &Place, root: &str, node: &str, board: &Board) {
    place.write(&format!("{root}/etc/hostname"), format!("{node}\n"));
    place.write(&format!("{root}/sys/class/dmi/id/product_name"), "PowerEdge R750\n");
    for (number, mac) in board.macs.iter().enumerate() {
        let directory = device(root, &format!("0000:3b:00.{number}"));
        function(place, &directory, board.serial);
        place.write(&format!("{directory}/net/ens1f{number}/address"), format!("{mac}\n"));
        place.write(&format!("{directory}/net/ens1f{number}/addr_assign_type"), "0\n");
    }
    for (number, driver) in [(0, "mlx5_core"), (1, "vfio-pci")] {
        let vf = format!("0000:3b:00.{}", number + 2);
        let directory = device(root, &vf);
        place.write(&format!("{directory}/class"), "0x020000\n");
        link(place, &format!("{directory}/physfn"), "../0000:3b:00.0");
        link(place, &format!("{directory}/driver"), &format!("../../../../bus/pci/drivers/{driver}"));
        link(place, &format!("{}/virtfn{number}", device(root, "0000:3b:00.0")), &format!("../{vf}"));
    }
    place.write(&format!("{}/net/ens1f0v0/address", device(root, "0000:3b:00.2")), "02:00:00:00:00:01\n");
    // A plain network card, which is none of this, and one that has VFs.
    let plain = device(root, "0000:01:00.0");
    for (name, text) in [("class", "0x020000\n"), ("vendor", "0x14e4\n"), ("device", "0x165f\n")] {
        place.write(&format!("{plain}/{name}"), text);
    }
}

/// The card's files below `root`, and what devlink and Open vSwitch say there.
pub(crate) fn card(place: &Place, root: &str, node: &str, board: &Board) {
    place.write(&format!("{root}/etc/hostname"), format!("{node}\n"));
    place.write(&format!("{root}/sys/class/dmi/id/product_name"), "BlueField SoC\n");
    let mut ports = json!({});
    for (number, mac) in board.macs.iter().enumerate() {
        let pci = format!("0000:03:00.{number}");
        let directory = device(root, &pci);
        function(place, &directory, board.serial);
        let (uplink, representor) = (format!("p{number}"), format!("pf{number}hpf"));
        // Sorts before the uplink.
        let of_vf = format!("c1pf{number}vf0");
        for (netdev, port) in [
            (&uplink, format!("p{number}")),
            (&representor, format!("c1pf{number}")),
            (&of_vf, of_vf.clone()),
        ] {
            place.write(&format!("{directory}/net/{netdev}/address"), format!("0c:42:a1:00:01:1{number}\n"));
            place.write(&format!("{directory}/net/{netdev}/addr_assign_type"), "0\n");
            place.write(&format!("{root}/sys/class/net/{netdev}/phys_port_name"), format!("{port}\n"));
            place.write(&format!("{root}/sys/class/net/{netdev}/phys_switch_id"), "8a1e0c\n");
        }
        place.write(
            &format!("{root}/sys/class/net/{uplink}/smart_nic/pf/config"),
            format!("MAC        : {mac}\nMaxTxRate  : 0\nState      : Follow\n"),
        );
        let eswitch = json!({ "dev": { format!("pci/{pci}"): { "mode": "switchdev", "inline-mode": "none", "encap-mode": "basic" } } });
        place.write(&format!("{root}/commands/devlink-eswitch-{pci}.json"), eswitch.to_string());
        ports[format!("pci/{pci}/{}", 65_535 - number)] = json!({
            "type": "eth", "netdev": uplink, "flavour": "physical", "port": number, "splittable": false,
        });
        ports[format!("pci/{pci}/131072")] = json!({
            "type": "eth", "netdev": representor, "flavour": "pcipf", "controller": 1, "pfnum": number, "external": true,
            "splittable": false, "function": { "hw_addr": mac },
        });
    }
    ports["pci/0000:03:00.0/131073"] = json!({
        "type": "eth", "netdev": "pf0vf0", "flavour": "pcivf", "controller": 1, "pfnum": 0, "vfnum": 0, "external": true,
        "splittable": false, "function": { "hw_addr": "00:00:00:00:00:00" },
    });
    place.write(&format!("{root}/commands/devlink-port.json"), json!({ "port": ports }).to_string());
    place.write(&format!("{root}/commands/ovs.json"), ovs(None));
}

/// As `ovs-vsctl` of Open vSwitch 3.1 printed it.
pub(crate) fn ovs(host: Option<&str>) -> String {
    let mut ids = vec![
        json!(["hostname", "bf-1"]),
        json!(["ovn-encap-ip", "192.168.1.7"]),
        json!(["ovn-encap-type", "geneve"]),
    ];
    ids.extend(host.map(|host| json!(["host-k8s-nodename", host])));
    let uuid = |number: u32| json!(["uuid", format!("98effbce-d64d-4418-b3cc-79064583241{number}")]);
    let tables: [Value; 3] = [
        json!({ "data": [[["map", ids], ["map", [["hw-offload", "true"]]]]], "headings": ["external_ids", "other_config"] }),
        json!({
            "data": [["br-int", "", uuid(1)], ["br-ex", "", ["set", [uuid(2), uuid(3), uuid(4)]]]],
            "headings": ["name", "datapath_type", "ports"],
        }),
        json!({
            "data": [[uuid(4), "pf0hpf"], [uuid(2), "p0"], [uuid(3), "br-ex"], [uuid(1), "br-int"]],
            "headings": ["_uuid", "name"],
        }),
    ];
    tables.map(|table| table.to_string() + "\n").concat()
}
