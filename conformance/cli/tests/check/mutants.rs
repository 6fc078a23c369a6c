//! The suite on plugins that are broken on purpose: it finds what is wrong with them.
//!
//! Each is one of ours with a script in front that spoils one thing. With a script that spoils nothing the same checks
//! pass, so what they find is the mutation.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use anyhow::{Context, Result, ensure};
use testkit::binaries::plugin;

use super::{Report, put};

/// A mutation: what it is, the script, the checks that fail because of it.
type Mutant = (&'static str, &'static str, &'static [u64]);

/// What every script begins with. A plugin's environment has no PATH; setting one here does not export it.
const PRELUDE: &str = r#"#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
# spoil SED-SCRIPT: changes what the plugin prints.
spoil() {
  said=$("$real")
  status=$?
  [ -z "$said" ] || printf '%s\n' "$said" | sed "$1"
  exit $status
}
# fail VERB CODE: fails there.
fail() { [ "$CNI_COMMAND" != "$1" ] || { echo '{"cniVersion":"1.1.0","msg":"x","code":'$2'}'; exit 1; }; }
# read_conf: reads the input into $conf, for pass_on.
read_conf() { conf=$(cat; echo .); conf=${conf%.}; }
pass_on() { printf %s "$conf" | $real; exit; }
# As one that expects it whole.
read_conf_at_once() { conf=$(dd bs=65536 count=1 2>/dev/null; echo .); conf=${conf%.}; }
in_container() { nsenter --net="$CNI_NETNS" "$@"; }
"#;

/// Of the placeholder: how a plugin behaves as a process, what it reads, and the placeholder's own checks.
const PLACEHOLDERS: &[Mutant] = &[
    ("waits for the end of its input", "cat > /dev/null; $real < /dev/null; exit", &[10, 11]),
    ("prints twice", "spoil p", &[2, 3, 53, 67, 68, 142, 144]),
    (
        "prints a log line",
        "[ $CNI_COMMAND = VERSION ] || echo note; exec $real",
        &[2, 5, 118, 123, 130, 143, 147, 149],
    ),
    ("prints errors without a version", r#"spoil 's/"cniVersion":"[^"]*","code"/"code"/'"#, &[4]),
    ("prints codes as strings", r#"spoil 's/"code":\([0-9]*\)/"code":"\1"/'"#, &[3, 22, 53, 144]),
    ("prints bytes that are no UTF-8", r#"spoil 's/"msg":"/&\xff/'"#, &[2]),
    ("always succeeds", "$real; exit 0", &[2, 7, 14, 19, 22, 39, 53, 138, 144]),
    ("hangs in pods", "[ -z $CNI_NETNS ] || sleep 9; exec $real", &[2, 13, 22, 152]),
    ("leaves a process behind", "setsid sleep 3 > /dev/null 2>&1 & exec $real", &[1]),
    ("writes into its directory", "touch $CNI_PATH/stamp; exec $real", &[12]),
    ("cannot work in /", "[ $PWD != / ] && exec $real", &[141]),
    ("needs stderr", "echo note >&2 || exit 9; exec $real", &[8]),
    (
        "succeeds at what it does not know",
        "case $CNI_COMMAND in ADD | DEL | CHECK | STATUS | GC | VERSION) exec $real ;; esac",
        &[17, 18, 19, 20, 21],
    ),
    ("takes verbs in any case", "export CNI_COMMAND=$(echo $CNI_COMMAND | tr a-z A-Z); exec $real", &[20]),
    (
        "makes up what is missing",
        "export CNI_CONTAINERID=x CNI_NETNS=/nowhere CNI_IFNAME=eth0; exec $real",
        &[22, 24, 25, 26, 39, 41, 42, 43, 45, 46, 47, 48],
    ),
    (
        "ignores what it reads",
        r#"case $CNI_COMMAND in ADD | CHECK) ;; *) exec $real ;; esac
           echo '{"cniVersion":"1.1.0","name":"x","type":"x"}' | $real; exit"#,
        &[49, 50, 51, 52, 53, 54, 55, 56, 57, 59, 64, 72, 145],
    ),
    (
        "wants CNI_ARGS as CRI-O writes it",
        r"case $CNI_ARGS in *K8S_POD_UID=*-uid) ;; *) fail ADD 5 ;; esac; exec $real",
        &[34, 35, 36, 37, 38],
    ),
    ("wants few variables", "[ $(env | wc -l) -lt 99 ] || fail ADD 5; exec $real", &[15]),
    ("wants CNI_PATH", "[ $CNI_PATH ] && exec $real", &[23, 32, 33]),
    ("wants to be where it was installed", "case $0 in */bin/*) exec $real ;; esac", &[16]),
    (
        "wants short names",
        "[ ${#CNI_CONTAINERID} -lt 64 ] && [ ${#CNI_IFNAME} -lt 15 ] || fail ADD 4; exec $real",
        &[40, 44],
    ),
    ("looks at a container in GC", "[ x$CNI_CONTAINERID != x- ] || fail GC 4; exec $real", &[31]),
    ("looks for the namespace", "[ -e \"$CNI_NETNS\" ] || fail ADD 8; exec $real", &[85, 146]),
    ("never works in its own", "[ \"$CNI_NETNS\" != /proc/self/ns/net ] || fail ADD 8; exec $real", &[82]),
    (
        "refuses keys",
        "read_conf; case $conf in *conformance* | *foo*) fail ADD 5 ;; esac; pass_on",
        &[9, 58, 60, 61, 137],
    ),
    (
        "wants a version that it knows",
        r#"read_conf; case $conf in *'"cniVersion":"'[01].*) ;; *) fail ADD 5; fail DEL 1 ;; esac; pass_on"#,
        &[65, 80, 147],
    ),
    (
        "does not take what it lists",
        r#"read_conf; case $conf in *'"0.4.0"'*) fail ADD 1; fail CHECK 1 ;; esac; pass_on"#,
        &[71, 74, 144],
    ),
    (
        "takes every version for its newest",
        r#"sed 's/"cniVersion":"[^"]*"/"cniVersion":"1.1.0"/' | $real; exit"#,
        &[72, 73, 76, 77, 78],
    ),
    ("lists no 0.4.0", r#"spoil 's/"0.4.0",//'"#, &[142, 151]),
    ("has another code in CHECK", "fail CHECK 5; exec $real", &[148]),
    ("lists no version", r#"spoil 's/"supportedVersions":.*]/"supportedVersions":[]/'"#, &[66, 68, 142]),
    ("lists a version twice", r#"spoil 's/"0.3.0",/&&/'"#, &[69]),
    ("lists other versions each time", r#"spoil "s/\"0.1.0\"/\"0.1.$$\"/""#, &[70]),
    ("is never ready", "fail STATUS 50; exec $real", &[118, 121, 143]),
    ("cannot delete", "fail DEL 5; exec $real", &[101, 102, 103, 104, 105, 107, 132, 147]),
    ("cannot collect garbage", "fail GC 5; exec $real", &[123, 124, 125, 126, 130, 149]),
    (
        "wants a namespace for everything",
        "[ $CNI_NETNS ] || fail DEL 4; [ $CNI_NETNS ] || fail GC 4; exec $real",
        &[28, 29, 30],
    ),
    ("wants a retry", r#"spoil 's/"code":100/"code":11/'"#, &[144]),
    ("does not say what to do", r#"spoil 's/"msg":"[^}]*"/"msg":"no"/'"#, &[19, 22, 144]),
    ("says what kubelet waits for", r#"spoil 's/"msg":"/&network is not ready: /'"#, &[138]),
    ("looks at interfaces", "ip link > /dev/null; exec $real", &[146]),
    ("enters the container", "in_container true; exec $real", &[146]),
    (
        "crashes on odd keys",
        "read_conf; case $conf in *conformance-again* | *CNIVersion*) kill -SEGV $$ ;; esac; pass_on",
        &[62, 63],
    ),
    ("wants few words of its environment", "[ -z \"${TRACEPARENT+x}\" ] || fail ADD 5; exec $real", &[153]),
    ("reads what comes at once", "read_conf_at_once; pass_on", &[158]),
    ("wants many descriptors", "[ $(ulimit -n) -gt 64 ] || exit 9; exec $real", &[159]),
    ("takes its caller's pod for its own", "[ -z $CNI_CONTAINERID ] || fail STATUS 4; exec $real", &[161]),
    ("crashes on odd names", "case $CNI_IFNAME in *.*) kill -SEGV $$ ;; esac; exec $real", &[45, 152]),
];

/// Of `dpu-host`: what an attachment is, and what becomes of it.
const HOSTS: &[Mutant] = &[
    (
        "results that are not so",
        r#"spoil 's/"cniVersion":"[^"]*"/"cniVersion":"1.0.0"/; s/"sandbox":/"mtu":9,"was":/'"#,
        &[88, 92, 93, 135],
    ),
    ("results with a family after its time", r#"spoil 's/"address":/"version":"4",&/'"#, &[91]),
    ("results behind a note", "[ $CNI_COMMAND != ADD ] || echo note; exec $real", &[6, 88]),
    ("results without addresses", r#"spoil 's/"address":"/&x/; s/"mac":"[^"]*",//'"#, &[94, 95]),
    (
        "results of no family, and another MAC",
        r#"spoil 's/"version":"[46]",*//; s/"mac":"..:../"mac":"0e:0e/'"#,
        &[90, 96],
    ),
    ("everybody's address", r#"spoil 's/"address":"[0-9.]*/"address":"192.0.2.1/'"#, &[96, 131]),
    (
        "verbs that do nothing",
        "case $CNI_COMMAND in DEL | CHECK | STATUS | GC) exit 0 ;; esac; exec $real",
        &[27, 75, 110, 113, 114, 116, 119, 127, 128, 133],
    ),
    ("wants no link for a namespace", "case $CNI_NETNS in */link) fail ADD 8 ;; esac; exec $real", &[87]),
    (
        "makes room in the container, and rubbish in the host",
        "[ $CNI_COMMAND != ADD ] || { in_container ip link del $CNI_IFNAME; ip link add r$$ type veth; }; exec $real",
        &[97, 100, 107],
    ),
    (
        "CHECK that mends",
        "[ $CNI_COMMAND != CHECK ] || in_container ip link set $CNI_IFNAME mtu 1280; exec $real",
        &[117],
    ),
    (
        "CHECK that wants the routes it has made",
        "[ $CNI_COMMAND != CHECK ] || in_container ip route | (! grep -q 198) && exec $real",
        &[115],
    ),
    ("CHECK that is never content", "fail CHECK 5; exec $real", &[112, 115, 134]),
    (
        "DEL that wants its namespace",
        "[ $CNI_COMMAND != DEL ] || [ -e \"$CNI_NETNS\" ] && exec $real",
        &[28, 103],
    ),
    (
        "DEL that wants its device",
        "[ $CNI_COMMAND != DEL ] || in_container ip link show $CNI_IFNAME && exec $real",
        &[101, 102, 105, 106],
    ),
    (
        "DEL that fails without a word when its server is down",
        "[ $CNI_COMMAND != DEL ] || [ -S $DPU_CNI_ROOT/run/ovn-kubernetes/cni/ovn-cni-server.sock ] && exec $real",
        &[109],
    ),
    (
        "DEL of everybody",
        "case $CNI_COMMAND in ADD) echo $CNI_NETNS >> $DPU_CNI_ROOT/all ;; DEL)
           for pod in $(cat $DPU_CNI_ROOT/all); do nsenter --net=$pod ip link set $CNI_IFNAME down; done ;;
         esac; exec $real",
        &[108],
    ),
    (
        "ADD that does not mind who hears",
        "[ $CNI_COMMAND != ADD ] || { $real > $DPU_CNI_ROOT/said; cat $DPU_CNI_ROOT/said; exit 1; }; exec $real",
        &[154],
    ),
    (
        "DEL of whoever came last",
        "case $CNI_COMMAND in ADD) echo $CNI_NETNS > $DPU_CNI_ROOT/last ;; DEL)
           nsenter --net=$(cat $DPU_CNI_ROOT/last) ip link set $CNI_IFNAME down ;;
         esac; exec $real",
        &[155],
    ),
    (
        "CHECK that looks at little",
        "[ $CNI_COMMAND = CHECK ] && in_container ip link show $CNI_IFNAME > /dev/null && exit; exec $real",
        &[156],
    ),
    (
        "DEL that wants its network",
        "read_conf; case $conf in *conformance-renamed*) fail DEL 5 ;; esac; pass_on",
        &[157],
    ),
    (
        "wants a namespace of its own user's",
        "[ $CNI_COMMAND != ADD ] || nsenter --user=${CNI_NETNS%net}user true && fail ADD 5; exec $real",
        &[160],
    ),
    ("DEL that takes its time", "[ $CNI_COMMAND != DEL ] || sleep 2; exec $real", &[111]),
];

#[test]
fn of_the_placeholder_are_found() {
    find_all("dpu-nic-placeholder", PLACEHOLDERS, &["--profile", "placeholder"], "3").unwrap();
}

#[test]
fn of_dpu_host_are_found() {
    find_all("dpu-host", HOSTS, &["--profile", "interface", "--setup", "simulated-node"], PATIENCE).unwrap();
}

/// Seconds that a call may take which is to succeed, on however busy a machine.
const PATIENCE: &str = "30";

/// `hang` is how many seconds a mutant may take that hangs.
fn find_all(name: &str, mutants: &[Mutant], args: &[&str], hang: &str) -> Result<()> {
    let all: BTreeSet<u64> = mutants.iter().flat_map(|(_, _, finds)| finds.iter().copied()).collect();
    let none = failures(name, "exec $real", &[args, &["--timeout", PATIENCE]].concat(), &all)?;
    ensure!(none.is_empty(), "found without a mutation: {none:#?}");
    let args = [args, &["--timeout", hang]].concat();
    let mut missed = Vec::new();
    for (what, mutation, finds) in mutants {
        let wanted: BTreeSet<u64> = finds.iter().copied().collect();
        let found = failures(name, mutation, &args, &wanted).context(*what)?;
        let not: Vec<_> = wanted.difference(&found).collect();
        if !not.is_empty() {
            missed.push(format!("{what}: not found by {not:?}"));
        }
    }
    ensure!(missed.is_empty(), "{missed:#?}");
    Ok(())
}

/// Which of these checks fail on the plugin with this script in front.
fn failures(name: &str, mutation: &str, args: &[&str], only: &BTreeSet<u64>) -> Result<BTreeSet<u64>> {
    let dir = tempfile::tempdir()?;
    let mutant = dir.path().join(name);
    put(&mutant, &format!("{PRELUDE}real='{}'\n{mutation}\n", plugin(name)?.display()))?;
    let only: Vec<String> = only.iter().map(u64::to_string).collect();
    let only = only.join(",");
    let common = ["--random", "500", "--only", &only, "--plugin"].map(OsStr::new);
    let report = Report::of(args.iter().map(OsStr::new).chain(common).chain([mutant.as_os_str()]))?;
    Ok(report.failed())
}
