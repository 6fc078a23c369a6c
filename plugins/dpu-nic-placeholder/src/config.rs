//! The configuration keys that are ours: `message` and `status`.

use cni::{Error, NetConf, code, unknown_keys};
use serde_json::Value;

use crate::keys::OWN;
use crate::plain::{plain, shorten};

/// Longest text for a node that is declared not ready, in bytes.
const LONGEST_STATUS: usize = 200;

/// What an administrator has configured.
#[derive(Debug)]
pub(crate) struct Config {
    /// `message`: what to do about a refused pod, instead of our hint.
    pub(crate) hint: Option<String>,
    /// `status`: what STATUS answers.
    pub(crate) not_ready: Option<Error>,
}

impl Config {
    /// # Errors
    /// Code 7, naming key and value.
    pub(crate) fn read(conf: &NetConf) -> Result<Self, Error> {
        for key in unknown_keys(conf.map(), &OWN).filter_map(plain) {
            log::warn!(
                "key '{}' is not known here, and does nothing: {} are",
                shorten(&key, 40),
                OWN.join(" and ")
            );
        }
        let hint = conf.string("message")?.and_then(plain);
        let not_ready = conf.get("status").map(|status| declared(conf, status)).transpose()?;
        Ok(Self { hint, not_ready })
    }
}

/// `{"code": 50, "message": "..."}`: the node is not ready, for a reason that only the administrator knows.
fn declared(conf: &NetConf, status: &Value) -> Result<Error, Error> {
    let declared = || {
        let number = match status.get("code")?.as_u64()? {
            50 => code::NOT_AVAILABLE,
            51 => code::LIMITED_CONNECTIVITY,
            _ => return None,
        };
        Some((number, status.get("message")?.as_str().and_then(plain)?))
    };
    let (number, message) = declared().ok_or_else(|| {
        Error::new(code::INVALID_CONFIG, format!("status {status} is not a status"))
            .details("use {\"code\": 50, \"message\": \"why\"}, or 51 if pods that run suffer too")
    })?;
    let origin = format!("declared by the key status of network {}", shorten(conf.name(), 40));
    Ok(Error::new(number, shorten(&message, LONGEST_STATUS)).details(origin))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(keys: Value) -> Result<Config, Error> {
        let mut conf = json!({"cniVersion": "1.1.0", "name": "n"});
        conf.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        Config::read(&NetConf::parse(conf.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn ready_and_without_a_hint_by_default() {
        for keys in [json!({}), json!({"message": null, "status": null}), json!({"message": " \n"})] {
            let config = read(keys).unwrap();
            assert_eq!((config.hint, config.not_ready), (None, None));
        }
    }

    #[test]
    fn an_administrator_declares_the_node_not_ready() {
        for number in [50, 51] {
            let status = json!({"code": number, "message": "card in \"maintenance\"\nuntil noon"});
            let error = read(json!({"status": status})).unwrap().not_ready.unwrap();
            assert_eq!(error.code(), number);
            assert_eq!(
                error.to_string(),
                "card in 'maintenance' until noon; declared by the key status of network n"
            );
        }
        let long = json!({"code": 50, "message": "x".repeat(1000)});
        assert!(read(json!({"status": long})).unwrap().not_ready.unwrap().to_string().len() < 300);
    }

    #[test]
    fn bad_values_are_named() {
        for bad in [
            json!("down"),
            json!(50),
            json!([]),
            json!({}),
            json!({"code": 50}),
            json!({"message": "x"}),
            json!({"code": 11, "message": "x"}),
            json!({"code": "50", "message": "x"}),
            json!({"code": 50, "message": ""}),
            json!({"code": 50, "message": 5}),
        ] {
            let error = read(json!({"status": bad})).unwrap_err();
            assert_eq!((error.code(), error.msg()), (7, &*format!("status {bad} is not a status")));
        }
        let error = read(json!({"message": ["x"]})).unwrap_err();
        assert_eq!((error.code(), error.msg()), (7, "message must be a string, not [\"x\"]"));
    }
}
