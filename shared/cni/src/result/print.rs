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
    /// 0.2 there is one address per family and no interface at all. A route's newer fields stay, as in Go.
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
        if version < Version::V1_0_0 || self.dns != Dns::default() {
            out.insert("dns".into(), print_dns(&self.dns));
        }
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
