//! Container IDs and interface names, which become parts of file names and names of links.

use super::*;

/// Calls with these values of a variable, each of which must be refused, in one line, with nothing written anywhere.
fn refused_names(variable: &str, values: &[&str]) -> Result<()> {
    let node = Node::builder().start()?;
    let conf = node.conf_for(&node.vfs()[0]);
    let pod = node.pod("web", "web-0")?;
    let before = contents(node.root())?;
    for value in values {
        for verb in [Verb::Add, Verb::Del, Verb::Check] {
            let call = node.call(PLUGIN, verb)?.pod(&pod).env(variable, *value).conf(&conf);
            let (code, text) = call.run()?.error()?;
            assert_eq!(code, 4, "{value:?} {verb:?}: {text}");
            assert!(!text.contains('\n'), "{text:?}");
        }
    }
    assert_eq!(contents(node.root())?, before);
    Ok(())
}

#[test]
fn no_container_id_becomes_a_path() -> Result<()> {
    refused_names(
        "CNI_CONTAINERID",
        &["../../etc/x", "/etc/x", "..", ".", ".hidden", "-x", "a/b", "a\nb", "a b", "a%00b", "é"],
    )
}

#[test]
fn no_interface_name_becomes_a_path_or_two_lines() -> Result<()> {
    refused_names(
        "CNI_IFNAME",
        &["../x", "..", ".", "a/b", "/etc/x", "eth0:1", "eth0\n", "a b", "sixteen-letters-", "é\u{2028}"],
    )
}

#[test]
fn a_container_id_may_exceed_a_file_name() -> Result<()> {
    let node = Node::builder().privileged(false).start()?;
    let conf = node.conf_for(&node.vfs()[0]);
    let before = home(&node, &node.vfs()[0])?;
    let mut pod = node.pod("web", "web-0")?;
    pod.container = "c".repeat(5000);
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.ok()?;
    node.run(PLUGIN, Verb::Del, &pod, &conf)?.ok()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    Ok(())
}

#[test]
fn a_pattern_for_a_name_loses_no_vf() -> Result<()> {
    // To the kernel `%d` asks for the first free number, so the VF gets a name that nobody said.
    let node = Node::builder().privileged(false).start()?;
    let conf = node.conf_for(&node.vfs()[0]);
    let before = home(&node, &node.vfs()[0])?;
    let mut pod = node.pod("web", "web-0")?;
    pod.ifname = "eth%d".into();
    node.run(PLUGIN, Verb::Add, &pod, &conf)?.error()?;
    assert_eq!(home(&node, &node.vfs()[0])?, before);
    assert!(left(&node)?.is_empty(), "{:?}", left(&node)?);
    Ok(())
}
