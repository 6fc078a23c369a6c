//! How upstream's shim could reach the API server: a secret that we only pass on or drop.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The `KubeAuth` of an answer: it may hold an API token.
///
/// In `dpu-host` mode nobody needs it, so reading one keeps only the fact that it was there: what is not held
/// cannot reach a log, a record or an error. Only a server, which makes one with [`KubeAuth::new`], holds contents.
#[derive(Clone, Default, PartialEq)]
pub struct KubeAuth(Map<String, Value>);

impl KubeAuth {
    /// One to be sent. Upstream's keys, each left out when empty: `kubeconfig`, `kube-api-server`,
    /// `kube-api-token`, `kube-api-token-file`, `kube-ca-data` (`pkg/cni/types.go: KubeAPIAuth`).
    pub fn new(contents: Map<String, Value>) -> Self {
        KubeAuth(contents)
    }
}

impl fmt::Debug for KubeAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KubeAuth(..)")
    }
}

impl Serialize for KubeAuth {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for KubeAuth {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Not even its type is checked: an error would quote it.
        IgnoredAny::deserialize(from)?;
        Ok(KubeAuth::default())
    }
}
