# The SR-IOV operator drains a node of its own when a policy leaves it, and pauses the pool meanwhile.
vfs_gone() {
  state=$(of_state '{.status.syncStatus} {.metadata.annotations.sriovnetwork\.openshift\.io/current-state}') || return
  case $state in
    Failed*) stop "the SR-IOV operator failed on $node: $(of_state '{.status.lastSyncError}')" ;;
    '' | ' ' | 'Succeeded ' | 'Succeeded Idle') ;;
    *)
      why="it is at $state"
      return 1
      ;;
  esac
  offered=$(of_node '{.status.allocatable}') || return
  for resource in $resources; do
    case $offered in
      *"/$resource\":\"0\""* | *"/$resource\": \"0\""*) ;;
      *"/$resource\""*)
        why="the node still offers $resource"
        return 1
        ;;
    esac
  done
}

no_vfs() {
  sriov_defined || return 0
  await 1800 "the SR-IOV operator to take the VFs of $node away" vfs_gone
}
