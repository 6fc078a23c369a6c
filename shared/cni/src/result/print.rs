//! Results in the shape of each version, by the reference library's conversions (`pkg/types/*/types.go`).

use ipnetwork::IpNetwork;
use serde_json::{Map, Value};

use super::{AddResult, Dns, Interface, Ip, Route};
use crate::version::Generation;
use crate::{Error, Version, code};

impl AddResult {
    /// The result as the runtime expects it in `version`.
    ///
    /// Older shapes say less: before 1.1.0 an interface has neither MTU nor socket nor PCI address, in 0.1 and
    /// 0.2 there is one address per family and no interface at all. A route's newer fields stay, as in Go, and
    /// `dns` is there even if empty: Go prints it in all versions but the newest, and some decoders insist.
    ///
    /// # Errors
    /// Code 1 when the version is 0.1 or 0.2 and there is no address, which those cannot express.
    pub fn to_json(&self, version: Version) -> Result<Value, Error> {
        let mut out = Map::new();
        out.insert("cniVersion".into(), version.as_str().into());
        if version.generation() == Generation::OnePerFamily {
            self.print_families(&mut out, version)?;
        } else {
            list(&mut out, "interfaces", &self.interfaces, |interface| print_interface(interface, version));
            list(&mut out, "ips", &self.ips, |ip| print_ip(ip, version));
            list(&mut out, "routes", &self.routes, print_route);
        }
        out.insert("dns".into(), print_dns(&self.dns));
        Ok(out.into())
    }

    fn print_families(&self, out: &mut Map<String, Value>, version: Version) -> Result<(), Error> {
        for (key, v4) in [("ip4", true), ("ip6", false)] {
            let Some(ip) = self.ips.iter().find(|ip| ip.address.is_ipv4() == v4) else { continue };
            let mut family = Map::new();
            family.insert("ip".into(), ip.address.to_string().into());
            put(&mut family, "gateway", ip.gateway.map(|gateway| gateway.to_string()));
            let routes: Vec<_> = self.routes.iter().filter(|route| route.dst.is_ipv4() == v4).collect();
            list(&mut family, "routes", &routes, |route| print_route(&Route::new(route.dst, route.gw)));
            out.insert(key.into(), family.into());
        }
        if self.ips.is_empty() {
            return Err(Error::new(code::INCOMPATIBLE_VERSION, "cannot convert: no valid IP addresses")
                .details(format!(
                    "a result of CNI {version} needs an address: configure cniVersion 0.3.0 or newer"
                )));
        }
        Ok(())
    }
}

fn print_interface(interface: &Interface, version: Version) -> Value {
    let mut out = Map::new();
    out.insert("name".into(), interface.name.as_str().into());
    put(&mut out, "mac", interface.mac.as_deref());
    put(&mut out, "sandbox", interface.sandbox.as_deref());
    if version >= Version::V1_1_0 {
        put(&mut out, "mtu", interface.mtu);
        put(&mut out, "socketPath", interface.socket_path.as_deref());
        put(&mut out, "pciID", interface.pci_id.as_deref());
    }
    out.into()
}

fn print_ip(ip: &Ip, version: Version) -> Value {
    let mut out = Map::new();
    if version.generation() == Generation::Interfaces {
        out.insert("version".into(), if ip.address.is_ipv4() { "4" } else { "6" }.into());
    }
    put(&mut out, "interface", ip.interface);
    out.insert("address".into(), ip.address.to_string().into());
    put(&mut out, "gateway", ip.gateway.map(|gateway| gateway.to_string()));
    out.into()
}

fn print_route(route: &Route) -> Value {
    let mut out = Map::new();
    out.insert("dst".into(), network(route.dst).to_string().into());
    put(&mut out, "gw", route.gw.map(|gw| gw.to_string()));
    put(&mut out, "mtu", route.mtu);
    put(&mut out, "advmss", route.advmss);
    put(&mut out, "priority", route.priority);
    put(&mut out, "table", route.table);
    put(&mut out, "scope", route.scope);
    out.into()
}

fn print_dns(dns: &Dns) -> Value {
    let mut out = Map::new();
    list(&mut out, "nameservers", &dns.nameservers, |text| text.as_str().into());
    put(&mut out, "domain", dns.domain.as_deref());
    list(&mut out, "search", &dns.search, |text| text.as_str().into());
    list(&mut out, "options", &dns.options, |text| text.as_str().into());
    out.into()
}

/// The destination with its host bits cleared.
pub(super) fn network(dst: IpNetwork) -> IpNetwork {
    IpNetwork::new(dst.network(), dst.prefix()).unwrap_or(dst)
}

fn put<V: Into<Value>>(out: &mut Map<String, Value>, key: &str, value: Option<V>) {
    if let Some(value) = value {
        out.insert(key.into(), value.into());
    }
}

fn list<T>(out: &mut Map<String, Value>, key: &str, items: &[T], print: impl Fn(&T) -> Value) {
    if !items.is_empty() {
        out.insert(key.into(), items.iter().map(print).collect());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// One address per family and one more, a route without a next hop, and what only 1.1.0 knows.
    fn result() -> AddResult {
        AddResult::from_json(&json!({
            "cniVersion": "1.1.0",
            "interfaces": [
                {"name": "pf0vf1"},
                {"name": "eth0", "mac": "0a:58:0a:80:00:05", "mtu": 1400, "sandbox": "/run/netns/x", "pciID": "0000:3b:00.2"},
            ],
            "ips": [
                {"interface": 1, "address": "10.128.0.5/23", "gateway": "10.128.0.1"},
                {"interface": 0, "address": "fd01::5/64"},
                {"address": "10.128.0.6/23"},
            ],
            "routes": [{"dst": "10.0.0.1/8", "gw": "10.128.0.1", "mtu": 1300}, {"dst": "fd00::/8", "table": 0}],
        }))
        .unwrap()
    }

    #[test]
    fn version_1_1() {
        let expected = json!({
            "cniVersion": "1.1.0",
            "interfaces": [
                {"name": "pf0vf1"},
                {"name": "eth0", "mac": "0a:58:0a:80:00:05", "mtu": 1400, "sandbox": "/run/netns/x", "pciID": "0000:3b:00.2"},
            ],
            "ips": [
                {"interface": 1, "address": "10.128.0.5/23", "gateway": "10.128.0.1"},
                {"interface": 0, "address": "fd01::5/64"},
                {"address": "10.128.0.6/23"},
            ],
            "routes": [{"dst": "10.0.0.0/8", "gw": "10.128.0.1", "mtu": 1300}, {"dst": "fd00::/8", "table": 0}],
            "dns": {},
        });
        assert_eq!(result().to_json(Version::V1_1_0), Ok(expected));
    }

    #[test]
    fn version_1_0_knows_less_of_interfaces() {
        let json = result().to_json(Version::V1_0_0).unwrap();
        let eth0 = json!({"name": "eth0", "mac": "0a:58:0a:80:00:05", "sandbox": "/run/netns/x"});
        assert_eq!(json["interfaces"][1], eth0);
        assert_eq!(json["ips"][0].get("version"), None);
    }

    #[test]
    fn versions_0_3_and_0_4_say_the_family() {
        for version in [Version::V0_3_0, Version::V0_3_1, Version::V0_4_0] {
            let json = result().to_json(version).unwrap();
            let ips = json!([
                {"version": "4", "interface": 1, "address": "10.128.0.5/23", "gateway": "10.128.0.1"},
                {"version": "6", "interface": 0, "address": "fd01::5/64"},
                {"version": "4", "address": "10.128.0.6/23"},
            ]);
            assert_eq!(json["ips"], ips);
            assert_eq!(json["interfaces"][1].get("mtu"), None);
            assert_eq!(json["routes"][0]["mtu"], 1300);
            assert_eq!(json["dns"], json!({}));
        }
    }

    #[test]
    fn the_oldest_versions_have_one_address_per_family() {
        for version in [Version::V0_1_0, Version::V0_2_0] {
            let expected = json!({
                "cniVersion": version.as_str(),
                "ip4": {
                    "ip": "10.128.0.5/23", "gateway": "10.128.0.1",
                    "routes": [{"dst": "10.0.0.0/8", "gw": "10.128.0.1"}],
                },
                "ip6": {"ip": "fd01::5/64", "routes": [{"dst": "fd00::/8"}]},
                "dns": {},
            });
            assert_eq!(result().to_json(version), Ok(expected));
            let mut v4 = result();
            v4.ips.retain(|ip| ip.address.is_ipv4());
            assert_eq!(v4.to_json(version).unwrap().get("ip6"), None);
            let error = AddResult::default().to_json(version).unwrap_err();
            assert_eq!(error.msg(), "cannot convert: no valid IP addresses");
        }
    }
}
