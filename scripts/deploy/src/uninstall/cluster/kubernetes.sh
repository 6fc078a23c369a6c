healthy() { :; }

prerequisites() { [ -x "$uninstall" ] || stop "$uninstall is not here, and it takes the files off a node: run this by scripts/uninstall, in a clone"; }

# In the mode, or left by an earlier run.
nodes() {
  for label in $modes; do labelled "$label"; done
  all=$(kubectl get nodes -o jsonpath='{range .items[*]}{.metadata.name} :{.metadata.annotations.dpu-cni/was-cordoned}{"\n"}{end}') ||
    stop "the cluster cannot be asked"
  printf '%s\n' "$all" | sed -n '/ :./s/ .*//p'
}

take_off() {
  close
  drain
  "$uninstall" --ssh "$node" node || stop "the files of $node are not gone: see above"
  for mode in $modes; do unlabel "$mode"; done
  no_vfs
  give_back
}

end() { :; }
