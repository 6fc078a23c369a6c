//! Which network wins on a node, by the rules of its runtime.

use std::fs;

use crate::support::Place;

const CRIO: &str = "root/etc/crio/crio.conf";
const CONTAINERD: &str = "root/etc/containerd/config.toml";
const NETWORKS: &str = "root/etc/cni/net.d";
const GOOD: &str = r#"{"cniVersion":"1.0.0","name":"good","plugins":[{"type":"good"}]}"#;

/// A node with plugins in `/opt/cni/bin`, a runtime's configuration, and networks by their names.
fn node(config: &str, text: &str, networks: &[(&str, &str)]) -> Place {
    let place = Place::new();
    place.write(config, text);
    for plugin in ["good", "other", "loopback"] {
        place.write(&format!("root/opt/cni/bin/{plugin}"), "a program");
    }
    for (name, text) in networks {
        place.write(&format!("{NETWORKS}/{name}"), text);
    }
    place
}

/// What an audit says of a topic.
fn said(place: &Place, topic: &str) -> Vec<String> {
    let ran = place.run(&["audit", "--root", "root"]);
    let of = |line: &&str| line.split_whitespace().nth(1) == Some(topic);
    ran.out.lines().filter(of).map(str::to_owned).collect()
}

fn has(lines: &[String], words: &str) {
    assert!(lines.iter().any(|line| line.contains(words)), "'{words}' is not in {lines:#?}");
}

/// CRI-O and containerd on the same first file, which is one of the table, and a good second one.
fn first(name: &str, text: &str) -> [Vec<String>; 2] {
    [CRIO, CONTAINERD]
        .map(|config| said(&node(config, "", &[(name, text), ("20-good.conflist", GOOD)]), "network"))
}

#[test]
fn a_file_that_libcni_does_not_take() {
    let table = [
        ("10-a.conflist", "{"),
        ("10-a.conflist", "[]"),
        ("10-a.conflist", r#"{"cniVersion":"1.0.0","plugins":[{"type":"other"}]}"#),
        ("10-a.conflist", r#"{"name":1,"plugins":[{"type":"other"}]}"#),
        ("10-a.conflist", r#"{"cniVersion":1,"name":"a","plugins":[{"type":"other"}]}"#),
        ("10-a.conflist", r#"{"cniVersions":"1.0.0","name":"a","plugins":[{"type":"other"}]}"#),
        ("10-a.conflist", r#"{"cniVersions":["one"],"name":"a","plugins":[{"type":"other"}]}"#),
        (
            "10-a.conflist",
            r#"{"cniVersions":["1.0.0"],"cniVersion":"1.0.0.0","name":"a","plugins":[{"type":"other"}]}"#,
        ),
        ("10-a.conflist", r#"{"disableCheck":"no","name":"a","plugins":[{"type":"other"}]}"#),
        ("10-a.conflist", r#"{"disableGC":1,"name":"a","plugins":[{"type":"other"}]}"#),
        ("10-a.conflist", r#"{"loadOnlyInlinedPlugins":true,"name":"a"}"#),
        ("10-a.conflist", r#"{"name":"a"}"#),
        ("10-a.conflist", r#"{"name":"a","plugins":{"type":"other"}}"#),
        ("10-a.conflist", r#"{"name":"a","plugins":[]}"#),
        ("10-a.conflist", r#"{"name":"a","plugins":[{"name":"other"}]}"#),
        ("10-a.conflist", r#"{"name":"a","plugins":[{"type":"other"},{"type":""}]}"#),
        ("10-a.conflist", r#"{"name":"a","plugins":[{"type":"other","capabilities":{"mac":"yes"}}]}"#),
        ("10-a.conflist", r#"{"name":"a","plugins":[{"type":"other","ipam":[]}]}"#),
        ("10-a.conflist", r#"{"name":"a","type":"other"}"#),
        ("10-a.conf", r#"{"name":"a","plugins":[{"type":"other"}]}"#),
        ("10-a.json", r#"{"name":["a"],"type":"other"}"#),
    ];
    for (name, text) in table {
        let [crio, containerd] = first(name, text);
        has(&crio, &format!("/etc/cni/net.d/{name} is skipped by CRI-O"));
        has(&crio, "20-good.conflist wins: network good");
        has(&containerd, &format!("/etc/cni/net.d/{name} is unusable"));
        assert!(!containerd.iter().any(|line| line.contains("wins")), "{text}: {containerd:#?}");
    }
}

#[test]
fn a_file_that_libcni_takes() {
    let table = [
        ("10-a.conflist", r#"{"name":"a","plugins":[{"type":"other"}]}"#, "network a, plugin other"),
        (
            "10-a.conflist",
            r#"{"name":"","plugins":[{"type":"other"}]}"#,
            "network 10-a.conflist, plugin other",
        ),
        ("10-a.conf", r#"{"type":"other"}"#, "network 10-a.conf, plugin other"),
        ("10-a.json", r#"{"name":"a","Type":"other"}"#, "network a, plugin other"),
        (
            "10-a.conf",
            r#"{"name":"a","type":"other","ipam":{},"dns":{},"capabilities":{"mac":true}}"#,
            "network a",
        ),
        ("10-a.conflist", r#"{"disableCheck":"TRUE","name":"a","plugins":[{"type":"other"}]}"#, "network a"),
        (
            "10-a.conflist",
            r#"{"cniVersion":"0.4.0","cniVersions":["9.0.0","1.1.0"],"name":"a","plugins":[{"type":"other"}]}"#,
            "network a",
        ),
        (
            "10-a.conflist",
            r#"{"name":"a","plugins":[{"type":"other"},{"type":"good"}]}"#,
            "plugin other + good",
        ),
    ];
    for (name, text, words) in table {
        for lines in first(name, text) {
            has(&lines, &format!("/etc/cni/net.d/{name} wins: "));
            has(&lines, words);
        }
    }
    for name in ["10-a.yaml", "10-a", "10-a.conflist.bak", "10-a.CONF"] {
        for lines in first(name, r#"{"name":"a","type":"other"}"#) {
            has(&lines, "20-good.conflist wins");
        }
    }
}

#[test]
fn a_plugin_that_is_missing_or_does_not_answer() {
    let [crio, containerd] = first("10-a.conf", r#"{"name":"a","type":"gone"}"#);
    has(&crio, "10-a.conf is skipped: its plugin gone is not in /opt/cni/bin");
    has(&crio, "20-good.conflist wins");
    has(&containerd, "10-a.conf counts though its plugin gone is not in /opt/cni/bin: no pod starts");
    has(&containerd, "10-a.conf wins");
    let [crio, containerd] = first("10-a.conf", r#"{"cniVersion":"9.0.0","name":"a","type":"other"}"#);
    has(&crio, "10-a.conf is skipped by CRI-O (no plugin supports its cniVersion 9.0.0)");
    has(&containerd, "10-a.conf wins");
}

#[test]
fn directories_are_no_files() {
    for config in [CRIO, CONTAINERD] {
        let place = node(config, "", &[("20-good.conflist", GOOD)]);
        fs::create_dir(place.path(&format!("{NETWORKS}/10-a.conf"))).expect("a directory");
        has(&said(&place, "network"), "20-good.conflist wins");
        fs::remove_file(place.path("root/opt/cni/bin/good")).expect("removed");
        fs::create_dir(place.path("root/opt/cni/bin/good")).expect("a directory");
        has(&said(&place, "network"), "plugin good is not in /opt/cni/bin");
    }
}

#[test]
fn a_folder_of_the_networks_name_adds_plugins() {
    let more = ("good/30-more.conf", r#"{"type":"other"}"#);
    let lines = said(&node(CRIO, "", &[("20-good.conflist", GOOD), more]), "network");
    has(&lines, "plugin good + other");
    let only = GOOD.replace("{\"cni", "{\"loadOnlyInlinedPlugins\":true,\"cni");
    let lines = said(&node(CRIO, "", &[("20-good.conflist", &only), more]), "network");
    assert!(lines[0].ends_with("plugin good"), "{lines:#?}");
    let none = r#"{"cniVersion":"1.0.0","name":"good"}"#;
    has(&said(&node(CRIO, "", &[("20-good.conflist", none), more]), "network"), "plugin other");
}

#[test]
fn drop_ins_of_crio() {
    let place = node(CRIO, "[crio.network]\nnetwork_dir = \"/a\"\nplugin_dirs = [\"/one\"]\n", &[]);
    place.write("root/etc/crio/crio.conf.d/10-a", "[crio.network]\nplugin_dirs = [\"/two\", \"/three\"]\n");
    place.write("root/etc/crio/crio.conf.d/20-b/x.toml", "[crio.network]\nnetwork_dir = \"/b/\"\n");
    place.write(
        "root/etc/crio/crio.conf.d/15-c.conf",
        "[crio.network]\nplugin_dir = \"/four\"\nnetwork_dir = \"/c\"\n",
    );
    has(&said(&place, "runtime"), "CRI-O reads /b and looks for plugins in /two, /three, /four");
    let bound = node(
        CRIO,
        "[crio.network]\ncni_default_network = \"other\"\n",
        &[
            ("10-good.conflist", GOOD),
            ("20-o.conf", r#"{"name":"other","type":"other"}"#),
            ("30-o.conf", r#"{"name":"other","type":"good"}"#),
        ],
    );
    has(&said(&bound, "network"), "20-o.conf wins: network other");
}

#[test]
fn versions_and_imports_of_containerd() {
    let cni = |section: &str, key: &str| format!("[plugins.{section}.cni]\n{key}\n");
    let table = [
        (cni("cri", "conf_dir = \"/x\""), "/x"),
        (format!("version = 1\n{}", cni("cri", "conf_dir = \"/x\"")), "/x"),
        (format!("version = 2\n{}", cni("\"io.containerd.grpc.v1.cri\"", "conf_dir = \"/x\"")), "/x"),
        (format!("version = 2\n{}", cni("cri", "conf_dir = \"/x\"")), "/etc/cni/net.d"),
        (format!("version = 3\n{}", cni("'io.containerd.cri.v1.runtime'", "conf_dir = \"/x\"")), "/x"),
        (format!("version = 3\n{}", cni("'io.containerd.grpc.v1.cri'", "conf_dir = \"/x\"")), "/x"),
        (format!("version = 4\n{}", cni("'io.containerd.cri.v1.runtime'", "conf_dir = \"/x\"")), "/x"),
        (
            format!("version = 4\n{}", cni("'io.containerd.grpc.v1.cri'", "conf_dir = \"/x\"")),
            "/etc/cni/net.d",
        ),
    ];
    for (text, directory) in table {
        let lines = said(&node(CONTAINERD, &text, &[]), "runtime");
        has(&lines, &format!("containerd reads {directory} and looks for plugins in /opt/cni/bin"));
    }
    has(&said(&node(CONTAINERD, "version = 5\n", &[]), "runtime"), "knows none above 4");

    let main = "version = 3\nimports = [\"conf.d/*.toml\", \"/etc/more.toml\"]\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nconf_dir = \"/main\"\nbin_dirs = [\"/bins\"]\n";
    let place = node(CONTAINERD, main, &[]);
    let import = |name: &str, text: &str| place.write(&format!("root/etc/{name}"), text);
    import(
        "containerd/conf.d/10-a.toml",
        "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nconf_dir = \"/a\"\n",
    );
    import(
        "containerd/conf.d/20-b.conf",
        "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nconf_dir = \"/b\"\n",
    );
    import("more.toml", "version = 2\nimports = [\"/etc/containerd/config.toml\"]\n");
    has(&said(&place, "runtime"), "containerd reads /a and looks for plugins in /bins");
    import("more.toml", "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nconf_dir = \"/more\"\n");
    has(&said(&place, "runtime"), "containerd reads /more and looks for plugins in /bins");
    fs::remove_file(place.path("root/etc/more.toml")).expect("removed");
    has(&said(&place, "runtime"), "error   runtime  /etc/more.toml: ");

    let main = "version = 2\nimports = [\"a.toml\"]\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nconf_dir = \"/main\"\n";
    let place = node(CONTAINERD, main, &[]);
    place.write(
        "root/etc/containerd/a.toml",
        "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nbin_dir = \"/bin\"\n",
    );
    let lines = said(&place, "runtime");
    has(&lines, "containerd 1, which is assumed here, takes the last");
    has(&lines, "containerd reads /etc/cni/net.d and looks for plugins in /bin");
}

#[test]
fn containerd_needs_a_loopback_and_takes_some_networks() {
    let many = |number: u8| {
        format!("version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nmax_conf_num = {number}\n")
    };
    let networks = [
        ("10-a.conf", r#"{"name":"a","type":"other"}"#),
        ("20-good.conflist", GOOD),
        ("30-broken.conf", "{"),
    ];
    let lines = said(&node(CONTAINERD, &many(2), &networks), "network");
    has(&lines, "20-good.conflist is every pod's too: network good");
    has(&lines, "10-a.conf wins");
    let all = said(&node(CONTAINERD, &many(0), &networks), "network");
    has(&all, "30-broken.conf is unusable");

    let place = node(CONTAINERD, "", &networks);
    fs::remove_file(place.path("root/opt/cni/bin/loopback")).expect("removed");
    has(&said(&place, "network"), "no plugin loopback in /opt/cni/bin: no pod starts");
    place.write(
        CONTAINERD,
        "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nuse_internal_loopback = true\n",
    );
    assert!(!said(&place, "network").iter().any(|line| line.contains("loopback")));
}
