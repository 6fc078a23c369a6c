//! `PodRequest`: which interface the primary user-defined network's answer is about.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

use super::fields::Fields;

/// The request that the server made up for the pod's primary user-defined network (`pkg/cni/types.go: PodRequest`,
/// its exported fields).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodRequest {
    /// The CNI command, `ADD`.
    pub command: String,
    /// The pod's namespace.
    pub pod_namespace: String,
    /// The pod's name.
    pub pod_name: String,
    /// The pod's UID.
    pub pod_uid: String,
    /// The container ID.
    pub sandbox_id: String,
    /// Path of the pod's network namespace.
    pub netns: String,
    /// The interface's name in the pod; [`crate::UDN_INTERFACE`] in every known server.
    pub if_name: String,
    /// The network's configuration, with the device that the server chose; `null` when there is none.
    pub conf: Value,
    /// The device is bound to `vfio-pci`.
    pub is_vfio: bool,
}

impl PodRequest {
    /// The network's `deviceID`. Servers of a short time in between lose it: then there is only
    /// [`super::PodInterface::vf_netdev_name`].
    pub fn device_id(&self) -> Option<&str> {
        let members = self.conf.as_object()?;
        let (_, value) = members.iter().find(|(key, _)| key.eq_ignore_ascii_case("deviceID"))?;
        value.as_str().filter(|id| !id.is_empty())
    }
}

impl Serialize for PodRequest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("PodRequest", 9)?;
        object.serialize_field("Command", &self.command)?;
        object.serialize_field("PodNamespace", &self.pod_namespace)?;
        object.serialize_field("PodName", &self.pod_name)?;
        object.serialize_field("PodUID", &self.pod_uid)?;
        object.serialize_field("SandboxID", &self.sandbox_id)?;
        object.serialize_field("Netns", &self.netns)?;
        object.serialize_field("IfName", &self.if_name)?;
        object.serialize_field("CNIConf", &self.conf)?;
        object.serialize_field("IsVFIO", &self.is_vfio)?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for PodRequest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut fields = Fields::read(from)?;
        Ok(PodRequest {
            command: fields.take("command")?,
            pod_namespace: fields.take("podnamespace")?,
            pod_name: fields.take("podname")?,
            pod_uid: fields.take("poduid")?,
            sandbox_id: fields.take("sandboxid")?,
            netns: fields.take("netns")?,
            if_name: fields.take("ifname")?,
            conf: fields.take("cniconf")?,
            is_vfio: fields.take("isvfio")?,
        })
    }
}
