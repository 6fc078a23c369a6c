//! `hardware-offload-config`, as the network operator takes it (`pkg/network/ovn_kubernetes.go`).

use serde_json::Value;

use crate::audit::finding::Findings;
use crate::known::{DPU_HOST_MODE, DPU_MODE};

pub(super) fn check(map: &Value, findings: &mut Findings) {
    let given = |name: &str| map["data"][name].as_str();
    for (name, usual) in [("dpu-host-mode-label", DPU_HOST_MODE), ("dpu-mode-label", DPU_MODE)] {
        let Some(label) = given(name) else { continue };
        if !label.ends_with('=') {
            let text = format!("hardware-offload-config has {name}: {label}");
            findings.error("cluster", text, "write it as key= with an empty value, and label the nodes so: others of that key get no ovnkube-node");
        }
        if label.split('=').next() != Some(usual) {
            bound_to_the_usual_key(name, label, usual, findings);
        }
    }
    let number = |name: &str| given(name).map(|text| (text, text.parse::<u32>().ok()));
    if let Some((text, None | Some(0))) = number("mgmt-port-resource-count") {
        findings.error(
            "cluster",
            format!(
                "hardware-offload-config has mgmt-port-resource-count: {text}, which degrades the network operator"
            ),
            "write a number above 0: 1, unless primary networks of a user's own are in use",
        );
    }
    let duration = number("dpu-node-lease-duration");
    let interval = number("dpu-node-lease-renew-interval");
    if let (Some((duration, duration_number)), Some((interval, interval_number))) = (duration, interval)
        && (duration_number.is_none() || interval_number.is_none() || duration_number <= interval_number)
    {
        let text = format!(
            "hardware-offload-config has a lease of {duration} s, renewed every {interval} s: the operator takes its defaults, 40 and 10, for both"
        );
        findings.warning("cluster", text, "write a duration that is some times the interval");
    }
}

/// What the network operator ties to its default keys, whatever is configured here
/// (`bindata/network/{network-metrics,network-diagnostics,ovn-kubernetes/common/error-cni}`).
fn bound_to_the_usual_key(name: &str, label: &str, usual: &str, findings: &mut Findings) {
    let missing = if usual == DPU_MODE {
        ", and error-cni, with Multus' readiness file, does not come there"
    } else {
        ""
    };
    let text = format!(
        "hardware-offload-config has {name}: {label}; network-metrics-daemon and network-check-target are kept off by {usual} only: \
         their pods land on nodes of that label and never start{missing}"
    );
    let remedy =
        format!("they degrade nothing; to be rid of them use {usual}= in this ConfigMap and on the nodes");
    findings.warning("cluster", text, remedy);
}
