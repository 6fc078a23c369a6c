//! A driver of resource claims that gives VFs: the kubelet's registration of plugins
//! (`k8s.io/kubelet/pkg/apis/pluginregistration/v1/api.proto`), version v1 of its interface for drivers
//! (`pkg/apis/dra/v1/api.proto`), and the slice of devices that it publishes. It calls them as the SR-IOV operator's
//! driver does (`k8snetworkplumbingwg/dra-driver-sriov`), whose name it goes by.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use linux::sriov::Sysfs;
use node::{Node, Vf};
use prost::Message;
use serde_json::{Value, json};

use super::api::Api;
use super::grpc::{Answer, Background, Nothing, Service, listen};
use super::parts::NODE;

const NAME: &str = "sriovnetwork.k8snetworkplumbingwg.io";
/// Where the kubelet looks for plugins that want to be registered, in its directory.
const REGISTRY: &str = "plugins_registry";
/// Our socket there. The kubelet makes HTTP's authority of the path, percent by percent, and `h2` lets those pass in the
/// name of a user only.
const REGISTRATION: &str = "vfs@dpu-cni-reg.sock";
/// Where the slices of all nodes are.
const SLICES: &str = "/apis/resource.k8s.io/v1/resourceslices";
/// Between two looks whether the slice is there: a kubelet that starts removes those of its node.
const PAUSE: Duration = Duration::from_millis(100);

/// A running driver. Dropping it ends it, as a kill of its pod does.
#[derive(Debug)]
pub struct ClaimDriver {
    _background: Background,
}

#[derive(Clone, PartialEq, Message)]
struct PluginInfo {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    endpoint: String,
    #[prost(string, repeated, tag = "4")]
    supported_versions: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct RegistrationStatus {
    #[prost(bool, tag = "1")]
    registered: bool,
}

/// Of preparing claims and of the opposite.
#[derive(Clone, PartialEq, Message)]
struct Claims {
    #[prost(message, repeated, tag = "1")]
    claims: Vec<Claim>,
}

#[derive(Clone, PartialEq, Message)]
struct Claim {
    #[prost(string, tag = "1")]
    namespace: String,
    #[prost(string, tag = "2")]
    uid: String,
    #[prost(string, tag = "3")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Prepared {
    #[prost(map = "string, message", tag = "1")]
    claims: HashMap<String, Devices>,
}

#[derive(Clone, PartialEq, Message)]
struct Devices {
    #[prost(message, repeated, tag = "1")]
    devices: Vec<Device>,
}

#[derive(Clone, PartialEq, Message)]
struct Device {
    #[prost(string, repeated, tag = "1")]
    requests: Vec<String>,
    #[prost(string, tag = "2")]
    pool: String,
    #[prost(string, tag = "3")]
    name: String,
}

struct Driver {
    api: Api,
    endpoint: PathBuf,
    is_registered: AtomicBool,
}

impl ClaimDriver {
    pub(super) fn start(api: Api, node: &Node) -> Result<ClaimDriver> {
        let kubelet = node.root().join("var/lib/kubelet");
        let (registry, own) = (kubelet.join(REGISTRY), kubelet.join("plugins").join(NAME));
        fs::create_dir_all(&registry)?;
        fs::create_dir_all(&own)?;
        let endpoint = own.join("dra.sock");
        let driver =
            Arc::new(Driver { api, endpoint: endpoint.clone(), is_registered: AtomicBool::new(false) });
        let slice = slice(node)?;
        let background = Background::start("claim-driver", async move {
            // The kubelet calls as soon as it sees the second.
            for socket in [endpoint, registry.join(REGISTRATION)] {
                // Without it nothing is published, and whoever waits for a VF is told of that.
                let _ = listen(&socket, driver.clone());
            }
            driver.keep_published(&slice).await;
        })?;
        Ok(ClaimDriver { _background: background })
    }
}

impl Driver {
    /// Once the kubelet knows it, and again whenever a kubelet has removed it.
    async fn keep_published(&self, slice: &Value) {
        loop {
            if self.is_registered.load(Ordering::Relaxed) {
                // Refused where it is there already.
                let _ = self.api.create(SLICES, slice);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn prepare(&self, claims: Claims) -> Result<Prepared> {
        let prepared = claims.claims.into_iter().map(|claim| Ok((claim.uid.clone(), self.devices(&claim)?)));
        Ok(Prepared { claims: prepared.collect::<Result<_>>()? })
    }

    /// Those that the scheduler has chosen for the claim.
    fn devices(&self, claim: &Claim) -> Result<Devices> {
        let Claim { namespace, name, .. } = claim;
        let path = format!("/apis/resource.k8s.io/v1/namespaces/{namespace}/resourceclaims/{name}");
        let claim = self.api.find(&path)?.with_context(|| format!("claim {namespace}/{name} is gone"))?;
        let results = claim["status"]["allocation"]["devices"]["results"].as_array().cloned();
        let ours = results.unwrap_or_default().into_iter().filter(|result| result["driver"] == NAME);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let device = |result: Value| Device {
            requests: vec![text(&result["request"])],
            pool: text(&result["pool"]),
            name: text(&result["device"]),
        };
        Ok(Devices { devices: ours.map(device).collect() })
    }
}

impl Service for Driver {
    fn answer(&self, method: &str, request: &[u8]) -> Result<Option<Answer>> {
        Ok(Some(match method {
            "GetInfo" => Answer::only(&PluginInfo {
                kind: "DRAPlugin".into(),
                name: NAME.into(),
                endpoint: self.endpoint.to_string_lossy().into_owned(),
                supported_versions: vec!["v1.DRAPlugin".into()],
            }),
            "NotifyRegistrationStatus" => {
                let status = RegistrationStatus::decode(request)?;
                self.is_registered.store(status.registered, Ordering::Relaxed);
                Answer::only(&Nothing {})
            }
            "NodePrepareResources" => Answer::only(&self.prepare(Claims::decode(request)?)?),
            "NodeUnprepareResources" => {
                let claims = Claims::decode(request)?.claims.into_iter();
                Answer::only(&Prepared {
                    claims: claims.map(|claim| (claim.uid, Devices::default())).collect(),
                })
            }
            _ => return Ok(None),
        }))
    }
}

/// The node's VFs, with the attributes of the driver's that classes select by.
fn slice(node: &Node) -> Result<Value> {
    let sysfs = Sysfs::new(node.root());
    let devices: Result<Vec<Value>> = node.vfs().iter().map(|vf| device(&sysfs, vf)).collect();
    Ok(json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": format!("{NODE}-vfs")},
        "spec": {
            "driver": NAME, "nodeName": NODE, "devices": devices?,
            "pool": {"name": NODE, "generation": 1, "resourceSliceCount": 1},
        },
    }))
}

fn device(sysfs: &Sysfs, vf: &Vf) -> Result<Value> {
    let pf = sysfs.pf(&vf.device_id().parse()?).context("a VF without a PF")?;
    Ok(json!({
        "name": vf.device_id().replace([':', '.'], "-"),
        "attributes": {
            "PFName": {"string": sysfs.netdev(&pf)?},
            "vfID": {"int": vf.index},
            "resource.kubernetes.io/pciBusID": {"string": vf.device_id()},
        },
    }))
}
