//! What every Kubernetes object has.

use std::collections::BTreeMap;

use serde::Serialize;

/// Labels, annotations, selectors: sorted, so that the same input gives the same bytes.
pub(crate) type Map = BTreeMap<String, String>;

/// An object: its identity and its body.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object<B> {
    pub(crate) api_version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) metadata: Meta,
    #[serde(flatten)]
    pub(crate) body: B,
}

/// The body of most objects.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Spec<T> {
    pub(crate) spec: T,
}

/// The body of a ConfigMap.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Data {
    pub(crate) data: Map,
}

/// The metadata that we set.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Meta {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) labels: Map,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) annotations: Map,
}

impl Meta {
    /// An object of the whole cluster.
    pub(crate) fn cluster(name: impl Into<String>) -> Self {
        Meta { name: name.into(), ..Meta::default() }
    }

    /// An object of a namespace.
    pub(crate) fn namespaced(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Meta { name: name.into(), namespace: Some(namespace.into()), ..Meta::default() }
    }

    /// With one label more.
    pub(crate) fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// With one annotation more.
    pub(crate) fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }
}

impl<B> Object<B> {
    /// The same object with nothing in it, no empty `spec` either: applied on the server under our field manager, it
    /// takes our fields and our name away, and leaves everybody else's.
    pub(crate) fn without_fields(&self) -> Object<Map> {
        Object {
            api_version: self.api_version,
            kind: self.kind,
            metadata: self.metadata.clone(),
            body: Map::new(),
        }
    }
}

/// An object with a `spec`.
pub(crate) fn object<T>(
    api_version: &'static str,
    kind: &'static str,
    metadata: Meta,
    spec: T,
) -> Object<Spec<T>> {
    Object { api_version, kind, metadata, body: Spec { spec } }
}

/// A map of one entry.
pub(crate) fn one(key: impl Into<String>, value: impl Into<String>) -> Map {
    Map::from([(key.into(), value.into())])
}
