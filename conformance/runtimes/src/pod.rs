//! A pod, as kubelet describes it to a runtime.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::cri::messages::{
    LinuxPodSandboxConfig, NODE, NamespaceOption, PodSandboxConfig, PodSandboxMetadata,
    SandboxSecurityContext,
};

/// A pod of one runtime under test; see [`super::Runtime::pod`].
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its namespace in Kubernetes.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// `hostNetwork: true`.
    pub host_network: bool,
    cgroup: String,
    logs: PathBuf,
}

impl Pod {
    pub(super) fn new(namespace: &str, name: &str, cgroup: &str, logs: &Path) -> Pod {
        Pod {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: format!("uid-of-{namespace}-{name}"),
            host_network: false,
            cgroup: cgroup.to_owned(),
            logs: logs.join(name),
        }
    }

    /// The same pod with `hostNetwork: true`.
    #[must_use]
    pub fn on_host_network(self) -> Pod {
        Pod { host_network: true, ..self }
    }

    /// The same pod with the UID that the API server gave it.
    #[must_use]
    pub fn with_uid(self, uid: &str) -> Pod {
        Pod { uid: uid.to_owned(), ..self }
    }

    pub(super) fn namespaces(&self) -> NamespaceOption {
        NamespaceOption { network: if self.host_network { NODE } else { 0 } }
    }

    pub(super) fn config(&self) -> PodSandboxConfig {
        let security_context = SandboxSecurityContext { namespace_options: Some(self.namespaces()) };
        PodSandboxConfig {
            metadata: Some(PodSandboxMetadata {
                name: self.name.clone(),
                uid: self.uid.clone(),
                namespace: self.namespace.clone(),
            }),
            hostname: if self.host_network { String::new() } else { self.name.clone() },
            log_directory: self.logs.to_string_lossy().into_owned(),
            annotations: HashMap::new(),
            linux: Some(LinuxPodSandboxConfig {
                cgroup_parent: self.cgroup.clone(),
                security_context: Some(security_context),
            }),
        }
    }
}
