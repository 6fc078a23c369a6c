# Whether the SR-IOV operator's definitions are here.
sriov_defined() {
  found=$(CLIENT get crd sriovnetworknodepolicies.sriovnetwork.openshift.io --ignore-not-found -o name) || stop "the cluster cannot be asked"
  [ "$found" ]
}

# What the operator says of the node.
of_state() { CLIENT get sriovnetworknodestate "$node" -n "$sriov_namespace" --ignore-not-found -o jsonpath="$1"; }
