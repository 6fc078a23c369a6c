//! Standard input: the network configuration.

use serde_json::{Map, Value};

use crate::{AddResult, Error, Version, code, name, version};

/// A configuration that is JSON, before its name and version are known to be good.
pub(crate) struct Document(Map<String, Value>);

impl Document {
    /// Decodes standard input. `null` is an empty configuration, as in Go.
    ///
    /// # Errors
    /// Code 6 for anything but one JSON object: no input, a byte order mark, trailing text, nesting deeper than
    /// serde_json's limit of 128.
    pub(crate) fn parse(stdin: &[u8]) -> Result<Self, Error> {
        let bad = |why: &str| Error::new(code::DECODE, format!("error unmarshall network config: {why}"));
        if stdin.iter().all(u8::is_ascii_whitespace) {
            return Err(bad("standard input is empty"));
        }
        match serde_json::from_slice(stdin) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(Value::Null) => Ok(Self(Map::new())),
            Ok(other) => Err(bad(&format!("expected an object, found {}", a(&other)))),
            Err(error) => Err(bad(&error.to_string())),
        }
    }

    /// The network's name.
    ///
    /// # Errors
    /// Code 6 when it is not a string, 7 when it is missing or not a name (`utils.ValidateNetworkName`).
    pub(crate) fn name(&self) -> Result<&str, Error> {
        let name = self.text("name")?;
        if name.is_empty() {
            return Err(Error::new(code::INVALID_CONFIG, "missing network name"));
        }
        if !name::is_identifier(name) {
            return Err(
                Error::new(code::INVALID_CONFIG, "invalid characters found in network name").details(name)
            );
        }
        Ok(name)
    }

    /// `cniVersion` as it stands; empty when missing.
    ///
    /// # Errors
    /// Code 6 when it is not a string.
    pub(crate) fn version(&self) -> Result<&str, Error> {
        self.text("cniVersion")
    }

    /// The configuration for a plugin that answers in `version`.
    ///
    /// # Errors
    /// As [`Document::name`]; code 6 when `type` is not a string.
    pub(crate) fn into_conf(self, version: Version) -> Result<NetConf, Error> {
        let name = self.name()?.to_owned();
        let kind = self.text("type")?.to_owned();
        Ok(NetConf { map: self.0, name, kind, version, forgiving: false })
    }

    /// A key that every plugin has; in any case, as Go reads it, the exact one first; empty when missing.
    fn text(&self, key: &str) -> Result<&str, Error> {
        let fold =
            || self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(key)).map(|(_, value)| value);
        match self.0.get(key).or_else(fold) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(Error::new(
                code::DECODE,
                format!("error unmarshall network config: {key} must be a string, not {}", a(other)),
            )),
        }
    }
}

/// A plugin's network configuration: the standard keys checked, all others as they came.
#[derive(Clone, Debug)]
pub struct NetConf {
    map: Map<String, Value>,
    name: String,
    kind: String,
    version: Version,
    forgiving: bool,
}

impl NetConf {
    /// Reads a configuration as the frame reads standard input.
    ///
    /// # Errors
    /// Code 6 when it is not a JSON object or a standard key has the wrong type, 7 for a missing or bad name, 1
    /// for an unknown version.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let document = Document::parse(json)?;
        document.name()?;
        let text = document.version()?;
        let version = Version::named(text).ok_or_else(|| version::incompatible(text))?;
        document.into_conf(version)
    }

    /// The version to answer in; our newest where an unknown one was let through ([`Leniency`](crate::Leniency)).
    pub fn version(&self) -> Version {
        self.version
    }

    /// The network's name: not empty, letters, digits, `_`, `.` and `-` only.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `type`: the plugin's binary; empty when missing, which only calls by hand do.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The value of `key`; `null` counts as none.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The value of `key`, which must be a string if it is there.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub fn string(&self, key: &str) -> Result<Option<&str>, Error> {
        self.get(key)
            .map(|value| {
                value.as_str().ok_or_else(|| {
                    Error::new(code::INVALID_CONFIG, format!("{key} must be a string, not {value}"))
                })
            })
            .transpose()
    }

    /// Every key as it came.
    pub fn map(&self) -> &Map<String, Value> {
        &self.map
    }

    /// A capability argument that the runtime filled in; `null` counts as none.
    pub fn runtime_config(&self, key: &str) -> Option<&Value> {
        self.get("runtimeConfig")?.get(key).filter(|value| !value.is_null())
    }

    /// The result that ADD had (CHECK, DEL) or the plugin before has (ADD); none when missing or `null`.
    ///
    /// # Errors
    /// Code 6 when it is no result, or one of another generation than the configuration (0.1 and 0.2, 0.3 and
    /// 0.4, 1.x), as for the reference library. On DEL that counts as none: it must work without
    /// (SPEC, "DEL").
    pub fn prev_result(&self) -> Result<Option<AddResult>, Error> {
        let Some(value) = self.get("prevResult") else { return Ok(None) };
        match self.read_result(value) {
            Ok(result) => Ok(Some(result)),
            Err(error) if self.forgiving => {
                log::warn!("prevResult ignored: {error}");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn read_result(&self, value: &Value) -> Result<AddResult, Error> {
        let bad = |why: String| Error::new(code::DECODE, format!("could not parse prevResult: {why}"));
        let given = match value.get("cniVersion") {
            None | Some(Value::Null) => "",
            Some(text) => text.as_str().ok_or_else(|| bad(format!("cniVersion is {text}")))?,
        };
        let version = match given {
            "" => self.version,
            text => Version::named(text).ok_or_else(|| bad(format!("unsupported version {text}")))?,
        };
        if version.generation() != self.version.generation() {
            return Err(bad(format!("its version is {version}, the configuration's {}", self.version)));
        }
        AddResult::read(value, version).map_err(|error| bad(error.msg().to_owned()))
    }

    /// The same configuration for DEL.
    pub(crate) fn forgiving(self) -> Self {
        Self { forgiving: true, ..self }
    }
}

/// What a JSON value is, with its article.
fn a(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// What any plugin may be given: by the specification, by libcni and its lists, by Multus, and to the frame itself.
const ANYBODYS: [&str; 17] = [
    "args",
    "capabilities",
    "cniVersion",
    "cniVersions",
    "deviceID",
    "disableCheck",
    "disableGC",
    "dns",
    "ipMasq",
    "ipam",
    "logFile",
    "logLevel",
    "name",
    "pciBusID",
    "prevResult",
    "runtimeConfig",
    "type",
];

/// The keys of a plugin's configuration that are nobody's: neither its `own` nor any plugin's. Those with a domain
/// (`cni.dev/attachments`) are somebody else's.
pub fn unknown_keys<'k>(conf: &'k Map<String, Value>, own: &'k [&str]) -> impl Iterator<Item = &'k str> {
    let is_known =
        |key: &str| own.contains(&key) || ANYBODYS.iter().any(|known| known.eq_ignore_ascii_case(key));
    conf.keys().map(String::as_str).filter(move |key| !is_known(key) && !key.contains(['/', '.']))
}
