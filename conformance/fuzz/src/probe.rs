//! A plugin that looks at everything it is called with.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use cni::{
    Add, AddResult, Args, Attachment, Check, Del, Error, Gc, Keep, Leniency, NetConf, Plugin, Process, Status,
};
use serde_json::Value;

use crate::is_one_line;

/// The plugin. `LENIENCY` is its DEL's: 0 strict, 1 of any version, 2 never failing.
pub struct Probe<const LENIENCY: u8>;

impl<const LENIENCY: u8> Plugin for Probe<LENIENCY> {
    const NAME: &'static str = "probe";
    const ABOUT: &'static str = "looks at everything";
    const DEL: Leniency = match LENIENCY {
        0 => Leniency::Strict,
        1 => Leniency::AnyVersion,
        _ => Leniency::Never,
    };

    fn add(&self, call: &Add) -> Result<AddResult, Error> {
        attached(&call.attachment, &call.conf, &call.args);
        Ok(configured(&call.conf)?.unwrap_or_default())
    }

    fn del(&self, call: &Del) -> Result<(), Error> {
        attached(&call.attachment, &call.conf, &call.args);
        let read = configured(&call.conf);
        assert!(read.is_ok(), "no result keeps a DEL from its work: {read:?}");
        Ok(())
    }

    fn check(&self, call: &Check) -> Result<(), Error> {
        attached(&call.attachment, &call.conf, &call.args);
        configured(&call.conf).map(drop)
    }

    fn status(&self, call: &Status) -> Result<(), Error> {
        configured(&call.conf).map(drop)
    }

    fn gc(&self, call: &Gc) -> Result<(), Error> {
        if let Keep::Only(kept) = &call.keep {
            assert!(kept.iter().all(|(container, ifname)| call.keep.lists(container, ifname) == Some(true)));
        }
        configured(&call.conf).map(drop)
    }
}

/// What the frame promises of names: each is one harmless part of a path, and so is what we make of all three.
fn attached(attachment: &Attachment, conf: &NetConf, args: &Args) {
    let Attachment { network, container, ifname } = attachment;
    for name in [network, container] {
        assert!(name.starts_with(|c: char| c.is_ascii_alphanumeric()), "{name:?}");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)), "{name:?}");
    }
    assert!((1..16).contains(&ifname.len()) && ifname != "." && ifname != "..", "{ifname:?}");
    assert!(!ifname.contains(|c: char| c == '/' || c == ':' || c == '\0' || c.is_whitespace()), "{ifname:?}");

    let file = dpu_host::fuzzing::file_name(attachment);
    assert!(file.len() <= 200 && !file.starts_with('.') && !file.contains(['/', '\0']), "{file:?}");

    // The server's parser of CNI_ARGS wants exactly one `=` in each piece, and no piece without.
    let (_, args) = dpu_host::fuzzing::forwarded(conf, args, attachment);
    assert!(args.split(';').all(|piece| piece.matches('=').count() == 1), "{args:?}");
}

fn configured(conf: &NetConf) -> Result<Option<AddResult>, Error> {
    assert!(!conf.name().is_empty());
    for key in conf.map().keys() {
        let _ = (conf.string(key), conf.runtime_config(key));
    }
    let _ = (conf.kind(), conf.version());
    conf.prev_result()
}

/// Serves one call, and judges the answer by the specification: nothing, or one JSON document in one line, an error
/// exactly when the exit status says so.
pub fn call<P: Plugin>(plugin: &P, env: &dyn Fn(&str) -> Option<OsString>, stdin: &[u8]) -> ExitCode {
    let (mut stdin, mut stdout) = (stdin, Vec::new());
    let process = Process { env, stdin: &mut stdin, stdout: &mut stdout, stderr: &mut io::sink() };
    let exit = cni::run(plugin, process);
    let failed = exit != ExitCode::SUCCESS;
    if stdout.is_empty() {
        assert!(!failed, "a failure without a word");
        return exit;
    }
    let text = std::str::from_utf8(&stdout).expect("UTF-8");
    assert!(text.ends_with('\n') && text.matches('\n').count() == 1, "{text:?}");
    let answer: Value = serde_json::from_str(text).expect("JSON");
    assert!(answer["cniVersion"].is_string(), "{text}");
    assert_eq!(answer.get("code").is_some(), failed, "{text}");
    if failed {
        assert!(answer["code"].as_u64().is_some_and(|code| code > 0), "{text}");
        assert!(is_one_line(answer["msg"].as_str().unwrap_or_default()), "{text}");
        assert!(
            answer.get("details").is_none_or(|details| is_one_line(details.as_str().unwrap_or_default()))
        );
    }
    exit
}
