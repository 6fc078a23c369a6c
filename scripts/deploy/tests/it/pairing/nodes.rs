//! Inventories of hosts and cards, as `inventory` writes them.

use serde_json::{Value, json};

/// A host with a function for each address.
pub(super) fn host(name: &str, serial: Option<&str>, macs: &[&str]) -> Value {
    let function = |(number, mac): (usize, &&str)| {
        json!({
            "pci": format!("0000:3b:00.{number}"), "vendor": "15b3", "device": "a2d6", "driver": "mlx5_core",
            "netdev": format!("ens1f{number}"), "mac": mac, "permanentMac": mac, "serial": serial, "totalVfs": 16, "vfs": [],
            "firmware": null,
        })
    };
    let functions: Vec<Value> = macs.iter().enumerate().map(function).collect();
    json!({
        "apiVersion": "dpu-cni/v1", "kind": "Inventory", "node": name, "product": "PowerEdge R750", "functions": functions,
        "card": null, "unread": [],
    })
}

/// A card with a host's function behind each address, and its idea of its host.
pub(super) fn card(name: &str, serial: Option<&str>, macs: &[&str], host: Option<&str>) -> Value {
    let port = |(number, mac): (usize, &&str)| {
        json!({
            "name": format!("pci/0000:03:00.{number}/131072"), "netdev": format!("pf{number}hpf"), "flavour": "pcipf",
            "controller": 1, "pf": number, "vf": null, "external": true, "hwAddr": mac,
        })
    };
    let mut ports: Vec<Value> = macs.iter().enumerate().map(port).collect();
    // Its own, which has nothing to do with a host.
    ports.push(json!({
        "name": "pci/0000:03:00.0/65535", "netdev": "p0", "flavour": "physical", "controller": null, "pf": null, "vf": null,
        "external": false, "hwAddr": null,
    }));
    let ids = host.map_or(json!({}), |host| json!({ "host-k8s-nodename": host }));
    let mut document = self::host(name, serial, &["0c:42:a1:ff:ff:01"]);
    document["functions"][0]["netdev"] = json!("p0");
    document["card"] = json!({
        "eswitch": { "0000:03:00.0": "switchdev" }, "ports": ports,
        "ovs": { "externalIds": ids, "otherConfig": {}, "bridges": [] },
    });
    document
}
