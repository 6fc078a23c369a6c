//! How Multus reads which networks a pod wants (`pkg/k8sclient/k8sclient.go: parsePodNetworkAnnotation`): names with
//! commas between them, `namespace/name@interface` each, or a JSON list of objects.

use std::fmt::{self, Display};
use std::net::IpAddr;

use serde_json::{Map, Value};

/// One network of an annotation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Empty where Multus takes its own.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// The networks of an annotation.
///
/// # Errors
/// With what Multus would say of it.
pub(crate) fn parse(annotation: &str) -> Result<Vec<Element>, String> {
    if is_json(annotation) {
        let objects: Vec<Map<String, Value>> = serde_json::from_str(annotation)
            .map_err(|error| format!("it is no list of objects in JSON: {error}"))?;
        return objects.iter().map(Element::of).collect();
    }
    annotation.split(',').map(|item| Element::named(item.trim())).collect()
}

fn is_json(annotation: &str) -> bool {
    annotation.contains(['[', '{', '"'])
}

impl Element {
    fn of(object: &Map<String, Value>) -> Result<Self, String> {
        let text = |name: &str| match get(object, name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(format!("its {name} is {other}")),
        };
        let mac = text("mac")?;
        if !mac.is_empty() && !hardware_address(&mac) {
            return Err(format!("its mac '{mac}' is none"));
        }
        match get(object, "ips") {
            None | Some(Value::Null) => {}
            Some(Value::Array(ips)) if ips.iter().all(|ip| ip.as_str().is_some_and(address)) => {}
            Some(ips) => return Err(format!("its ips {ips} are no list of addresses")),
        }
        Ok(Element { namespace: text("namespace")?, name: text("name")? })
    }

    fn named(item: &str) -> Result<Self, String> {
        let (namespace, rest) = item.split_once('/').unwrap_or(("", item));
        let (name, interface) = rest.split_once('@').unwrap_or((rest, ""));
        let (namespace, name) = (namespace.trim(), name.trim());
        let label = |text: &str| {
            let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            text.chars().all(inside) && !text.starts_with('-') && !text.ends_with('-')
        };
        let link =
            |text: &str| text.len() < 16 && !text.contains(|c: char| c == '@' || c.is_ascii_whitespace());
        if rest.contains('/') || !link(interface.trim()) || !label(namespace) || !label(name) {
            return Err(format!("'{item}' is not namespace/name@interface"));
        }
        Ok(Element { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

/// An address, with a prefix's length or without (Go's `net.ParseIP`, `net.ParseCIDR`).
fn address(text: &str) -> bool {
    let (ip, prefix) = text.split_once('/').map_or((text, None), |(ip, prefix)| (ip, Some(prefix)));
    let Ok(ip) = ip.parse::<IpAddr>() else { return false };
    let bits = if ip.is_ipv4() { 32 } else { 128 };
    prefix.is_none_or(|prefix| prefix.parse::<u8>().is_ok_and(|length| length <= bits))
}

/// An address of Ethernet or InfiniBand, in pairs of digits (Go's `net.ParseMAC`, which takes dots too).
fn hardware_address(text: &str) -> bool {
    let hex = |part: &str, length| part.len() == length && part.chars().all(|c| c.is_ascii_hexdigit());
    let made = |separator, length, counts: [usize; 3]| {
        let mut parts = text.split(separator);
        counts.contains(&parts.clone().count()) && parts.all(|part| hex(part, length))
    };
    made(':', 2, [6, 8, 20]) || made('-', 2, [6, 8, 20]) || made('.', 4, [3, 4, 10])
}

/// As Go finds a field: in any case of letters.
fn get<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The network that a pod must name.
pub(crate) struct Wanted {
    namespace: String,
    pub(crate) name: String,
}

impl Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Wanted {
    /// Reads `namespace/name`.
    pub(crate) fn new(name: &str) -> Self {
        let (namespace, name) = name.split_once('/').unwrap_or(("", name));
        Wanted { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// In CEL, whether the annotation `a` names this network alone. JSON cannot be read there: a list that has our name
    /// and namespace is taken at its word, and Multus says the rest.
    pub(crate) fn named_in_cel(&self) -> String {
        let Wanted { namespace, name } = self;
        format!(
            "a.matches(r'^\\s*{namespace}\\s*/\\s*{name}\\s*(@\\s*[^@/,\\[{{\"\\s]{{0,15}}\\s*)?$') ||\n  \
             a.matches(r'^\\s*\\[') && a.matches(r'\"(?i:name)\"\\s*:\\s*\"{name}\"') &&\n  \
             a.matches(r'\"(?i:namespace)\"\\s*:\\s*\"{namespace}\"')"
        )
    }

    /// What is wrong with an annotation that should name this network alone, and what it should be instead, where that
    /// loses nothing; `None` where nothing is wrong.
    pub(crate) fn judge(&self, annotation: &str) -> Option<(String, Option<String>)> {
        // What else is said in JSON, such as an address, is for a person to keep or drop.
        let anew = (!is_json(annotation)).then(|| self.to_string());
        let elements = match parse(annotation) {
            Ok(elements) => elements,
            Err(why) => {
                return Some((format!("Multus cannot read its default network {annotation}: {why}"), anew));
            }
        };
        match elements.as_slice() {
            [one] if one.name == self.name && one.namespace == self.namespace => None,
            [one] if one.name == self.name && one.namespace.is_empty() => Some((
                format!("its default network {annotation} names no namespace, and Multus looks in its own"),
                self.qualified(annotation),
            )),
            [one] => Some((
                format!("its default network is {}/{}", one.namespace, one.name).replace(" is /", " is "),
                anew,
            )),
            many => Some((format!("it names {} default networks, and Multus takes one", many.len()), anew)),
        }
    }

    /// The same annotation, with our namespace.
    fn qualified(&self, annotation: &str) -> Option<String> {
        if !is_json(annotation) {
            return Some(format!("{}/{}", self.namespace, annotation.trim().trim_start_matches('/')));
        }
        let mut list: Vec<Map<String, Value>> = serde_json::from_str(annotation).ok()?;
        let object = list.first_mut()?;
        object.retain(|key, _| !key.eq_ignore_ascii_case("namespace"));
        object.insert("namespace".to_owned(), self.namespace.as_str().into());
        serde_json::to_string(&list).ok()
    }
}
