//! The parts of an ADD result that checks look at.

use std::net::IpAddr;

use serde_json::{Map, Value};

/// The objects of a list in a result; a list that is missing is empty.
pub(crate) fn objects<'a>(result: &'a Map<String, Value>, key: &str) -> Vec<&'a Map<String, Value>> {
    result
        .get(key)
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_object).collect())
        .unwrap_or_default()
}

/// A string of an object; one that is missing is empty.
pub(crate) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The interface of this name inside the container.
pub(crate) fn interface<'a>(result: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    let inside = |link: &&Map<String, Value>| text(link, "name") == name && !text(link, "sandbox").is_empty();
    objects(result, "interfaces").into_iter().find(inside)
}

/// The addresses of the interface of this name in the container, as they are written; of old results, all.
pub(crate) fn addresses(result: &Map<String, Value>, name: &str) -> Vec<String> {
    let old = ["ip4", "ip6"].into_iter().filter_map(|key| result.get(key)?.get("ip")?.as_str());
    let links = objects(result, "interfaces");
    let of = |ip: &&Map<String, Value>| match ip.get("interface").and_then(Value::as_u64) {
        Some(index) => usize::try_from(index)
            .ok()
            .and_then(|index| links.get(index))
            .is_some_and(|link| text(link, "name") == name),
        None => true,
    };
    let new = objects(result, "ips").into_iter().filter(of).map(|ip| text(ip, "address"));
    old.chain(new).map(str::to_owned).collect()
}

/// Address and prefix length of `10.0.0.1/24`.
pub(crate) fn cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let (address, length) = (address.parse::<IpAddr>().ok()?, length.parse().ok()?);
    let limit = if address.is_ipv4() { 32 } else { 128 };
    (length <= limit).then_some((address, length))
}

/// Six or more bytes in hexadecimal.
pub(crate) fn is_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    parts.len() >= 6 && parts.iter().all(|part| part.len() == 2 && u8::from_str_radix(part, 16).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_prefix_length_that_fits() {
        assert!(cidr("10.0.0.1/32").is_some());
        assert!(cidr("fd00::1/128").is_some());
        for bad in ["10.0.0.1", "10.0.0.1/33", "10.0.0/8", "/24", "fd00::1/129"] {
            assert_eq!(cidr(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_are_those_of_the_interface() {
        let result = serde_json::json!({
            "interfaces": [{"name": "br0"}, {"name": "eth0", "sandbox": "/n"}],
            "ips": [{"interface": 0, "address": "10.0.0.1/24"}, {"interface": 1, "address": "10.0.0.2/24"}],
        });
        assert_eq!(addresses(result.as_object().unwrap(), "eth0"), ["10.0.0.2/24"]);
    }
}
