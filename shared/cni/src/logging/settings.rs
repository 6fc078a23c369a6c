//! The configuration keys `logFile` and `logLevel`, named as ovn-kubernetes names them.

use std::path::PathBuf;

use log::LevelFilter;
use serde_json::Value;

use crate::paths::{self, Place};
use crate::{Error, NetConf, code};

/// Where a log may be: `/var/log/pods` is below `/var/log` too, and what is in there is read as a pod's own words.
const ALLOWED: [Place; 3] =
    [Place::In("/var/log"), Place::Below("/var/log/dpu-cni"), Place::Below("/var/log/ovn-kubernetes")];

/// What to log, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) file: Option<PathBuf>,
    pub(crate) level: LevelFilter,
}

impl Settings {
    /// Reads both keys. A file elsewhere is warned of: the key is ovn-kubernetes' too, which may log where it likes.
    ///
    /// # Errors
    /// Code 7, naming key and value.
    pub(crate) fn read(conf: &NetConf) -> Result<Self, Error> {
        let file = conf.string("logFile")?.filter(|path| !path.is_empty());
        let file = file.map(|path| paths::confined("logFile", path, &ALLOWED));
        let file = file.transpose().unwrap_or_else(|error| {
            log::warn!("no log file: {error}");
            None
        });
        let level = match conf.get("logLevel") {
            None => LevelFilter::Info,
            Some(value) => level(value).ok_or_else(|| {
                Error::new(code::INVALID_CONFIG, format!("logLevel {value} is not a level"))
                    .details("use error, warn, info, debug or trace, or ovn-kubernetes' 0 to 5")
            })?,
        };
        Ok(Self { file, level })
    }
}

/// A name, or ovn-kubernetes' digit as string or number: there 5 is debug, 4 info, 3 warning, the rest errors.
fn level(value: &Value) -> Option<LevelFilter> {
    let digit;
    let text = match value {
        Value::String(text) => text.as_str(),
        other => {
            digit = other.as_u64()?.to_string();
            &digit
        }
    };
    Some(match text.to_ascii_lowercase().as_str() {
        "error" | "0" | "1" | "2" => LevelFilter::Error,
        "warn" | "warning" | "3" => LevelFilter::Warn,
        "info" | "4" => LevelFilter::Info,
        "debug" | "5" => LevelFilter::Debug,
        "trace" => LevelFilter::Trace,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(keys: Value) -> Result<Settings, Error> {
        let mut conf = json!({"cniVersion": "1.1.0", "name": "n"});
        conf.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        Settings::read(&NetConf::parse(conf.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn levels_are_names_or_digits() {
        assert_eq!(read(json!({})).unwrap(), Settings { file: None, level: LevelFilter::Info });
        for (value, level) in [
            (json!("debug"), LevelFilter::Debug),
            (json!("WARN"), LevelFilter::Warn),
            (json!("5"), LevelFilter::Debug),
            (json!(4), LevelFilter::Info),
            (json!(0), LevelFilter::Error),
        ] {
            assert_eq!(read(json!({"logLevel": value})).unwrap().level, level, "{value}");
        }
    }

    #[test]
    fn bad_values_are_named() {
        for bad in [json!("loud"), json!(6), json!(-1), json!(1.5), json!(true), json!([]), json!("")] {
            let error = read(json!({"logLevel": bad})).unwrap_err();
            assert_eq!((error.code(), error.msg()), (7, &*format!("logLevel {bad} is not a level")));
        }
        assert_eq!(read(json!({"logFile": 5})).unwrap_err().msg(), "logFile must be a string, not 5");
    }

    #[test]
    fn a_file_elsewhere_is_none() {
        for good in ["/var/log/x", "/var/log/dpu-cni/x", "/var/log/ovn-kubernetes/a/x"] {
            assert_eq!(read(json!({"logFile": good})).unwrap().file, Some(good.into()));
        }
        for bad in
            ["/etc/passwd", "var/log/x", "/var/log/../x", "/var/log", "/var/logs/x", "/var/log/pods/x/0.log"]
        {
            assert_eq!(read(json!({"logFile": bad})).unwrap().file, None, "{bad}");
        }
    }
}
