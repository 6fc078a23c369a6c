needs() {
  if ! sriov_defined; then
    @without_sriov@
  elif [ ! "$(CLIENT get sriovoperatorconfig default -n "$sriov_namespace" --ignore-not-found -o name)" ]; then
    stop "SriovOperatorConfig default is missing: without it the SR-IOV operator runs no daemon and no webhook. The least of one:
apiVersion: sriovnetwork.openshift.io/v1
kind: SriovOperatorConfig
metadata:
  name: default
  namespace: $sriov_namespace
spec:
  enableInjector: true
  enableOperatorWebhook: true
  logLevel: 2"
  fi
  for policy in $policies; do
    CLIENT get --raw "/apis/admissionregistration.k8s.io/${policy%/*}" | grep -q "\"name\": *\"${policy#*/}\"" ||
      stop "the API server does not serve $policy of admissionregistration.k8s.io: @policies_hint@"
  done
}

cards_seen() {
  for pf in $functions; do
    total=$(of_state "{.status.interfaces[?(@.name==\"$pf\")].totalvfs}") && [ "$total" ] || return
  done
}

# The operator's webhook does not ask the firmware, and in DPU mode its daemon does not change it.
enough_vfs() {
  for pf in $functions; do
    total=$(of_state "{.status.interfaces[?(@.name==\"$pf\")].totalvfs}") || stop "the SR-IOV operator's state of $node cannot be read"
    [ "$total" -ge "$num_vfs" ] ||
      stop "$pf of $node has $total VFs, and sriov.numVfs is $num_vfs: set NUM_OF_VFS in the card's firmware and power-cycle, or render fewer"
  done
}

ask_for_vfs() {
  sriov_defined || return 0
  enough_vfs
  for manifest in $sriov_manifests; do apply "$manifest"; done
}

# The operator refuses a policy while no node is in the mode, and again while none shows such a card.
serve() {
  if ! sriov_defined; then
    await 300 "a device plugin to offer VFs on $node" allocatable
    return
  fi
  await 300 "the SR-IOV operator to see $functions on $node (does configDaemonNodeSelector of SriovOperatorConfig default choose it?)" cards_seen
  ask_for_vfs
  await 1800 "the SR-IOV operator to make the VFs of $node" served
  # It uncordons whoever had cordoned.
  cordon
}

served() {
  if sriov_defined; then
    sync=$(of_state '{.status.syncStatus} {.metadata.annotations.sriovnetwork\.openshift\.io/current-state}') || return
    case $sync in
      Failed*) stop "the SR-IOV operator failed on $node: $(of_state '{.status.lastSyncError}')" ;;
      'Succeeded ' | 'Succeeded Idle') ;;
      *)
        why=${why:-"it is at $sync"}
        return 1
        ;;
    esac
  fi
  allocatable
}

# Of both pools: that of the management port first.
allocatable() {
  case $(of_node "$allocatable") in
    [1-9]*' '[1-9]*) return ;;
  esac
  why=${why:-"the node offers none yet"}
  return 1
}
