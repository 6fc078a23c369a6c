//! `dpu-nic-placeholder`: the node is Ready, pods of the pod network are refused with a sentence that a person can act
//! on, host-network pods run, and nothing is left of either.

mod cnitool;
mod cri;
mod podman;

/// What is said of the pod shop/web-0, in the two parts that a runtime joins.
const REFUSED: &str = "pod shop/web-0 refused: this DPU NIC node has no pod network";
const HINT: &str = "set hostNetwork: true in the pod spec, or keep the pod off DPU NIC nodes (nodeSelector, affinity or taint)";

/// That pod, where the runtime takes its names from the environment.
const POD: (&str, &str) = ("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0");
