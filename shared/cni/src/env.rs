//! The `CNI_*` variables, in the order and by the rules of `skel.getCmdArgsFromEnv`.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::name::{check_container, check_ifname};
use crate::{Args, Error, TraceContext, code};

/// What the runtime asks of the plugin (SPEC, "CNI operations"); VERSION never reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Attach.
    Add,
    /// Detach.
    Del,
    /// Compare an attachment with its result.
    Check,
    /// Remove what no attachment holds.
    Gc,
    /// Say whether an ADD could be served.
    Status,
}

impl Verb {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ADD" => Self::Add,
            "DEL" => Self::Del,
            "CHECK" => Self::Check,
            "GC" => Self::Gc,
            "STATUS" => Self::Status,
            _ => return None,
        })
    }

    /// As in `CNI_COMMAND`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Del => "DEL",
            Self::Check => "CHECK",
            Self::Gc => "GC",
            Self::Status => "STATUS",
        }
    }

    /// The variables without which the verb is refused. SPEC leaves `CNI_PATH` optional in places; `skel`
    /// never does.
    fn required(self) -> &'static [&'static str] {
        match self {
            Self::Add | Self::Check => &["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"],
            Self::Del => &["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"],
            Self::Gc | Self::Status => &["CNI_PATH"],
        }
    }
}

/// `CNI_COMMAND`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Version,
    Call(Verb),
    Unknown(String),
}

/// The variables of one call. What the verb does not require is not validated: libcni sends GC and STATUS all
/// of them, empty, and VERSION dummies.
pub(crate) struct Environment<'e> {
    get: &'e dyn Fn(&str) -> Option<OsString>,
}

impl<'e> Environment<'e> {
    pub(crate) fn new(get: &'e dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { get }
    }

    /// `CNI_COMMAND`, if there is one; an empty variable counts as unset.
    pub(crate) fn command(&self) -> Option<Command> {
        let name = self.text("CNI_COMMAND")?;
        Some(match Verb::named(&name) {
            Some(verb) => Command::Call(verb),
            None if name == "VERSION" => Command::Version,
            None => Command::Unknown(name),
        })
    }

    /// # Errors
    /// Code 4: the first malformed variable, else all that are missing.
    pub(crate) fn check(&self, verb: Verb) -> Result<(), Error> {
        let mut missing = Vec::new();
        for &key in verb.required() {
            match self.text(key) {
                None => missing.push(key),
                Some(id) if key == "CNI_CONTAINERID" => check_container(&id)?,
                Some(name) if key == "CNI_IFNAME" => check_ifname(&name)?,
                Some(_) => {}
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let msg = format!("required env variables [{}] missing", missing.join(","));
        Err(Error::new(code::INVALID_ENVIRONMENT, msg))
    }

    pub(crate) fn container(&self) -> String {
        self.text("CNI_CONTAINERID").unwrap_or_default()
    }

    pub(crate) fn ifname(&self) -> String {
        self.text("CNI_IFNAME").unwrap_or_default()
    }

    pub(crate) fn netns(&self) -> Option<PathBuf> {
        self.raw("CNI_NETNS").map(PathBuf::from)
    }

    pub(crate) fn args(&self) -> Args {
        Args::parse(&self.text("CNI_ARGS").unwrap_or_default())
    }

    /// The trace that the call is part of.
    pub(crate) fn trace(&self) -> TraceContext {
        TraceContext::read(self.get)
    }

    /// Whether the caller vouches for acting in the plugin's own namespace (`skel`'s tests do).
    pub(crate) fn netns_override(&self) -> bool {
        self.text("CNI_NETNS_OVERRIDE").is_some_and(|text| text == "1" || text.eq_ignore_ascii_case("true"))
    }

    /// Bytes that are not UTF-8 become a character that no validator accepts.
    fn text(&self, key: &str) -> Option<String> {
        self.raw(key).map(|value| value.to_string_lossy().into_owned())
    }

    fn raw(&self, key: &str) -> Option<OsString> {
        (self.get)(key).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verb: Verb, variables: &[(&str, &str)]) -> Result<(), String> {
        let get =
            |key: &str| variables.iter().find(|(known, _)| *known == key).map(|(_, value)| value.into());
        Environment::new(&get).check(verb).map_err(|error| {
            assert_eq!(error.code(), code::INVALID_ENVIRONMENT);
            error.msg().to_owned()
        })
    }

    #[test]
    fn names_all_that_is_missing() {
        let all = "required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH] missing";
        let empty = [("CNI_CONTAINERID", ""), ("CNI_NETNS", ""), ("CNI_IFNAME", ""), ("CNI_PATH", "")];
        for verb in [Verb::Add, Verb::Check] {
            assert_eq!(check(verb, &[]), Err(all.to_owned()));
            assert_eq!(check(verb, &empty), Err(all.to_owned()));
        }
        let del = "required env variables [CNI_CONTAINERID,CNI_IFNAME,CNI_PATH] missing";
        assert_eq!(check(Verb::Del, &[]), Err(del.to_owned()));
        for verb in [Verb::Gc, Verb::Status] {
            assert_eq!(check(verb, &[]), Err("required env variables [CNI_PATH] missing".to_owned()));
            assert_eq!(check(verb, &[("CNI_PATH", "/bin"), ("CNI_IFNAME", "")]), Ok(()));
        }
    }

    #[test]
    fn a_malformed_one_is_reported_first() {
        let bad = [("CNI_CONTAINERID", "-x"), ("CNI_IFNAME", "a/b"), ("CNI_PATH", "/bin")];
        assert_eq!(check(Verb::Add, &bad), Err("invalid characters in containerID".to_owned()));
        assert_eq!(check(Verb::Gc, &bad), Ok(()));
        assert_eq!(check(Verb::Status, &bad), Ok(()));
    }

    #[test]
    fn knows_its_commands_exactly() {
        let command = |name: &str| {
            let get = |key: &str| (key == "CNI_COMMAND").then(|| name.into());
            Environment::new(&get).command()
        };
        for verb in [Verb::Add, Verb::Del, Verb::Check, Verb::Gc, Verb::Status] {
            assert_eq!(command(verb.as_str()), Some(Command::Call(verb)));
        }
        assert_eq!(command("VERSION"), Some(Command::Version));
        assert_eq!(command("add"), Some(Command::Unknown("add".to_owned())));
        assert_eq!(command(""), None);
    }
}
