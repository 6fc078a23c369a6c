//! What a plugin is called with: one type per verb.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Args, Error, NetConf, code};

/// What ADD makes and DEL removes: one interface of one container in one network (SPEC, "attachment").
///
/// The frame has validated all three: no separators, no blanks, an interface name of 1 to 15 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attachment {
    /// The configuration's `name`.
    pub network: String,
    /// `CNI_CONTAINERID`.
    pub container: String,
    /// `CNI_IFNAME`.
    pub ifname: String,
}

/// `network/container/ifname`.
impl fmt::Display for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.network, self.container, self.ifname)
    }
}

/// An ADD call.
#[derive(Clone, Debug)]
pub struct Add {
    /// What to make.
    pub attachment: Attachment,
    /// `CNI_NETNS`; not the plugin's own namespace, but it need not exist.
    pub netns: PathBuf,
    /// `CNI_ARGS`.
    pub args: Args,
    /// Standard input.
    pub conf: NetConf,
}

/// A DEL call.
#[derive(Clone, Debug)]
pub struct Del {
    /// What to remove, if it is there.
    pub attachment: Attachment,
    /// `CNI_NETNS`; `None` when it is unset, empty or the plugin's own namespace, which no DEL may touch.
    pub netns: Option<PathBuf>,
    /// `CNI_ARGS`.
    pub args: Args,
    /// Standard input.
    pub conf: NetConf,
}

/// The DEL of what an ADD has made.
impl From<Add> for Del {
    fn from(add: Add) -> Self {
        let Add { attachment, netns, args, conf } = add;
        Del { attachment, netns: Some(netns), args, conf: conf.forgiving() }
    }
}

/// A CHECK call.
#[derive(Clone, Debug)]
pub struct Check {
    /// What to check.
    pub attachment: Attachment,
    /// `CNI_NETNS`.
    pub netns: PathBuf,
    /// `CNI_ARGS`.
    pub args: Args,
    /// Standard input, with `prevResult`.
    pub conf: NetConf,
}

/// A STATUS call.
#[derive(Clone, Debug)]
pub struct Status {
    /// Standard input.
    pub conf: NetConf,
}

/// A GC call.
#[derive(Clone, Debug)]
pub struct Gc {
    /// Standard input.
    pub conf: NetConf,
    /// The attachments of this network that the runtime still knows.
    pub keep: Keep,
}

/// The attachments that GC must leave alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The runtime sent no list (cnitool): it knows of none, and says nothing about any.
    Unlisted,
    /// Exactly these, as (container, interface name); `null` and `[]` are the empty set. An entry without an
    /// interface name has an empty one and stands for every interface of its container.
    Only(BTreeSet<(String, String)>),
}

impl Keep {
    /// Whether the list holds this attachment; `None` without a list.
    pub fn lists(&self, container: &str, ifname: &str) -> Option<bool> {
        let Self::Only(valid) = self else { return None };
        let held = |ifname: &str| valid.contains(&(container.to_owned(), ifname.to_owned()));
        Some(held(ifname) || held(""))
    }

    /// Reads `cni.dev/valid-attachments` and the name it had before, `cni.dev/attachments` (cni#1101); where
    /// they differ an attachment in either is kept.
    ///
    /// # Errors
    /// Code 7 for anything whose meaning is not certain: a misread list would take living pods' interfaces.
    pub(crate) fn read(conf: &NetConf) -> Result<Self, Error> {
        let lists = ["cni.dev/valid-attachments", "cni.dev/attachments"]
            .map(|key| conf.map().get(key).map(|list| (key, list)));
        if lists.iter().all(Option::is_none) {
            return Ok(Self::Unlisted);
        }
        let mut valid = BTreeSet::new();
        for (key, list) in lists.into_iter().flatten() {
            let entries = match list {
                Value::Null => continue,
                Value::Array(entries) => entries,
                other => return Err(Self::misread(key, other)),
            };
            for entry in entries {
                valid.insert(Self::entry(entry).ok_or_else(|| Self::misread(key, entry))?);
            }
        }
        Ok(Self::Only(valid))
    }

    fn entry(entry: &Value) -> Option<(String, String)> {
        let container = entry.get("containerID")?.as_str().filter(|id| !id.is_empty())?;
        let ifname = match entry.get("ifname") {
            None | Some(Value::Null) => "",
            Some(ifname) => ifname.as_str()?,
        };
        Some((container.to_owned(), ifname.to_owned()))
    }

    fn misread(key: &str, value: &Value) -> Error {
        Error::new(code::INVALID_CONFIG, format!("{key} is not a list of containerID and ifname"))
            .details(value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keep(keys: Value) -> Result<Keep, Error> {
        let mut conf = json!({"cniVersion": "1.1.0", "name": "n"});
        conf.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        Keep::read(&NetConf::parse(conf.to_string().as_bytes()).unwrap())
    }

    fn only(pairs: &[(&str, &str)]) -> Keep {
        Keep::Only(pairs.iter().map(|&(id, ifname)| (id.to_owned(), ifname.to_owned())).collect())
    }

    #[test]
    fn tells_no_list_from_an_empty_one() {
        assert_eq!(keep(json!({})), Ok(Keep::Unlisted));
        for key in ["cni.dev/valid-attachments", "cni.dev/attachments"] {
            assert_eq!(keep(json!({key: null})), Ok(only(&[])), "{key}");
            assert_eq!(keep(json!({key: []})), Ok(only(&[])), "{key}");
        }
    }

    #[test]
    fn keeps_what_old_or_new_key_lists() {
        let a = json!([{"containerID": "a", "ifname": "eth0", "extra": 1}]);
        let b = json!([{"containerID": "b"}]);
        assert_eq!(keep(json!({"cni.dev/attachments": a})), Ok(only(&[("a", "eth0")])));
        let both = keep(json!({"cni.dev/attachments": a, "cni.dev/valid-attachments": b})).unwrap();
        assert_eq!(both, only(&[("a", "eth0"), ("b", "")]));
        assert_eq!(both.lists("a", "eth0"), Some(true));
        assert_eq!(both.lists("a", "net1"), Some(false));
        assert_eq!(both.lists("b", "net1"), Some(true));
        assert_eq!(Keep::Unlisted.lists("a", "eth0"), None);
    }

    #[test]
    fn refuses_a_list_it_cannot_read() {
        for bad in
            [json!("x"), json!({}), json!(["a"]), json!([{"ifname": "eth0"}]), json!([{"containerID": 1}])]
        {
            let error = keep(json!({"cni.dev/valid-attachments": bad})).unwrap_err();
            assert_eq!(error.code(), code::INVALID_CONFIG, "{bad}");
        }
    }
}
