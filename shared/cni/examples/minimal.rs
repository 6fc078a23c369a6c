//! A whole plugin on the frame, to start one's own from: copy it, and put your work where the comments say.
//!
//! It stands in a chain behind others, hands on their result, and adds a search domain to it:
//!
//! ```json
//! {"cniVersion": "1.1.0", "name": "n", "plugins": [{"type": "bridge"}, {"type": "minimal", "searchDomain": "example.org"}]}
//! ```
//!
//! The frame has read and validated environment, configuration and version before a verb is called, and prints what
//! the verb returns. A plugin writes to standard output never, to its log with the macros of `log`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use cni::{Add, AddResult, Check, Del, Error, Gc, NetConf, Plugin, Status, code};

fn main() -> ExitCode {
    cni::main(&Minimal)
}

/// Holds nothing: the process serves one call and ends.
struct Minimal;

/// Our own codes begin at 100; those below are the specification's.
const DOMAIN_MISSING: u32 = 100;

impl Plugin for Minimal {
    /// The name of the binary, and the configuration's `type`.
    const NAME: &'static str = "minimal";
    const ABOUT: &'static str = "adds a search domain to the result of the plugin before it";

    fn add(&self, call: &Add) -> Result<AddResult, Error> {
        // The configuration first: nothing has to be undone when it is wrong.
        let domain = search_domain(&call.conf)?;
        // The result of the plugin before. One that makes the interface itself begins with `AddResult::default()`.
        let mut result = previous(&call.conf)?;
        // Here the work is done, in the namespace at `call.netns`. What fails is undone before the error is returned.
        result.dns.search.extend(domain.map(str::to_owned));
        log::info!("{}: search domain {}", call.attachment, domain.unwrap_or("none"));
        Ok(result)
    }

    fn del(&self, call: &Del) -> Result<(), Error> {
        // Here what ADD did is removed, if it is still there: an ADD may have failed, the namespace may be gone
        // (`call.netns` is then none), and a runtime calls DEL more than once.
        let _ = call;
        Ok(())
    }

    fn check(&self, call: &Check) -> Result<(), Error> {
        let (domain, result) = (search_domain(&call.conf)?, previous(&call.conf)?);
        let Some(domain) = domain else { return Ok(()) };
        if result.dns.search.iter().any(|search| search == domain) {
            return Ok(());
        }
        Err(Error::new(DOMAIN_MISSING, format!("the search domain {domain} is missing"))
            .details("another plugin of the chain took it out of the result: start the pod anew"))
    }

    fn status(&self, call: &Status) -> Result<(), Error> {
        // Here it is seen whether ADD would work now; if not: `Error::new(code::NOT_AVAILABLE, "why")`.
        search_domain(&call.conf).map(drop)
    }

    fn gc(&self, call: &Gc) -> Result<(), Error> {
        // Here what belongs to no attachment of `call.keep` is removed, as in DEL. We keep nothing.
        let _ = call;
        Ok(())
    }
}

/// The one key of our own. A configuration may be written by somebody who must not break the node: check what you take.
fn search_domain(conf: &NetConf) -> Result<Option<&str>, Error> {
    match conf.string("searchDomain")? {
        Some(domain) if domain.is_empty() || domain.contains(char::is_whitespace) => {
            Err(Error::new(code::INVALID_CONFIG, format!("searchDomain {domain:?} is no domain"))
                .details("write one domain, such as example.org, or leave the key out"))
        }
        domain => Ok(domain),
    }
}

/// The result that this call must come with: of the plugin before for ADD, of the whole chain for CHECK.
fn previous(conf: &NetConf) -> Result<AddResult, Error> {
    conf.prev_result()?.ok_or_else(|| {
        Error::new(code::INVALID_CONFIG, "prevResult is missing")
            .details("minimal stands behind another plugin in a list of plugins")
    })
}
