of_pool() { oc get machineconfigpool "$1" --ignore-not-found -o jsonpath="$2"; }

# pool_well POOL: stops where nothing would ever come. The SR-IOV operator's pause passes. One that is not there is well.
pool_well() {
  # In one answer: a pause ends with its annotation.
  state=$(of_pool "$1" '{.spec.paused}|{.metadata.annotations.sriovnetwork\.openshift\.io/state}|{.status.conditions[?(@.type=="Degraded")].status}|{.status.conditions[?(@.type=="Degraded")].message}') || {
    why="machineconfigpool $1 cannot be asked"
    return 1
  }
  case $state in
    *'|'*'|True|'*) stop "machineconfigpool $1 is Degraded: ${state#*|True|}" ;;
    'true|Paused|'*) by='sriov-network-operator' ;;
    'true|'*) by=$(oc get machineconfigpool "$1" --show-managed-fields -o jsonpath='{.metadata.managedFields[?(@.fieldsV1.f:spec.f:paused)].manager}') ;;
    *) return 0 ;;
  esac
  case $by in
    *sriov*) why="machineconfigpool $1 is paused by the SR-IOV operator, while it drains a node" ;;
    *) stop "machineconfigpool $1 is paused, by ${by:-somebody}: nothing reaches its nodes; oc patch mcp $1 --type=merge -p '{\"spec\":{\"paused\":false}}'" ;;
  esac
}
