//! Go's JSON encodings of the `net` package's types, and of slices.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnetwork::IpNetwork;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::fields::Fields;

/// `[]byte`: standard base64 with padding, nil as `null`.
#[derive(Default)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() { to.serialize_none() } else { to.serialize_str(&STANDARD.encode(&self.0)) }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(from)?.unwrap_or_default();
        STANDARD.decode(&text).map(Bytes).map_err(|e| D::Error::custom(format_args!("not base64: {e}")))
    }
}

/// `net.IP`: its text, nil as the empty string.
#[derive(Default)]
pub(super) struct Ip(pub(super) Option<IpAddr>);

impl Serialize for Ip {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(ip) => to.collect_str(&ip.to_canonical()),
            None => to.serialize_str(""),
        }
    }
}

impl<'de> Deserialize<'de> for Ip {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(from)?.unwrap_or_default();
        if text.is_empty() {
            return Ok(Ip(None));
        }
        let ip: IpAddr =
            text.parse().map_err(|_| D::Error::custom(format_args!("{text:.64?} is not an IP address")))?;
        Ok(Ip(Some(ip.to_canonical())))
    }
}

/// `*net.IPNet`: `{"IP": text, "Mask": base64}`, nil as `null`.
///
/// The host bits survive: upstream puts a pod's own address here, not only networks.
#[derive(Default)]
pub(super) struct Net(pub(super) Option<IpNetwork>);

impl Serialize for Net {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Some(net) = self.0 else { return to.serialize_none() };
        let mask = match net.mask() {
            IpAddr::V4(mask) => mask.octets().to_vec(),
            IpAddr::V6(mask) => mask.octets().to_vec(),
        };
        let mut object = to.serialize_struct("IPNet", 2)?;
        object.serialize_field("IP", &Ip(Some(net.ip())))?;
        object.serialize_field("Mask", &Bytes(mask))?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for Net {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut fields = Fields::read(from)?;
        let Ip(ip) = fields.take("ip")?;
        let Bytes(mask) = fields.take("mask")?;
        let Some(ip) = ip else {
            return if mask.is_empty() {
                Ok(Net(None))
            } else {
                Err(D::Error::custom("a mask without an IP"))
            };
        };
        let net = mask_address(ip, &mask).and_then(|mask| IpNetwork::with_netmask(ip, mask).ok());
        net.map(|net| Net(Some(net))).ok_or_else(|| {
            D::Error::custom(format_args!("{mask:02x?} is not the netmask of an address like {ip}"))
        })
    }
}

/// The mask as an address of `ip`'s family; Go also allows the 16-byte form of an IPv4 mask.
fn mask_address(ip: IpAddr, mask: &[u8]) -> Option<IpAddr> {
    const MAPPED: [u8; 12] = [0xff; 12];
    match ip {
        IpAddr::V4(_) => {
            let mask = mask.strip_prefix(&MAPPED).unwrap_or(mask);
            <[u8; 4]>::try_from(mask).ok().map(|octets| Ipv4Addr::from(octets).into())
        }
        IpAddr::V6(_) => <[u8; 16]>::try_from(mask).ok().map(|octets| Ipv6Addr::from(octets).into()),
    }
}

/// `net.HardwareAddr` of an Ethernet interface: base64 of its 6 bytes, nil as `null`.
#[derive(Default)]
pub(super) struct Mac(pub(super) Option<[u8; 6]>);

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Bytes(self.0.map(Vec::from).unwrap_or_default()).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Bytes(bytes) = Bytes::deserialize(from)?;
        match <[u8; 6]>::try_from(bytes.as_slice()) {
            Ok(mac) => Ok(Mac(Some(mac))),
            Err(_) if bytes.is_empty() => Ok(Mac(None)),
            Err(_) => Err(D::Error::custom(format_args!("a MAC address has 6 bytes, not {}", bytes.len()))),
        }
    }
}

/// A slice: nil and empty are both written as `null`, and `null` elements are left out when read.
pub(super) struct Slice<T>(pub(super) Vec<T>);

impl<T> Default for Slice<T> {
    fn default() -> Self {
        Slice(Vec::new())
    }
}

impl<T: Serialize> Serialize for Slice<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() { to.serialize_none() } else { self.0.serialize(to) }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Slice<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let elements = Option::<Vec<Option<T>>>::deserialize(from)?.unwrap_or_default();
        Ok(Slice(elements.into_iter().flatten().collect()))
    }
}
