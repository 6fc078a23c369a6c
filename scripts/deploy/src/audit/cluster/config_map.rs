//! `hardware-offload-config`, as the network operator takes it (`pkg/network/ovn_kubernetes.go`).

use serde_json::Value;

use crate::audit::finding::Findings;

pub(super) fn check(map: &Value, findings: &mut Findings) {
    let given = |name: &str| map["data"][name].as_str();
    for name in ["dpu-host-mode-label", "dpu-mode-label"] {
        if let Some(label) = given(name).filter(|label| !label.ends_with('=')) {
            let text = format!("hardware-offload-config has {name}: {label}");
            findings.error("cluster", text, "write it as key= with an empty value, and label the nodes so: others of that key get no ovnkube-node");
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
