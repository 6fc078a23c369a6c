stop() {
  printf 'uninstall: %s\n' "$*" >&2
  exit 1
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
    found=$(CLIENT get --ignore-not-found -o name -f "$rendered/release/$manifest") || stop "whether $manifest is there cannot be asked"
    [ ! "$found" ] ||
      CLIENT apply --server-side --field-manager=@manager@ -f "$rendered/release/$manifest" ||
      stop "our fields of $manifest cannot be given back"
  done
}

# However it ends, what it has cordoned is open again, and what somebody else had is not. A node that has lost a label of
# ours stays marked: the next run would not find it, nor know an operator's cordon from somebody's.
leave() {
  code=$?
  trap - EXIT INT TERM HUP
  if [ "$closed" ]; then
    say "$node is left as it is: run this again to go on" >&2
    open >&2
    [ ! "$begun" ] || CLIENT annotate node "$node" "dpu-cni/was-cordoned=$was" >&2
  fi
  exit "$code"
}

# One that is not there is no error.
unlabel() {
  begun=yes
  CLIENT label node "$node" "$1-" || stop "$node cannot be labelled"
}

untaint() {
  keys=$(of_node '{.spec.taints[*].key}') || stop "$node cannot be asked"
  case " $keys " in
    *" $taint "*) ADMIN taint node "$node" "$taint-" || stop "the taint of $node cannot be taken away" ;;
  esac
}

# Operators uncordon whoever had cordoned; without the taint pods would come to a node that is to stay closed.
give_back() {
  cordon
  untaint
  open
}

# labelled KEY: names of nodes.
labelled() {
  CLIENT get nodes -l "$1" -o jsonpath='{range .items[*]}{.metadata.name}{"\n"}{end}' || stop "the cluster cannot be asked"
}

# Each once, in $found.
find_nodes() {
  found=$(nodes) || exit
  found=$(printf '%s\n' "$found" | sort -u)
}

main() {
  closed=
  trap leave EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  prerequisites
  say "== no pod is changed, warned about, or told to choose us any more"
  delete "$first"
  find_nodes
  for node in $found; do
    say "== $node"
    begun=
    take_off
  done
  # What a pool has goes with it, and a node that came meanwhile would never get on without.
  find_nodes
  [ ! "$found" ] || stop "$(printf '%s\n' "$found" | tr '\n' ' ')came to us meanwhile: run this again"
  say "== what is left"
  delete "$last"
  release "$releases"
  end
  say "nothing of ours is left"
}
