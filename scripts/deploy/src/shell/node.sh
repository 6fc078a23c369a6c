say() { printf '%s\n' "$*"; }

# await SECONDS WHAT COMMAND...: asks every five seconds; says what it waits for, and what the command knows of it in $why.
await() {
  left=$1 what=$2 said=
  shift 2
  until why='' && healthy && "$@"; do
    if [ "$said" != "$what${why:+ ($why)}" ]; then
      said="$what${why:+ ($why)}"
      say "  waiting for $said"
    fi
    [ "$left" -gt 0 ] || stop "$what: not within the time given${why:+ ($why)}; look there, and run this again"
    sleep 5
    left=$((left - 5))
  done
}

of_node() { CLIENT get node "$node" -o jsonpath="$1"; }

ready() { [ "$(of_node '{.status.conditions[?(@.type=="Ready")].status}')" = True ]; }

# Whether an earlier run has ended before it was done with the node.
interrupted() {
  was=$(of_node '{.metadata.annotations.dpu-cni/was-cordoned}') || stop "$node cannot be asked"
  [ "$was" ]
}

# Whether somebody had cordoned the node before us is noted on it: at the end it is as it was. Until then it is in $closed.
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

cordon() { ADMIN cordon "$node" >/dev/null || stop "$node cannot be cordoned"; }

# Of all but DaemonSets' pods.
drain() {
  ADMIN drain "$node" --ignore-daemonsets --delete-emptydir-data --timeout=30m ||
    stop "$node cannot be drained: see above for what is in the way"
}
