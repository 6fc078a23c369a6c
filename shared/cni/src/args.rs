//! `CNI_ARGS`: what the runtime says about the pod.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The pairs of `CNI_ARGS` (`K=V;K2=V2`), read leniently.
///
/// Runtimes differ: Multus sends an empty `K8S_POD_INFRA_CONTAINER_ID`, containerd a random order, podman two
/// keys. So a value may be empty or hold `=`, the last of several wins, a piece that is no pair is skipped, and
/// unknown keys are nobody's error, with `IgnoreUnknown` or without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args(Vec<(String, String)>);

impl Args {
    /// Reads the text of the variable; no text is an error.
    pub fn parse(text: &str) -> Self {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (key, value) in text.split(';').filter_map(|piece| piece.split_once('=')) {
            match pairs.iter_mut().find(|(known, _)| known == key) {
                Some((_, last)) => value.clone_into(last),
                None => pairs.push((key.to_owned(), value.to_owned())),
            }
        }
        Self(pairs)
    }

    /// The value of `key`; an empty one counts as none.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs().find(|&(known, value)| known == key && !value.is_empty()).map(|(_, value)| value)
    }

    /// Every key once, in the order of its first appearance, with its value, be it empty.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The pod of this call, as far as the runtime names it.
    pub fn pod(&self) -> Pod {
        let get = |key| self.get(key).map(str::to_owned);
        Pod { namespace: get("K8S_POD_NAMESPACE"), name: get("K8S_POD_NAME"), uid: get("K8S_POD_UID") }
    }
}

/// A pod as `CNI_ARGS` names it: podman gives a name only, cnitool nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// `K8S_POD_NAMESPACE`.
    pub namespace: Option<String>,
    /// `K8S_POD_NAME`.
    pub name: Option<String>,
    /// `K8S_POD_UID`; in a static pod the hash of its manifest.
    pub uid: Option<String>,
}

/// `namespace/name`, the name alone, or `an unnamed pod`.
impl fmt::Display for Pod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => write!(f, "{namespace}/{name}"),
            (None, Some(name)) => f.write_str(name),
            (_, None) => f.write_str("an unnamed pod"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_cri_o_sends() {
        let args = Args::parse(
            "IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pod;K8S_POD_INFRA_CONTAINER_ID=;K8S_POD_UID=u",
        );
        assert_eq!(
            args.pod(),
            Pod { namespace: Some("ns".into()), name: Some("pod".into()), uid: Some("u".into()) }
        );
        assert_eq!(args.get("K8S_POD_INFRA_CONTAINER_ID"), None);
        assert_eq!(args.pod().to_string(), "ns/pod");
    }

    #[test]
    fn is_lenient() {
        let args = Args::parse("A=1;;B;C=x=y;=;A=2;D=");
        assert_eq!(args.get("A"), Some("2"));
        assert_eq!(args.get("B"), None);
        assert_eq!(args.get("C"), Some("x=y"));
        assert_eq!(args.pairs().collect::<Vec<_>>(), [("A", "2"), ("C", "x=y"), ("", ""), ("D", "")]);
        assert_eq!(Args::parse("").pairs().count(), 0);
    }

    #[test]
    fn names_the_pod_as_far_as_known() {
        assert_eq!(Args::parse("K8S_POD_NAME=web").pod().to_string(), "web");
        assert_eq!(Args::parse("K8S_POD_NAMESPACE=ns").pod().to_string(), "an unnamed pod");
        assert_eq!(Pod::default().to_string(), "an unnamed pod");
    }
}
