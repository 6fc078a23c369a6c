//! How a device is called.

use std::fmt;
use std::str::FromStr;

use cni::{Error, NetConf};
use linux::sriov::{PciAddress, ScalableFunction, Sysfs};
use serde::{Deserialize, Serialize};

use crate::config::invalid;

/// The name of a device as the device plugin gives it (`go-controller/pkg/cni/cni_dpu.go: updateDeviceInfo`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) enum DeviceId {
    /// A virtual function on the PCI bus, `0000:03:00.2`.
    Pci(PciAddress),
    /// A scalable function on the auxiliary bus, `mlx5_core.sf.4`.
    Sf(ScalableFunction),
    /// A network device without a parent device: how ovn-kubernetes simulates a DPU.
    Netdev(String),
}

/// What a valid device ID looks like, for messages.
const SHAPE: &str = "a PCI address such as 0000:03:00.2 (lower case), a scalable function such as mlx5_core.sf.4, or \
                     the name of a network device";

impl FromStr for DeviceId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(['.', ':']) {
            if let Ok(address) = text.parse() {
                return Ok(DeviceId::Pci(address));
            }
            return text.parse().map(DeviceId::Sf).map_err(|_| SHAPE.into());
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let fits = (1..=15).contains(&text.len()) && text.chars().all(plain);
        if fits { Ok(DeviceId::Netdev(text.into())) } else { Err(SHAPE.into()) }
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceId::Pci(address) => address.fmt(f),
            DeviceId::Sf(name) => f.write_str(name.as_str()),
            DeviceId::Netdev(name) => f.write_str(name),
        }
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for DeviceId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl DeviceId {
    /// Which of the functions that had this address one after the other it is now; only the PCI bus tells.
    pub(crate) fn incarnation(&self, sysfs: &Sysfs) -> Option<u64> {
        match self {
            DeviceId::Pci(address) => sysfs.incarnation(address),
            DeviceId::Sf(_) | DeviceId::Netdev(_) => None,
        }
    }

    /// Whether a bare name is one from which a server that simulates a DPU can tell PF and function
    /// (`eth0-14`; `dpusim`, `(\d+)-(\d+)$`).
    pub(crate) fn is_simulated(name: &str) -> bool {
        let numbered = |part: &str| part.ends_with(|c: char| c.is_ascii_digit());
        name.rsplit_once('-').is_some_and(|(pf, function)| {
            numbered(pf) && !function.is_empty() && function.bytes().all(|b| b.is_ascii_digit())
        })
    }

    /// The device that the configuration names: `deviceID` (Multus), else `runtimeConfig.deviceID`.
    ///
    /// # Errors
    /// Code 7 for a value that can be no device.
    pub(crate) fn configured(conf: &NetConf) -> Result<Option<Self>, Error> {
        let named =
            [("deviceID", conf.get("deviceID")), ("runtimeConfig.deviceID", conf.runtime_config("deviceID"))];
        for (key, value) in named {
            match value.map(|value| value.as_str().ok_or(value)) {
                None | Some(Ok("")) => {}
                Some(Ok(text)) => {
                    return text.parse().map(Some).map_err(|shape: String| invalid(key, text, &shape));
                }
                Some(Err(other)) => return Err(invalid(key, &other.to_string(), SHAPE)),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_kinds_of_device_apart() {
        let kind = |text: &str| text.parse::<DeviceId>();
        assert!(matches!(kind("0000:03:00.2"), Ok(DeviceId::Pci(_))));
        assert!(matches!(kind("mlx5_core.sf.4"), Ok(DeviceId::Sf(_))));
        assert_eq!(kind("eth0-14"), Ok(DeviceId::Netdev("eth0-14".into())));
    }

    #[test]
    fn takes_no_mistyped_address_for_a_network_device() {
        for text in [
            "",
            "0000:03:00.8",
            "0000:03:00",
            "03:00.2",
            "0000:AB:00.2",
            "mlx5_core.eth.4",
            "eth0.100",
            "../../x",
            "a/b",
            "sixteen-letters-",
        ] {
            assert!(text.parse::<DeviceId>().is_err(), "{text}");
        }
    }
}
