//! One call from environment to answer, in the order of `skel`: variables, standard input, verb, version,
//! plugin.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::conf::Document;
use crate::env::{Command, Environment, Verb};
use crate::logging::{self, Settings};
use crate::panic::{Progress, progress, version_known};
use crate::{
    Add, Attachment, Check, Del, Error, Gc, Keep, Leniency, NetConf, Plugin, Status, Version, code, netns,
    reply, version,
};

/// Longest standard input, in bytes. Kubernetes objects end at 1.5 MiB; this only keeps a broken caller from
/// exhausting the node.
const LONGEST_INPUT: u64 = 64 << 20;

/// A call of a verb other than VERSION.
pub(crate) struct Session<'s, P> {
    plugin: &'s P,
    env: Environment<'s>,
    version: Version,
    reached: Option<Verb>,
    /// The ADD that has succeeded.
    made: Option<Add>,
}

impl<'s, P: Plugin> Session<'s, P> {
    pub(crate) fn new(plugin: &'s P, env: Environment<'s>) -> Self {
        Self { plugin, env, version: Version::LATEST, reached: None, made: None }
    }

    /// The version that an error carries: the configuration's once that is known to be ours, else our newest.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// The verb of the plugin that ran, if one did.
    pub(crate) fn reached(&self) -> Option<Verb> {
        self.reached
    }

    /// The document to print, if any.
    pub(crate) fn answer(
        &mut self,
        command: &Command,
        stdin: &mut dyn Read,
    ) -> Result<Option<String>, Error> {
        let never = matches!(command, Command::Call(verb) if leniency::<P>(*verb) == Leniency::Never);
        progress(if never { Progress::NeverFailing } else { Progress::Working(self.version) });
        match self.perform(command, stdin) {
            Err(error) if never => {
                log::warn!("answered with success all the same: {error}");
                Ok(None)
            }
            answer => answer,
        }
    }

    fn perform(&mut self, command: &Command, stdin: &mut dyn Read) -> Result<Option<String>, Error> {
        if let Command::Call(verb) = command {
            self.env.check(*verb)?;
        }
        let document = Document::parse(&read(stdin)?)?;
        if let Some(version) = document.version().ok().and_then(Version::named) {
            self.version = version;
            version_known(version);
        }
        document.name()?;
        let verb = match command {
            Command::Call(verb) => *verb,
            Command::Unknown(name) => return Err(unknown(name)),
            Command::Version => return Ok(Some(reply::versions())),
        };
        let version = negotiate(verb, document.version()?, leniency::<P>(verb))?;
        let conf = document.into_conf(version)?;
        self.start_log(verb, &conf)?;
        let answer = self.call(verb, conf);
        logging::conclude(verb, answer.as_ref().err(), &self.plugin.remark());
        answer
    }

    fn start_log(&self, verb: Verb, conf: &NetConf) -> Result<(), Error> {
        let settings = match Settings::read(conf) {
            Err(error) if leniency::<P>(verb) != Leniency::Strict => {
                log::warn!("no log file: {error}");
                return Ok(());
            }
            settings => settings?,
        };
        let subject = match verb {
            Verb::Gc | Verb::Status => conf.name().to_owned(),
            _ => format!("{} {}", self.attachment(conf), self.env.args().pod()),
        };
        let trace = self.env.trace().id().map(|id| format!(" trace={id}")).unwrap_or_default();
        logging::start(settings, format!("{} {subject}{trace}", verb.as_str()));
        Ok(())
    }

    fn call(&mut self, verb: Verb, conf: NetConf) -> Result<Option<String>, Error> {
        match verb {
            Verb::Add => return self.add(conf).map(Some),
            Verb::Del => {
                let call = Del {
                    attachment: self.attachment(&conf),
                    netns: self.foreign_netns(),
                    args: self.env.args(),
                    conf: conf.forgiving(),
                };
                self.reach(verb).del(&call)?;
            }
            Verb::Check => {
                let call = Check {
                    attachment: self.attachment(&conf),
                    netns: self.netns(),
                    args: self.env.args(),
                    conf,
                };
                self.reach(verb).check(&call)?;
            }
            Verb::Status => self.reach(verb).status(&Status { conf })?,
            Verb::Gc => {
                let keep = Keep::read(&conf)?;
                self.reach(verb).gc(&Gc { conf, keep })?;
            }
        }
        Ok(None)
    }

    fn add(&mut self, conf: NetConf) -> Result<String, Error> {
        let version = conf.version();
        let netns = self.netns();
        if !self.env.netns_override() {
            refuse_own(&netns)?;
        }
        let call = Add { attachment: self.attachment(&conf), netns, args: self.env.args(), conf };
        let result = self.reach(Verb::Add).add(&call)?;
        self.made = Some(call);
        result.to_json(version).map(|json| reply::result(&json)).inspect_err(|_| {
            log::warn!("the result has no form in {version}: {result:?}");
            self.take_back();
        })
    }

    /// Takes back the ADD that has succeeded, if one has.
    pub(crate) fn take_back(&mut self) {
        let Some(call) = self.made.take() else { return };
        log::info!("removing the attachment again: nobody will learn of it");
        if let Err(error) = self.plugin.take_back(call) {
            log::error!("removing the attachment failed: {error}");
        }
    }

    fn reach(&mut self, verb: Verb) -> &'s P {
        self.reached = Some(verb);
        self.plugin
    }

    fn attachment(&self, conf: &NetConf) -> Attachment {
        Attachment {
            network: conf.name().to_owned(),
            container: self.env.container(),
            ifname: self.env.ifname(),
        }
    }

    /// `CNI_NETNS` of a verb that requires it.
    fn netns(&self) -> PathBuf {
        self.env.netns().unwrap_or_default()
    }

    /// `CNI_NETNS` unless it is ours: no DEL may remove the host's interfaces. Where that cannot be told, the
    /// pod's interface is left to the kernel, which removes it with its namespace.
    fn foreign_netns(&self) -> Option<PathBuf> {
        self.env.netns().filter(|path| self.env.netns_override() || matches!(netns::is_own(path), Ok(false)))
    }
}

fn leniency<P: Plugin>(verb: Verb) -> Leniency {
    match (verb, P::DEL) {
        (Verb::Del, leniency) | (Verb::Gc, leniency @ Leniency::Never) => leniency,
        _ => Leniency::Strict,
    }
}

fn read(stdin: &mut dyn Read) -> Result<Vec<u8>, Error> {
    // Configurations are a few hundred bytes: this holds nearly all of them in one read.
    let mut input = Vec::with_capacity(4096);
    stdin
        .take(LONGEST_INPUT + 1)
        .read_to_end(&mut input)
        .map_err(|error| Error::new(code::IO, format!("error reading from stdin: {error}")))?;
    if input.len() as u64 > LONGEST_INPUT {
        let limit = LONGEST_INPUT >> 20;
        return Err(Error::new(
            code::DECODE,
            format!("error unmarshall network config: longer than {limit} MiB"),
        ));
    }
    Ok(input)
}

/// The version to answer in.
///
/// # Errors
/// Code 1 when the configuration's is not ours or too old for the verb, 6 when it is none at all.
fn negotiate(verb: Verb, text: &str, leniency: Leniency) -> Result<Version, Error> {
    let known = Version::named(text);
    if leniency != Leniency::Strict {
        return Ok(known.unwrap_or(Version::LATEST));
    }
    let since = match verb {
        Verb::Add | Verb::Del => return known.ok_or_else(|| version::incompatible(text)),
        Verb::Check => Version::V0_4_0,
        Verb::Gc | Verb::Status => Version::V1_1_0,
    };
    let numbers = version::parse(text)?;
    let too = |whose: &str| {
        let msg = format!("{whose} version does not allow {}", verb.as_str());
        Err(Error::new(code::INCOMPATIBLE_VERSION, msg).details(format!(
            "config is {text:?}, {} needs {since} to {}",
            verb.as_str(),
            Version::LATEST
        )))
    };
    if numbers < version::parse(since.as_str())? {
        return too("config");
    }
    if numbers > version::parse(Version::LATEST.as_str())? {
        return too("plugin");
    }
    known.ok_or_else(|| version::incompatible(text))
}

fn refuse_own(netns: &Path) -> Result<(), Error> {
    let refused = |msg: &str, why: String| Err(Error::new(code::INVALID_NETNS, msg).details(why));
    match netns::is_own(netns) {
        Ok(false) => Ok(()),
        Ok(true) => refused(
            "plugin's netns and netns from CNI_NETNS should not be the same",
            format!("CNI_NETNS is {}", netns.display()),
        ),
        Err(error) => {
            refused("the plugin's own netns cannot be determined", format!("is /proc mounted? {error}"))
        }
    }
}

fn unknown(command: &str) -> Error {
    Error::new(code::INVALID_ENVIRONMENT, format!("unknown CNI_COMMAND: {command}"))
}
