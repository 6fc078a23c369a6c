say() { printf '%s\n' "$*"; }

stop() {
  printf 'uninstall: %s\n' "$*" >&2
  exit 1
}

# await SECONDS WHAT COMMAND...: asks every five seconds; says what it waits for, and what the command knows of it in $why.
await() {
  left=$1 what=$2 said=
  shift 2
  while why='' && healthy && ! "$@"; do
    if [ "$said" != "$what${why:+ ($why)}" ]; then
      said="$what${why:+ ($why)}"
      say "  waiting for $said"
    fi
    [ "$left" -gt 0 ] || stop "$what: not within the time given${why:+ ($why)}; look there, and run this again"
    sleep 5
    left=$((left - 5))
  done
}

# What has no definition here was never made here, and what is gone is gone.
delete() {
  for manifest in $1; do
    refusal=$(CLIENT delete --ignore-not-found -f "$rendered/$manifest" 2>&1) || case $refusal in
      *'no matches for kind'* | *"doesn't have a resource type"*) continue ;;
      *) stop "$manifest cannot be deleted: $refusal" ;;
    esac
    [ ! "$refusal" ] || say "$refusal"
  done
}

# Objects of the whole cluster lose our fields, where they are there.
release() {
  for manifest in $1; do
    ! CLIENT get -f "$rendered/release/$manifest" >/dev/null 2>&1 ||
      CLIENT apply --server-side --field-manager=@manager@ -f "$rendered/release/$manifest" ||
      stop "our fields of $manifest cannot be given back"
  done
}

of_node() { CLIENT get node "$node" -o jsonpath="$1"; }

# Whether an earlier run has ended before it opened the node again.
interrupted() {
  was=$(of_node '{.metadata.annotations.dpu-cni/was-cordoned}') || stop "$node cannot be asked"
  [ "$was" ]
}

# Whether somebody had cordoned the node before us is noted on it: at the end it is as it was.
close() {
  if ! interrupted; then
    was=$(of_node '{.spec.unschedulable}') || stop "$node cannot be asked"
    was=${was:-false}
    CLIENT annotate node "$node" --overwrite "dpu-cni/was-cordoned=$was" || stop "$node cannot be annotated"
  fi
  closed=$node
  cordon
}

open() {
  closed=
  if [ "$was" = true ]; then
    cordon
    say "$node stays cordoned: it was before"
  else
    ADMIN uncordon "$node" || stop "$node cannot be uncordoned: ADMIN uncordon $node"
  fi
  CLIENT annotate node "$node" dpu-cni/was-cordoned- || stop "$node cannot be annotated"
}

# However it ends, what it has cordoned is open again, and what somebody else had is not.
leave() {
  code=$?
  trap - EXIT INT TERM HUP
  if [ "$closed" ]; then
    say "$node is left as it is: run this again to go on" >&2
    open >&2
  fi
  exit "$code"
}

cordon() { ADMIN cordon "$node" >/dev/null || stop "$node cannot be cordoned"; }

# Of all but DaemonSets' pods.
drain() {
  ADMIN drain "$node" --ignore-daemonsets --delete-emptydir-data --timeout=30m ||
    stop "$node cannot be drained: see above for what is in the way"
}

# One that is not there is no error.
unlabel() { CLIENT label node "$node" "$1-" || stop "$node cannot be labelled"; }

untaint() {
  keys=$(of_node '{.spec.taints[*].key}') || stop "$node cannot be asked"
  case " $keys " in
    *" $taint "*) ADMIN taint node "$node" "$taint-" || stop "the taint of $node cannot be taken away" ;;
  esac
}

ready() { [ "$(of_node '{.status.conditions[?(@.type=="Ready")].status}')" = True ]; }

sriov_defined() {
  found=$(CLIENT get crd sriovnetworknodepolicies.sriovnetwork.openshift.io --ignore-not-found -o name) || stop "the cluster cannot be asked"
  [ "$found" ]
}

of_state() { CLIENT get sriovnetworknodestate "$node" -n "$sriov_namespace" --ignore-not-found -o jsonpath="$1"; }

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
  [ "$resources" ] && sriov_defined || return 0
  await 1800 "the SR-IOV operator to take the VFs of $node away" vfs_gone
  await 300 "the SR-IOV operator to let the pool go" unpaused
  # It uncordons whoever had cordoned.
  cordon
}

# labelled KEY: names of nodes.
labelled() {
  CLIENT get nodes -l "$1" -o jsonpath='{range .items[*]}{.metadata.name}{"\n"}{end}' || stop "the cluster cannot be asked"
}

main() {
  closed=
  trap leave EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  prerequisites
  say "== no pod is changed, warned about, or told to choose us any more"
  delete "$first"
  found=$(nodes) || exit
  for node in $(printf '%s\n' "$found" | sort -u); do
    say "== $node"
    take_off
  done
  say "== what is left"
  delete "$last"
  release "$releases"
  end
  say "nothing of ours is left"
}
