say() { printf '%s\n' "$*"; }

# Ends here. A node that is half done stays closed.
stop() {
  printf 'STEPS: %s%s\n' "$*" "${half_done:+; $half_done stays cordoned and tainted until this is run again}" >&2
  exit 1
}

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

apply() { CLIENT apply --server-side --field-manager=@manager@ -f "$1.yaml" || stop "$1 was not taken: see above"; }

of_node() { CLIENT get node "$node" -o jsonpath="$1"; }

# has LABEL,...: whether the node is labelled so. That it cannot be asked is no answer.
has() {
  found=$(CLIENT get nodes -l "$1" --field-selector "metadata.name=$node" -o name) || stop "$node cannot be asked"
  [ "$found" ]
}

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
  half_done=$node
  cordon
}

open() {
  if [ "$was" = true ]; then
    cordon
    say "$node stays cordoned: it was before"
  else
    ADMIN uncordon "$node" || stop "$node cannot be uncordoned"
  fi
  half_done=
  CLIENT annotate node "$node" dpu-cni/was-cordoned- || stop "$node cannot be annotated"
}

cordon() { ADMIN cordon "$node" >/dev/null || stop "$node cannot be cordoned"; }

taint() { ADMIN taint node "$node" --overwrite "$taint" || stop "$node cannot be tainted"; }

# Of all but DaemonSets' pods.
drain() {
  ADMIN drain "$node" --ignore-daemonsets --delete-emptydir-data --timeout=30m ||
    stop "$node cannot be drained: see above for what is in the way"
}

label() { CLIENT label node "$node" --overwrite "$1" || stop "$node cannot be labelled"; }

ready() { [ "$(of_node '{.status.conditions[?(@.type=="Ready")].status}')" = True ]; }

# A pod of each kind that was rendered; it goes again once it has run.
try_pods() {
  for sample in $samples; do
    say "== a pod: samples/$sample.yaml"
    CLIENT delete --ignore-not-found -f "samples/$sample.yaml" || stop "an earlier one cannot be deleted"
    CLIENT apply -f "samples/$sample.yaml" || stop "samples/$sample.yaml was not taken: see above"
    await 300 "the pod of samples/$sample.yaml (why not: CLIENT describe -f samples/$sample.yaml)" runs "$sample"
    CLIENT delete --ignore-not-found -f "samples/$sample.yaml" || stop "it cannot be deleted"
  done
}

runs() { [ "$(CLIENT get -f "samples/$1.yaml" -o jsonpath='{.status.phase}')" = Running ]; }

main() {
  check=
  if [ "${1:-}" = --check ]; then
    check=yes
    shift
  fi
  case ${1:--} in
    -*)
      sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
      exit 2
      ;;
  esac
  cd "$(dirname "$0")" || exit
  prerequisites
  for node; do check_node; done
  if [ "$check" ]; then
    say "nothing is in the way"
    exit
  fi
  for_all_nodes
  for node; do
    say "== $node"
    install_on
  done
  try_pods
  say "done: $*"
}
