//! What an inventory says of a host and of a card, and of what it could not read.

pub(crate) mod trees;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use serde_json::{Value, json};

use self::trees::{BOARD, card, device, host, ovs};
use crate::support::{Place, Ran};

/// The document, which there always is.
fn read(place: &Place, root: &str) -> Value {
    let ran = place.run(&["inventory", "--root", root]).ok();
    serde_json::from_str(&ran.out).expect("JSON")
}

/// What could not be read, a line each.
fn unread(document: &Value) -> Vec<String> {
    let text = |fault: &Value| {
        format!("{}: {}", fault["why"].as_str().expect("why"), fault["remedy"].as_str().expect("a remedy"))
    };
    let lines: Vec<String> = document["unread"].as_array().expect("a list").iter().map(text).collect();
    assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:#?}");
    lines
}

#[test]
fn a_host_is_its_functions_and_their_vfs() {
    let place = Place::new();
    host(&place, "host", "Worker-1.example.com", &BOARD);
    let document = read(&place, "host");
    assert_eq!(document["node"], "worker-1.example.com", "as a kubelet takes it");
    assert_eq!((&document["product"], &document["card"]), (&json!("PowerEdge R750"), &Value::Null));
    let functions = document["functions"].as_array().expect("a list");
    assert_eq!(functions.len(), 2, "neither VFs nor a card without any: {document:#}");
    assert_eq!(
        functions[0],
        json!({
            "pci": "0000:3b:00.0", "vendor": "15b3", "device": "a2d6", "driver": "mlx5_core", "netdev": "ens1f0",
            "mac": "0c:42:a1:00:00:10", "permanentMac": "0c:42:a1:00:00:10", "serial": "MT2050X00001", "totalVfs": 16,
            "vfs": [
                { "pci": "0000:3b:00.2", "driver": "mlx5_core", "netdev": "ens1f0v0" },
                { "pci": "0000:3b:00.3", "driver": "vfio-pci", "netdev": null },
            ],
            "firmware": null,
        })
    );
    let lines = unread(&document);
    assert_eq!(lines.len(), 2, "the firmware's modes alone: {lines:#?}");
    assert!(lines[0].ends_with("keep there what `mstconfig -e -d 0000:3b:00.0 q` says"), "{lines:#?}");
    fs::remove_file(place.path("host/sys/class/dmi/id/product_name")).expect("removed");
    let lines = unread(&read(&place, "host"));
    assert!(lines[2].contains("commands/devlink-port.json"), "it may be a card: {lines:#?}");
}

#[test]
fn a_card_is_its_ports_switch_and_bridges() {
    let place = Place::new();
    card(&place, "card", "bf-1", &BOARD);
    place.write("card/commands/ovs.json", ovs(Some("worker-1")));
    let document = read(&place, "card");
    assert_eq!(document["functions"][0]["netdev"], "p0", "not a representor");
    let card = &document["card"];
    assert_eq!(card["eswitch"], json!({ "0000:03:00.0": "switchdev", "0000:03:00.1": "switchdev" }));
    let ports = card["ports"].as_array().expect("a list");
    let host = ports.iter().find(|port| port["netdev"] == "pf0hpf").expect("the host's");
    assert_eq!(
        *host,
        json!({
            "name": "pci/0000:03:00.0/131072", "netdev": "pf0hpf", "flavour": "pcipf", "controller": 1, "pf": 0, "vf": null,
            "external": true, "hwAddr": "0c:42:a1:00:00:10",
        })
    );
    let vf = ports.iter().find(|port| port["netdev"] == "pf0vf0").expect("the VF's");
    assert_eq!((&vf["vf"], &vf["hwAddr"]), (&json!(0), &Value::Null), "all zero is none");
    assert_eq!(card["ovs"]["externalIds"]["host-k8s-nodename"], "worker-1");
    assert_eq!(card["ovs"]["externalIds"]["ovn-encap-ip"], "192.168.1.7");
    assert_eq!(card["ovs"]["otherConfig"], json!({ "hw-offload": "true" }));
    let bridges = json!([
        { "name": "br-ex", "datapath": "", "ports": ["br-ex", "p0", "pf0hpf"] },
        { "name": "br-int", "datapath": "", "ports": ["br-int"] },
    ]);
    assert_eq!(card["ovs"]["bridges"], bridges);
}

#[test]
fn without_devlink_sysfs_stands_in() {
    let place = Place::new();
    card(&place, "card", "bf-1", &BOARD);
    fs::remove_dir_all(place.path("card/commands")).expect("removed");
    let document = read(&place, "card");
    let ports = document["card"]["ports"].as_array().expect("a list");
    let seen: Vec<(&Value, &Value)> = ports.iter().map(|port| (&port["netdev"], &port["hwAddr"])).collect();
    let expected =
        [("pf0hpf", BOARD.macs[0]), ("pf1hpf", BOARD.macs[1])].map(|(name, mac)| (json!(name), json!(mac)));
    assert_eq!(seen, expected.iter().map(|(name, mac)| (name, mac)).collect::<Vec<_>>());
    assert_eq!(document["card"]["eswitch"]["0000:03:00.0"], "switchdev");
    assert_eq!(document["card"]["ovs"], Value::Null);
    let lines = unread(&document);
    assert!(
        lines.iter().any(|line| line.contains("commands/devlink-port.json cannot be read")),
        "{lines:#?}"
    );
    assert!(lines.iter().any(|line| line.contains("commands/ovs.json cannot be read")), "{lines:#?}");
}

#[test]
fn a_permanent_address_outlives_another_one() {
    let place = Place::new();
    host(&place, "host", "worker-1", &BOARD);
    let netdev = format!("{}/net/ens1f0", device("host", "0000:3b:00.0"));
    place.write(&format!("{netdev}/address"), "02:aa:00:00:00:01\n");
    place.write(&format!("{netdev}/addr_assign_type"), "3\n");
    let document = read(&place, "host");
    assert_eq!(document["functions"][0]["permanentMac"], Value::Null, "not known");
    place.write(&format!("{}/net/ens1f1/addr_assign_type", device("host", "0000:3b:00.1")), "3\n");
    let lines = unread(&read(&place, "host"));
    let asked = lines.iter().filter(|line| line.contains("commands/ip-link.json cannot be read"));
    assert_eq!(asked.count(), 1, "once for both: {lines:#?}");
    let link = json!([{ "ifname": "lo" }, { "ifname": "ens1f0", "address": "02:aa:00:00:00:01", "permaddr": BOARD.macs[0] }]);
    place.write("host/commands/ip-link.json", link.to_string());
    let document = read(&place, "host");
    assert_eq!(document["functions"][0]["mac"], "02:aa:00:00:00:01");
    assert_eq!(document["functions"][0]["permanentMac"], BOARD.macs[0]);
}

#[test]
fn the_firmware_says_who_has_the_switch() {
    let place = Place::new();
    host(&place, "host", "worker-1", &BOARD);
    let keys = "\
Device #1:

Configurations:                      Default            Current            Next Boot
        INTERNAL_CPU_MODEL           EMBEDDED_CPU(1)    EMBEDDED_CPU(1)    EMBEDDED_CPU(1)
        INTERNAL_CPU_PAGE_SUPPLIER   ECPF(0)            ECPF(0)            EXT_HOST_PF(1)
        INTERNAL_CPU_ESWITCH_MANAGER ECPF(0)            ECPF(0)            EXT_HOST_PF(1)
        INTERNAL_CPU_IB_VPORT0       ECPF(0)            ECPF(0)            EXT_HOST_PF(1)
*       INTERNAL_CPU_OFFLOAD_ENGINE  ENABLED(0)         ENABLED(0)         DISABLED(1)
        NUM_OF_VFS                   16                 16                 16
";
    place.write("host/commands/mstconfig-0000:3b:00.0.txt", keys);
    place.write("host/commands/mstconfig-0000:3b:00.1.txt", "-E- Failed to open the device\n");
    let document = read(&place, "host");
    let firmware = &document["functions"][0]["firmware"];
    assert_eq!((&firmware["mode"], &firmware["nextMode"]), (&json!("dpu"), &json!("nic")));
    assert_eq!(firmware["numOfVfs"], 16);
    assert_eq!(firmware["pending"].as_array().map(Vec::len), Some(4), "{firmware}");
    let lines = unread(&document);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("0000:3b:00.1 q` says cannot be read (no table of keys)"), "{lines:#?}");
}

/// Each is a line of `unread`, and hides nothing else.
#[test]
fn garbled_files_are_named_and_no_more() {
    let path = |name: &str| format!("{}/{name}", device("card", "0000:03:00.0"));
    let commands = |name: &str| format!("card/commands/{name}");
    let cases: [(String, Vec<u8>, &str); 9] = [
        (path("vpd"), b"\x82\xff\xffB".to_vec(), "0000:03:00.0 cannot be read (it ends too early)"),
        (path("vpd"), vec![0x78; 100_000], "0000:03:00.0 cannot be read (more than 32768 bytes)"),
        (path("vpd"), Vec::new(), "0000:03:00.0 cannot be read (it ends too early)"),
        (
            commands("devlink-port.json"),
            b"{\"port\": {\"pci/0\": {\"controller\": \"one\"}}}".to_vec(),
            "invalid type: string \"one\", expected u32",
        ),
        (commands("devlink-port.json"), vec![b'['; 100_000], "recursion limit"),
        (commands("devlink-port.json"), vec![0xff; 9], "`devlink -j port show` says cannot be read"),
        (
            commands("ovs.json"),
            b"{\"headings\": [\"external_ids\", \"other_config\"], \"data\": [[7, 7]]}".to_vec(),
            "external_ids: invalid type",
        ),
        (commands("ovs.json"), b"{}".to_vec(), "missing field `headings`"),
        (
            commands("devlink-eswitch-0000:03:00.0.json"),
            b"{\"dev\": []}".to_vec(),
            "invalid type: sequence, expected a map",
        ),
    ];
    for (file, bytes, why) in cases {
        let place = Place::new();
        card(&place, "card", "bf-1", &BOARD);
        for pci in ["0000:03:00.0", "0000:03:00.1"] {
            let keys = "INTERNAL_CPU_MODEL EMBEDDED_CPU(1) EMBEDDED_CPU(1) EMBEDDED_CPU(1)\n";
            place.write(&commands(&format!("mstconfig-{pci}.txt")), keys);
        }
        assert_eq!(unread(&read(&place, "card")), Vec::<String>::new());
        // Else it stands in for devlink.
        fs::remove_file(place.path("card/sys/class/net/p0/phys_switch_id")).expect("removed");
        place.write(&file, bytes);
        let document = read(&place, "card");
        let lines = unread(&document);
        assert_eq!(lines.len(), 1, "{file}: {lines:#?}");
        assert!(lines[0].contains(why), "{file}: {lines:#?}");
        let hosts = document["card"]["ports"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|port| port["flavour"] == "pcipf");
        assert_eq!(hosts.count(), 2, "{file}");
    }
}

/// An archive must not make us read this machine's files, nor wait for what never comes.
#[test]
fn a_copy_is_not_left() {
    let place = Place::new();
    host(&place, "host", "worker-1", &BOARD);
    let outside = place.write("outside", trees::vpd("SECRET"));
    for pci in ["0000:3b:00.0", "0000:3b:00.1"] {
        fs::remove_file(place.path(&format!("{}/vpd", device("host", pci)))).expect("removed");
    }
    symlink(outside, place.path(&format!("{}/vpd", device("host", "0000:3b:00.0")))).expect("a link");
    let pipe = place.path(&format!("{}/vpd", device("host", "0000:3b:00.1")));
    assert!(Command::new("mkfifo").arg(pipe).status().expect("mkfifo runs").success());
    let document = read(&place, "host");
    let lines = unread(&document);
    assert!(lines.iter().any(|line| line.contains("(a link that leads out of the directory)")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("(no file)")), "{lines:#?}");
}

/// `tar` takes as many bytes as sysfs says that there are, and fills up with zeros.
#[test]
fn a_copy_made_with_tar_is_read() {
    let place = Place::new();
    host(&place, "host", "worker-1", &BOARD);
    for name in
        ["class", "vendor", "device", "sriov_totalvfs", "net/ens1f0/address", "net/ens1f0/addr_assign_type"]
    {
        let path = format!("{}/{name}", device("host", "0000:3b:00.0"));
        let mut bytes = place.read(&path).into_bytes();
        bytes.resize(4096, 0);
        place.write(&path, bytes);
    }
    let document = read(&place, "host");
    assert_eq!(document["functions"][0]["permanentMac"], BOARD.macs[0]);
    assert_eq!(document["functions"][0]["totalVfs"], 16);
}

#[test]
fn a_node_has_a_name_or_is_refused() {
    let place = Place::new();
    fs::create_dir(place.path("empty")).expect("a directory");
    let refused = |arguments: &[&str], why: &str| {
        let ran = place.run(&[&["inventory", "--root"], arguments].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert_eq!(ran.err, format!("refused: {why}\n"));
    };
    refused(&["empty"], "\"\" cannot be the name of a node: say it with --node");
    refused(
        &["empty", "--node", "$(reboot)"],
        "\"$(reboot)\" cannot be the name of a node: say it with --node",
    );
    refused(&["gone"], "gone is no directory: name one with --root");
    let ran = place.run(&["inventory", "--root", "empty", "--node", "worker-7"]).ok();
    assert!(ran.out.contains("\"node\": \"worker-7\""), "{}", ran.out);
}

/// On a card the commands are run; one that fails is quoted.
#[test]
fn on_the_node_itself_commands_are_run() {
    let place = Place::new();
    card(&place, "card", "bf-1", &BOARD);
    let ports = place.path("card/commands/devlink-port.json");
    let devlink = format!("#!/bin/sh\n[ \"$*\" = '-j port show' ] && exec cat {}\n", ports.display());
    for (name, text) in [
        ("devlink", devlink.as_str()),
        ("ovs-vsctl", "#!/bin/sh\necho 'database connection failed' >&2\nexit 1\n"),
    ] {
        let path = place.write(&format!("bin/{name}"), text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut program = Command::new(env!("CARGO_BIN_EXE_dpu-cni"));
    let ran: Ran = program
        .args(["inventory", "--node", "bf-1"])
        .env("PATH", path)
        .output()
        .expect("the program runs")
        .into();
    let document: Value = serde_json::from_str(&ran.ok().out).expect("JSON");
    let ports = document["card"]["ports"].as_array().expect("a card's ports");
    assert!(ports.iter().any(|port| port["hwAddr"] == BOARD.macs[0]), "{document:#}");
    let lines = unread(&document);
    assert!(
        lines.iter().any(|line| line.contains("ovs-vsctl") && line.contains("(database connection failed)")),
        "{lines:#?}"
    );
}
