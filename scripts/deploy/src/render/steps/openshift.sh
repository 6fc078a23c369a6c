healthy() { pool_well "$pool"; }

# The pool's configuration has our files as they are now: to render it takes seconds, and its conditions are still those of before.
pool_has_our_files() {
  rendered=$(of_pool "$pool" '{.spec.configuration.name}') && [ "$rendered" ] || return
  theirs=$(files_of "$rendered") || return
  for config in $machine_configs; do
    ours=$(files_of "$config") || return
    both=$(printf '%s\n%s\n' "$theirs" "$ours" | sort | uniq -d | grep -c .)
    [ "$both" -eq "$(printf '%s\n' "$ours" | grep -c .)" ] || return
  done
}

files_of() { oc get machineconfig "$1" -o jsonpath='{range .spec.config.storage.files[*]}{.path} {.contents.source}{"\n"}{end}'; }

# By the node's own annotations, which the daemon writes last.
machine_config_done() {
  rendered=$(of_pool "$pool" '{.spec.configuration.name}') || return
  daemon=$(of_node '{.metadata.annotations.machineconfiguration\.openshift\.io/currentConfig} {.metadata.annotations.machineconfiguration\.openshift\.io/desiredConfig} {.metadata.annotations.machineconfiguration\.openshift\.io/state}') || return
  case $daemon in
    "$rendered $rendered Done") return ;;
    *Degraded | *Unreconcilable) stop "$node is ${daemon##* }: $(of_node '{.metadata.annotations.machineconfiguration\.openshift\.io/reason}')" ;;
    *" $rendered Done") why=${why:-'the daemon has not begun'} ;;
    *" $rendered "*) why=${why:-"the daemon is ${daemon##* }"} ;;
    *) why=${why:-"its turn has not come$(in_the_way)"} ;;
  esac
  return 1
}

# The operator counts cordoned nodes of the pool as unavailable, and updates maxUnavailable at once.
in_the_way() {
  nodes=$(oc get nodes -l "$role" -o jsonpath='{range .items[?(@.spec.unschedulable)]}{.metadata.name} {end}') || return
  [ ! "$nodes" ] || printf '; cordoned in the pool: %s' "$nodes"
}

prerequisites() {
  version=$(oc get clusterversion version -o jsonpath='{.status.desired.version}') || stop "this is no OpenShift cluster, or it cannot be asked"
  minor=${version#4.}
  minor=${minor%%.*}
  [ "$minor" -ge 17 ] 2>/dev/null || stop "OpenShift is $version; 4.17 is the first with node disruption policies (20-machineconfiguration)"
  { pool_well worker && pool_well "$pool"; } || stop "$why"
  needs
}

check_node() {
  has node-role.kubernetes.io/worker || stop "$node is no worker of this cluster"
  pools=$(oc get machineconfigpools -o name) || stop "the pools cannot be asked"
  for other in $pools; do
    other=${other##*/}
    case $other in master | worker | "$pool") continue ;; esac
    ! has "node-role.kubernetes.io/$other" || stop "$node is in the pool $other, and a node can be in one pool only beside worker: take it out of that"
  done
}

# MachineConfigs change no node before one is in the pool; later they do, as the pool's maxUnavailable says.
for_all_nodes() {
  say "== what concerns no single node"
  for manifest in $manifests; do apply "$manifest"; done
  await 300 "machineconfigpool $pool to take up our files" pool_has_our_files
}

# The operator passes over a node that is cordoned; the others it drains itself, and uncordons when it is done.
configured() {
  machine_config_done || ADMIN uncordon "$node" || stop "$node cannot be uncordoned"
  await 5400 "the machine config operator to drain $node, write and reboot" machine_config_done
  cordon
  oc debug -q "node/$node" -- chroot /host "$binary" || stop "$binary is not on $node"
}

install_on() {
  if has "$role,$mode" && ! interrupted; then
    taint
    await 5400 "the machine config operator to bring $node up to date" machine_config_done
    ask_for_vfs
    await 1800 "what $node needs besides" served
    say "$node has everything"
    return
  fi
  close
  taint
  if has "$role,$mode"; then
    configured
  else
    drain
    label "$role"
    configured
    # What the taint did not keep off meanwhile: the new mode evicts nobody, and such a pod would have no network.
    drain
    label "$mode"
  fi
  serve
  await 900 "$node to be Ready (why not: oc describe node $node)" ready
  open
}
