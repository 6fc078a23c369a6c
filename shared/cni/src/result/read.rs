//! Results of any version, read into the newest shape.

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde_json::Value;

use super::print::network;
use super::{AddResult, Dns, Interface, Ip, Route};
use crate::version::Generation;
use crate::{Error, Version, code};

impl AddResult {
    /// Reads a result of any version. Without `cniVersion` its keys tell the generation: ovnkube-node answers
    /// so.
    ///
    /// # Errors
    /// Code 6, naming the bad value, when it is no result or its version is unknown.
    pub fn from_json(value: &Value) -> Result<Self, Error> {
        let version = match field(value, "cniVersion") {
            None if field(value, "ip4").is_some() || field(value, "ip6").is_some() => Version::V0_2_0,
            None => Version::LATEST,
            Some(text) => text
                .as_str()
                .and_then(Version::named)
                .ok_or_else(|| bad(format!("unsupported CNI result version {text}")))?,
        };
        Self::read(value, version)
    }

    /// Reads a result that is of `version`, whatever its own `cniVersion` says.
    pub(crate) fn read(value: &Value, version: Version) -> Result<Self, Error> {
        if !value.is_object() {
            return Err(bad(format!("not an object: {value}")));
        }
        let mut result = Self::default();
        if version.generation() == Generation::OnePerFamily {
            for family in ["ip4", "ip6"].into_iter().filter_map(|key| field(value, key)) {
                let address = cidr(family, "ip")?.ok_or_else(|| bad(format!("no ip in {family}")))?;
                result.ips.push(Ip { interface: None, address, gateway: ip(family, "gateway")? });
                result.routes.append(&mut list(family, "routes", read_route)?);
            }
        } else {
            result.interfaces = list(value, "interfaces", read_interface)?;
            result.ips = list(value, "ips", read_ip)?;
            result.routes = list(value, "routes", read_route)?;
        }
        if let Some(dns) = field(value, "dns") {
            result.dns = read_dns(dns)?;
        }
        Ok(result)
    }
}

fn read_interface(value: &Value) -> Result<Interface, Error> {
    Ok(Interface {
        name: text(value, "name")?.unwrap_or_default(),
        mac: text(value, "mac")?,
        mtu: number(value, "mtu")?,
        sandbox: text(value, "sandbox")?,
        socket_path: text(value, "socketPath")?,
        pci_id: text(value, "pciID")?,
    })
}

fn read_ip(value: &Value) -> Result<Ip, Error> {
    let address = cidr(value, "address")?.ok_or_else(|| bad(format!("no address in {value}")))?;
    Ok(Ip { interface: number(value, "interface")?, address, gateway: ip(value, "gateway")? })
}

fn read_route(value: &Value) -> Result<Route, Error> {
    let dst = cidr(value, "dst")?.ok_or_else(|| bad(format!("no dst in {value}")))?;
    Ok(Route {
        dst: network(dst),
        gw: ip(value, "gw")?,
        mtu: number(value, "mtu")?,
        advmss: number(value, "advmss")?,
        priority: number(value, "priority")?,
        table: number(value, "table")?,
        scope: number(value, "scope")?,
    })
}

fn read_dns(value: &Value) -> Result<Dns, Error> {
    let string = |value: &Value| {
        value.as_str().map(str::to_owned).ok_or_else(|| bad(format!("not a string in dns: {value}")))
    };
    Ok(Dns {
        nameservers: list(value, "nameservers", string)?,
        domain: text(value, "domain")?,
        search: list(value, "search", string)?,
        options: list(value, "options", string)?,
    })
}

/// A key's value; `null` counts as none.
fn field<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.get(key).filter(|value| !value.is_null())
}

/// A string; an empty one counts as none, as Go prints what is unset.
fn string<'v>(value: &'v Value, key: &str) -> Result<Option<&'v str>, Error> {
    match field(value, key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(other) => Err(bad(format!("{key} is not a string: {other}"))),
    }
}

fn text(value: &Value, key: &str) -> Result<Option<String>, Error> {
    Ok(string(value, key)?.map(str::to_owned))
}

fn number(value: &Value, key: &str) -> Result<Option<u32>, Error> {
    field(value, key)
        .map(|number| {
            let small = number.as_u64().and_then(|number| u32::try_from(number).ok());
            small.ok_or_else(|| bad(format!("{key} is not a number from 0 to {}: {number}", u32::MAX)))
        })
        .transpose()
}

fn ip(value: &Value, key: &str) -> Result<Option<IpAddr>, Error> {
    let Some(text) = string(value, key)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| bad(format!("{key} is not an IP address: {text}")))
}

/// An address with a prefix length, both written out: `IpNetwork` alone also takes a bare address or a mask.
fn cidr(value: &Value, key: &str) -> Result<Option<IpNetwork>, Error> {
    let Some(text) = string(value, key)? else { return Ok(None) };
    let parse = || {
        let (address, prefix) = text.split_once('/')?;
        IpNetwork::new(address.parse().ok()?, prefix.parse().ok()?).ok()
    };
    parse().map(Some).ok_or_else(|| bad(format!("{key} is not an address with a prefix length: {text}")))
}

fn list<T>(value: &Value, key: &str, read: impl Fn(&Value) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    match field(value, key) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(read).collect(),
        Some(other) => Err(bad(format!("{key} is not a list: {other}"))),
    }
}

fn bad(why: String) -> Error {
    Error::new(code::DECODE, why)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_0_1_and_0_2() {
        let value = json!({
            "cniVersion": "0.2.0",
            "ip4": {"ip": "10.0.0.2/24", "gateway": "10.0.0.1", "routes": [{"dst": "0.0.0.0/0"}]},
            "ip6": {"ip": "fd01::2/64"},
            "dns": {"nameservers": ["10.0.0.53"]},
        });
        let result = AddResult::from_json(&value).unwrap();
        assert!(result.interfaces.is_empty());
        let gateways = [Some("10.0.0.1".parse().unwrap()), None];
        assert_eq!(result.ips.iter().map(|ip| ip.gateway).collect::<Vec<_>>(), gateways);
        assert_eq!(result.routes, [Route::new("0.0.0.0/0".parse().unwrap(), None)]);
        assert_eq!(result.dns.nameservers, ["10.0.0.53"]);
    }

    #[test]
    fn unset_in_any_spelling() {
        let unset = json!({"interfaces": null, "ips": [], "dns": {"search": null, "domain": ""}});
        assert_eq!(AddResult::from_json(&unset), Ok(AddResult::default()));
        assert_eq!(AddResult::from_json(&json!({})), Ok(AddResult::default()));
        let empty =
            json!({"interfaces": [{"name": "lo", "mac": "", "sandbox": "", "mtu": null, "extra": 1}]});
        let interface = Interface { name: "lo".into(), ..Interface::default() };
        assert_eq!(AddResult::from_json(&empty).unwrap().interfaces, [interface]);
    }

    #[test]
    fn what_is_no_result_is_named() {
        for (value, named) in [
            (json!(null), "not an object: null"),
            (json!([]), "not an object: []"),
            (json!({"cniVersion": "9.9.9"}), "unsupported CNI result version \"9.9.9\""),
            (json!({"cniVersion": 1}), "unsupported CNI result version 1"),
            (json!({"interfaces": {}}), "interfaces is not a list: {}"),
            (json!({"interfaces": [{"mtu": -1}]}), "mtu is not a number from 0 to 4294967295: -1"),
            (json!({"interfaces": [{"name": 1}]}), "name is not a string: 1"),
            (json!({"ips": [{}]}), "no address in {}"),
            (
                json!({"ips": [{"address": "10.0.0.1"}]}),
                "address is not an address with a prefix length: 10.0.0.1",
            ),
            (
                json!({"ips": [{"address": "10.0.0.1/33"}]}),
                "address is not an address with a prefix length: 10.0.0.1/33",
            ),
            (json!({"ips": [{"address": "10.0.0.1/8", "gateway": "x"}]}), "gateway is not an IP address: x"),
            (json!({"routes": [{"gw": "10.0.0.1"}]}), "no dst in {\"gw\":\"10.0.0.1\"}"),
            (json!({"ip4": {}}), "no ip in {}"),
            (json!({"dns": {"search": [1]}}), "not a string in dns: 1"),
        ] {
            let error = AddResult::from_json(&value).unwrap_err();
            assert_eq!((error.code(), error.msg()), (code::DECODE, named), "{value}");
        }
    }
}
