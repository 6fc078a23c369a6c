//! What the server answers to ADD and DEL.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

use super::fields::Fields;
use super::{KubeAuth, PodInterface, PodRequest};

/// The answer (`pkg/cni/types.go: Response`).
///
/// With a `result` the server has done everything (it is privileged, or a DEL left nothing to do); without, `pod`
/// says what is left to the client. The two `udn` members are there together or not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// A CNI result, to be printed as it is; `{}` (old servers: `{"dns":{}}`) when there is nothing to say.
    pub result: Option<Value>,
    /// The pod's interface on the requested network.
    pub pod: Option<PodInterface>,
    /// The pod's interface on its primary user-defined network.
    pub udn: Option<PodInterface>,
    /// Name, namespace and device of that interface.
    pub udn_request: Option<PodRequest>,
    /// A way to the API server, of which we make no use.
    pub kube_auth: Option<KubeAuth>,
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("Response", 5)?;
        object.serialize_field("Result", &self.result)?;
        object.serialize_field("PodIFInfo", &self.pod)?;
        object.serialize_field("PrimaryUDNPodInfo", &self.udn)?;
        object.serialize_field("PrimaryUDNPodReq", &self.udn_request)?;
        object.serialize_field("KubeAuth", &self.kube_auth)?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for Response {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut fields = Fields::read(from)?;
        Ok(Response {
            result: fields.opt("result")?,
            pod: fields.opt("podifinfo")?,
            udn: fields.opt("primaryudnpodinfo")?,
            udn_request: fields.opt("primaryudnpodreq")?,
            kube_auth: fields.opt("kubeauth")?,
        })
    }
}
