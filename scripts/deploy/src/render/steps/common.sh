# Ends here. A node that is half done stays closed.
stop() {
  printf 'STEPS: %s%s\n' "$*" "${closed:+; $closed stays cordoned and tainted until this is run again}" >&2
  exit 1
}

apply() { CLIENT apply --server-side --field-manager=@manager@ -f "$1.yaml" || stop "$1 was not taken: see above"; }

# has LABEL,...: whether the node is labelled so. That it cannot be asked is no answer.
has() {
  found=$(CLIENT get nodes -l "$1" --field-selector "metadata.name=$node" -o name) || stop "$node cannot be asked"
  [ "$found" ]
}

taint() { ADMIN taint node "$node" --overwrite "$taint" || stop "$node cannot be tainted"; }

label() { CLIENT label node "$node" --overwrite "$1" || stop "$node cannot be labelled"; }

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
  check='' closed=''
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
