//! A container to attach, and its attachment.

use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};
use testkit::namespace::Container;

use super::call::Call;
use super::fixture::Overlay;

/// A container that the plugin may be called for. When it goes away, it is DELeted first if it was ever ADDed, as
/// the specification makes runtimes promise.
#[derive(Debug)]
pub(crate) struct Pod {
    /// `CNI_CONTAINERID`.
    pub id: String,
    /// `CNI_IFNAME`.
    pub ifname: String,
    /// `K8S_POD_NAME`.
    pub name: String,
    /// Its network namespace.
    pub container: Container,
    /// What its surroundings add to its calls.
    pub overlay: Overlay,
    farewell: Mutex<Option<Call>>,
}

/// A pod that ADD has succeeded for.
#[derive(Debug)]
pub(crate) struct Attached {
    /// The pod.
    pub pod: Pod,
    /// ADD's result.
    pub result: Map<String, Value>,
}

/// The namespace of all pods of the suite.
pub(crate) const POD_NAMESPACE: &str = "suite";

impl Pod {
    /// One that has not been attached.
    pub(crate) fn new(id: String, ifname: String, name: String, container: Container) -> Pod {
        Pod { id, ifname, name, container, overlay: Overlay::default(), farewell: Mutex::new(None) }
    }

    /// `K8S_POD_UID`.
    pub(crate) fn uid(&self) -> String {
        format!("{}-uid", self.name)
    }

    /// `CNI_ARGS` as CRI-O writes them.
    pub(crate) fn args(&self) -> String {
        let Pod { id, name, .. } = self;
        format!(
            "IgnoreUnknown=1;K8S_POD_NAMESPACE={POD_NAMESPACE};K8S_POD_NAME={name};\
             K8S_POD_INFRA_CONTAINER_ID={id};K8S_POD_UID={}",
            self.uid()
        )
    }

    /// Remembers how to undo an ADD.
    pub(crate) fn owe(&self, del: Call) {
        *self.farewell.lock().unwrap_or_else(PoisonError::into_inner) = Some(del);
    }

    /// Sends no DEL for it in the end.
    pub(crate) fn forget(&self) {
        self.farewell.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Whether its interface exists in its namespace.
    pub(crate) fn has_interface(&self) -> anyhow::Result<bool> {
        Ok(super::witness::interfaces(&self.container)?.iter().any(|link| link == &self.ifname))
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let farewell = self.farewell.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Best effort: the namespaces and the files go away in any case. Not `run`, which an interruption stops.
        if let Some(call) = farewell {
            let _ = call.start().and_then(|running| call.answer(running));
        }
    }
}
