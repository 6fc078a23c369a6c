//! What a driver leaves on the node about a claim's devices (KEP-5304: `metadata.resource.k8s.io`).
//!
//! One file for each request, a stream of JSON documents: the same in every version of the format that the driver knows,
//! the newest first.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cni::paths;
use kubelet::{Claim, ClaimDevice};
use linux::sriov::PciAddress;
use nix::fcntl::OFlag;
use serde::Deserialize;
use serde_json::Value;

use super::driver::PLUGINS;

/// The folder below the driver's.
const FOLDER: &str = "dra-device-metadata";
/// The file of a request.
const FILE: &str = "metadata.json";
/// The versions of the format that are understood.
const VERSIONS: [&str; 1] = ["metadata.resource.k8s.io/v1alpha1"];
/// The attribute that every driver of PCI devices has (`k8s.io/dynamic-resource-allocation/deviceattribute`).
const ADDRESS: &str = "resource.kubernetes.io/pciBusID";
/// The most requests that a claim can have (`resource.k8s.io/v1: DeviceRequestsMaxSize`).
const MOST_REQUESTS: usize = 32;
/// More than 32 devices of 32 attributes have.
const MOST_BYTES: u64 = 1 << 20;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    devices: Vec<Device>,
}

#[derive(Deserialize)]
struct Device {
    #[serde(default)]
    driver: String,
    #[serde(default)]
    pool: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    attributes: serde_json::Map<String, Value>,
}

/// The address of this device of the claim.
pub(super) fn address(claim: &Claim, device: &ClaimDevice) -> Option<PciAddress> {
    let is_it = |found: &ClaimDevice| found.pool == device.pool && found.name == device.name;
    devices(claim, &device.driver).into_iter().find(|(found, _)| is_it(found)).map(|(_, address)| address)
}

/// The claim's devices of this driver that have an address.
pub(super) fn devices(claim: &Claim, driver: &str) -> Vec<(ClaimDevice, PciAddress)> {
    let Some(folder) = folder(claim, driver) else { return Vec::new() };
    let Ok(requests) = fs::read_dir(&folder) else { return Vec::new() };
    let files = requests.take(MOST_REQUESTS).filter_map(Result::ok).map(|request| request.path().join(FILE));
    let mut found = Vec::new();
    for file in files {
        match read(&file) {
            Ok(text) => found.extend(told(&text).into_iter().filter(|(device, _)| device.driver == driver)),
            Err(error) => log::warn!("{} is passed over: {error}", file.display()),
        }
    }
    found
}

/// The folder of a claim's files, unless its name or the driver's leads elsewhere.
fn folder(claim: &Claim, driver: &str) -> Option<PathBuf> {
    let plain = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
    let names = [driver, &claim.namespace, &claim.name];
    let of_claim = format!("{}_{}", claim.namespace, claim.name);
    let path = Path::new(PLUGINS).join(driver).join(FOLDER).join(of_claim);
    names.into_iter().all(plain).then(|| paths::rooted(&path))
}

fn read(path: &Path) -> io::Result<String> {
    let file = File::from(paths::open_confined(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, 0)?);
    io::read_to_string(file.take(MOST_BYTES))
}

/// The devices with an address of the first document whose version is known; none of a file that cannot be read.
pub(crate) fn told(text: &str) -> Vec<(ClaimDevice, PciAddress)> {
    let documents = serde_json::Deserializer::from_str(text).into_iter::<Value>().map_while(Result::ok);
    let is_known =
        |document: &Value| document["apiVersion"].as_str().is_some_and(|it| VERSIONS.contains(&it));
    let document = documents.into_iter().find(is_known);
    let document: Option<Document> = document.and_then(|document| serde_json::from_value(document).ok());
    let requests = document.map(|document| document.requests).unwrap_or_default();
    requests.into_iter().flat_map(|request| request.devices).filter_map(Device::with_address).collect()
}

impl Device {
    fn with_address(self) -> Option<(ClaimDevice, PciAddress)> {
        let address = self.attributes.get(ADDRESS)?.get("string")?.as_str()?.parse().ok()?;
        let Device { driver, pool, name, .. } = self;
        Some((ClaimDevice { driver, pool, name, share: None }, address))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(version: &str, address: &str) -> Value {
        json!({
            "kind": "DeviceMetadata", "apiVersion": format!("metadata.resource.k8s.io/{version}"),
            "requests": [{"name": "vf", "devices": [{
                "driver": "dra.net", "pool": "node-1", "name": "net-x",
                "attributes": {"resource.kubernetes.io/pciBusID": {"string": address}, "dra.net/mtu": {"int": 1500}},
                "networkData": {"interfaceName": "net1"},
            }]}],
        })
    }

    fn addresses(text: &str) -> Vec<String> {
        told(text).into_iter().map(|(_, address)| address.to_string()).collect()
    }

    #[test]
    fn the_first_version_that_is_known_counts() {
        let [newest, known, again] =
            [("v1", "0000:03:00.4"), ("v1alpha1", "0000:03:00.2"), ("v1alpha1", "0000:03:00.5")]
                .map(|(version, address)| document(version, address).to_string());
        assert_eq!(addresses(&format!("{newest}\n{known}{again}")), ["0000:03:00.2"]);
        assert_eq!(addresses(&newest), [] as [&str; 0]);
    }

    #[test]
    fn what_is_damaged_says_nothing() {
        let whole = document("v1alpha1", "0000:03:00.2").to_string();
        for end in 0..whole.len() {
            assert_eq!(addresses(&whole[..end]), [] as [&str; 0], "{end}");
        }
        assert_eq!(addresses(&format!("{whole}{{")), ["0000:03:00.2"]);
        for address in ["", "eth0", "0000:03:00.9"] {
            assert_eq!(addresses(&document("v1alpha1", address).to_string()), [] as [&str; 0], "{address}");
        }
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let claim = |namespace: &str, name: &str| Claim {
            namespace: namespace.into(),
            name: name.into(),
            ..Claim::default()
        };
        assert!(folder(&claim("web", "vf-x1"), "dra.net").is_some());
        for (namespace, name, driver) in [
            ("web", "a/../../x", "dra.net"),
            ("..", "x", "dra.net"),
            ("web", "x", "../.."),
            ("", "x", "dra.net"),
        ] {
            assert_eq!(folder(&claim(namespace, name), driver), None);
        }
    }
}
