//! Pods on the node: what the API server and the kubelet know of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use kubelet::wire::{CdiDevice, ClaimResource, ContainerDevices, ContainerResources, DynamicResource};
use testkit::namespace::Namespace;

use super::Node;
use super::pods::{PodObject, Udn};
use super::sandbox::Pod;
use super::state::PodKey;
use super::vf::Vf;

/// The resource of the pool from which pods' VFs are.
const POOL: &str = "openshift.io/dpuvf";

impl Node {
    /// Registers a pod with the next free addresses, and makes a sandbox for it; the kubelet lists it. One of the same
    /// name is replaced, as by a StatefulSet.
    ///
    /// # Errors
    /// When no namespace can be made.
    pub fn pod(&self, namespace: &str, name: &str) -> Result<Pod> {
        let key = (namespace.to_owned(), name.to_owned());
        let mut pod = Pod::new(namespace, name, "", Namespace::new("pod")?);
        // Of the form of a UID, and as unique as the container ID.
        let digits = &pod.container;
        pod.uid = format!("{}-{}-4000-8000-{}", &digits[8..16], &digits[4..8], &digits[52..64]);
        self.shared.change(|state| state.register(key, &pod.uid));
        Ok(pod)
    }

    /// From now on the server knows the pods that `lookup` finds by namespace and name, with the UID that it tells, and
    /// no other ones: those of a real API server.
    pub fn look_up_pods(
        &self,
        lookup: impl Fn(&str, &str) -> Result<Option<String>> + Send + Sync + 'static,
    ) {
        self.behave(|behaviour| behaviour.invents_pods = false);
        self.shared.look_up_pods(Box::new(lookup));
    }

    /// Makes another sandbox for the same pod, as a runtime does when the first one died.
    ///
    /// # Errors
    /// When no namespace can be made.
    pub fn another_sandbox(&self, pod: &Pod) -> Result<Pod> {
        Ok(Pod::new(&pod.namespace, &pod.name, &pod.uid, Namespace::new("pod")?))
    }

    /// Makes another sandbox for `pod` where the namespace of `dead` was: under the same path.
    ///
    /// # Errors
    /// When that is still there, or no namespace can be made.
    pub fn sandbox_in_place_of(&self, dead: &Pod, pod: &Pod) -> Result<Pod> {
        let netns = Namespace::named(dead.netns().name())?;
        Ok(Pod::new(&pod.namespace, &pod.name, &pod.uid, netns))
    }

    /// Changes the pod as the API server knows it.
    ///
    /// # Errors
    /// When there is no such pod.
    pub fn edit_pod<T>(&self, pod: &Pod, change: impl FnOnce(&mut PodObject) -> T) -> Result<T> {
        let key = (pod.namespace.clone(), pod.name.clone());
        self.shared.change(|state| state.pods.get_mut(&key).map(change)).context("no such pod")
    }

    /// Gives the pod a primary user-defined network, and this VF beside those that it has of the pods' pool. Which of them
    /// the network gets the server chooses: the last.
    ///
    /// # Errors
    /// When there is no such pod.
    pub fn give_udn(&self, pod: &Pod, vf: &Vf) -> Result<()> {
        self.give_udn_to(&pod.namespace, &pod.name, vf.device_id())
    }

    pub(super) fn give_udn_to(&self, namespace: &str, name: &str, device: &str) -> Result<()> {
        let key: PodKey = (namespace.to_owned(), name.to_owned());
        self.shared.change(|state| {
            let interface = state.udn_interface();
            let object = state.pod(&key, None).context("no such pod")?;
            if let Some(default) = object.interfaces.get_mut("eth0") {
                default.role = String::from("infrastructure-locked");
                // The default route is the other network's.
                default.gateways.clear();
            }
            object.udn = Some(Udn { interface, resource: Some(POOL.into()) });
            Ok::<_, anyhow::Error>(())
        })?;
        let has = |container: &ContainerResources| {
            container.devices.iter().any(|devices| devices.device_ids.iter().any(|id| id == device))
        };
        let listed =
            self.shared.state().listed.get(&key).is_some_and(|containers| containers.iter().any(has));
        if !listed {
            self.allocate_to(namespace, name, POOL, &[device]);
        }
        Ok(())
    }

    /// Gives the pod these interfaces of one secondary network, whose attachment definition is `nad`
    /// (`namespace/name`). With more than one, each knows of all (`pod-if-names`).
    ///
    /// # Errors
    /// When there is no such pod.
    pub fn give_interfaces(&self, pod: &Pod, nad: &str, names: &[&str]) -> Result<()> {
        let mut interfaces = self.shared.change(|state| state.repeated_interfaces(nad, names));
        if let [only] = interfaces.as_mut_slice() {
            only.pod_if_names.clear();
        }
        self.edit_pod(pod, |object| {
            object.interfaces.extend(names.iter().map(|name| String::from(*name)).zip(interfaces));
        })
    }

    /// Removes the pod from the API server, with its annotations; its sandbox stays.
    pub fn delete_pod(&self, pod: &Pod) {
        self.delete_named_pod(&pod.namespace, &pod.name);
    }

    pub(super) fn delete_named_pod(&self, namespace: &str, name: &str) {
        self.shared.change(|state| state.delete(&(namespace.into(), name.into())));
    }

    /// The pod as the API server knows it.
    pub fn pod_object(&self, pod: &Pod) -> Option<PodObject> {
        self.shared.state().pods.get(&(pod.namespace.clone(), pod.name.clone())).cloned()
    }

    /// Tells the kubelet which devices of `resource` it has given to one more container of the pod. A pod that it did not
    /// list is listed now.
    pub fn allocate(&self, pod: &Pod, resource: &str, devices: &[&str]) {
        self.allocate_to(&pod.namespace, &pod.name, resource, devices);
    }

    pub(super) fn allocate_to(&self, namespace: &str, name: &str, resource: &str, devices: &[&str]) {
        // A message for each device, as a kubelet sends them.
        let device =
            |id: &&str| ContainerDevices { resource_name: resource.into(), device_ids: vec![(*id).into()] };
        let devices = devices.iter().map(device).collect();
        self.add_container(namespace, name, ContainerResources { devices, ..ContainerResources::default() });
    }

    /// Tells the kubelet that one more container of the pod has this resource claim, which is of the pod's namespace, with
    /// all of its devices: driver and name of each.
    pub fn allocate_claim(&self, pod: &Pod, claim: &str, devices: &[(&str, &str)]) {
        self.allocate_claim_to(&pod.namespace, &pod.name, claim, devices);
    }

    pub(super) fn allocate_claim_to(
        &self,
        namespace: &str,
        name: &str,
        claim: &str,
        devices: &[(&str, &str)],
    ) {
        let mut heap: BTreeMap<&str, Vec<CdiDevice>> = BTreeMap::new();
        let mut claim_resources = Vec::new();
        for (driver, device) in devices {
            // The kubelet never begins this list anew.
            let cdi_devices = heap.entry(driver).or_default();
            cdi_devices.push(CdiDevice { name: format!("{driver}/vf={device}") });
            claim_resources.push(ClaimResource {
                cdi_devices: cdi_devices.clone(),
                driver_name: (*driver).into(),
                pool_name: "node-1".into(),
                device_name: (*device).into(),
                share_id: None,
            });
        }
        let claim =
            DynamicResource { claim_name: claim.into(), claim_namespace: namespace.into(), claim_resources };
        let dynamic_resources = vec![claim];
        self.add_container(
            namespace,
            name,
            ContainerResources { dynamic_resources, ..ContainerResources::default() },
        );
    }

    fn add_container(&self, namespace: &str, name: &str, container: ContainerResources) {
        let key = (namespace.into(), name.into());
        self.shared.change(|state| {
            let containers = state.listed.entry(key).or_default();
            let name = format!("container-{}", containers.len());
            containers.push(ContainerResources { name, ..container });
        });
    }

    /// The devices with which the kubelet lists the pod, if it does.
    pub fn listed(&self, pod: &Pod) -> Option<Vec<String>> {
        let key = (pod.namespace.clone(), pod.name.clone());
        let containers = self.shared.state().listed.get(&key).cloned()?;
        let devices = containers.into_iter().flat_map(|container| container.devices);
        Some(devices.flat_map(|devices| devices.device_ids).collect())
    }

    /// Makes the kubelet forget the pod and its devices, whatever the API server knows: it has seen its containers end,
    /// or has not been told of the pod yet.
    pub fn unlist(&self, pod: &Pod) {
        self.shared.change(|state| state.listed.remove(&(pod.namespace.clone(), pod.name.clone())));
    }
}
