//! What a client posts to `/`.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::fields::Fields;
use super::go;

/// One CNI call (`pkg/cni/types.go: Request`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The CNI variables. Upstream's shim sends its whole environment; the server reads only `CNI_COMMAND`,
    /// `CNI_CONTAINERID`, `CNI_NETNS`, `CNI_IFNAME` and `CNI_ARGS`.
    pub env: BTreeMap<String, String>,
    /// The network configuration, the bytes of standard input.
    pub config: Vec<u8>,
    /// The device information (of ADD only), whose members stand beside the others: `type`, `version`, `pci`, `vdpa`,
    /// `vhost-user`, `memif`.
    pub device_info: Map<String, Value>,
}

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_map(None)?;
        if !self.env.is_empty() {
            object.serialize_entry("env", &self.env)?;
        }
        if !self.config.is_empty() {
            object.serialize_entry("config", &go::Bytes(self.config.clone()))?;
        }
        for (key, value) in self.device_info.iter().filter(|(key, _)| !is_own(key)) {
            object.serialize_entry(key, value)?;
        }
        object.end()
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut fields = Fields::read(from)?;
        Ok(Request {
            env: fields.take("env")?,
            config: fields.take::<go::Bytes, _>("config")?.0,
            device_info: fields.rest().into_iter().collect(),
        })
    }
}

/// A member that is not device information: written twice, the server would take the last.
fn is_own(key: &str) -> bool {
    key.eq_ignore_ascii_case("env") || key.eq_ignore_ascii_case("config")
}
