healthy() { pool_well "$pool" && pool_well worker; }

prerequisites() { healthy || stop "$why"; }

# In the pool, in the mode, on their way out of it, or left by an earlier run.
nodes() {
  for label in $role $modes; do labelled "$label"; done
  all=$(oc get nodes -o jsonpath='{range .items[*]}{.metadata.name} {.metadata.annotations.machineconfiguration\.openshift\.io/currentConfig} {.metadata.annotations.machineconfiguration\.openshift\.io/desiredConfig} :{.metadata.annotations.dpu-cni/was-cordoned}{"\n"}{end}') ||
    stop "the cluster cannot be asked"
  printf '%s\n' "$all" | sed -n "/ rendered-$pool-[0-9a-f]* /s/ .*//p; / :./s/ .*//p"
}

# By the node's own plugin; a node that cannot be asked is not free. Without a plugin there must be no records either.
vfs_home() {
  rows=$(oc debug -q "node/$node" -- chroot /host sh -c "if [ -x $binary ]; then $binary vfs --json; else [ ! -d /run/dpu-cni ]; fi") ||
    stop "$node does not say where its VFs are: oc debug node/$node -- chroot /host $binary vfs"
  away=$(printf '%s\n' "$rows" | tr '\n{' ' \n' | sed -n 's/.*"device": *"\([^"]*\)".*"state": *"\([a-z]*\)".*/\1 is \2,/p' | grep -Ev ' (free|foreign),$')
  [ "$away" ] || return 0
  why=$(printf '%s\n' "$away" | sed "s|^\([^ ]*\) is orphaned,|\1 is orphaned: $binary vfs --release \1 there,|" | tr '\n' ' ')
  why=${why%, }
  return 1
}

# By the node's own annotations, which the daemon writes last.
left_pool() {
  rendered_worker=$(of_pool worker '{.spec.configuration.name}') || return
  daemon=$(of_node '{.metadata.annotations.machineconfiguration\.openshift\.io/currentConfig} {.metadata.annotations.machineconfiguration\.openshift\.io/desiredConfig} {.metadata.annotations.machineconfiguration\.openshift\.io/state}') || return
  case $daemon in
    "$rendered_worker $rendered_worker Done") return ;;
    *Degraded | *Unreconcilable) stop "$node is ${daemon##* }: $(of_node '{.metadata.annotations.machineconfiguration\.openshift\.io/reason}')" ;;
    *" $rendered_worker Done") why=${why:-'the daemon has not begun'} ;;
    *" $rendered_worker "*) why=${why:-"the daemon is ${daemon##* }"} ;;
    *) why=${why:-"its turn has not come: pool worker updates maxUnavailable nodes at once, and cordoned ones count"} ;;
  esac
  return 1
}

# The configuration, the binary and the reboot come with the move to the pool worker, on a node that pods have left. The
# operator passes over a node that is cordoned, drains it itself, and uncordons it when it is done; the taint keeps pods off.
take_off() {
  close
  drain
  [ ! "$binary" ] || await 300 "every VF of $node to be at home" vfs_home
  for mode in $modes; do unlabel "$mode"; done
  no_vfs
  await 900 "$node to be Ready (why not: oc describe node $node)" ready
  unlabel "$role"
  left_pool || oc adm uncordon "$node" || stop "$node cannot be uncordoned"
  await 5400 "the machine config operator to take $node to the pool worker" left_pool
  give_back
}

end() {
  oc delete --ignore-not-found machineconfigpool "$pool" || stop "the pool cannot be deleted"
}
