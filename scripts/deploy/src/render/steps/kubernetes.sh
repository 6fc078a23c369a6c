healthy() { :; }

prerequisites() { needs; }

check_node() {
  of_node '{.metadata.name}' >/dev/null || stop "$node is no node of this cluster"
  ssh "$node" true || stop "$node cannot be reached with ssh"
}

for_all_nodes() {
  for manifest in $manifests; do apply "$manifest"; done
}

# The binary before its configuration: the runtime tries a configuration by running its plugin. By way of the login's home,
# where nobody else can put a file in another's place; into a directory that is there already, scp would copy beside it.
copy() {
  @copy@ ||
    stop "the files are not on $node: see above"
  ssh "$node" "$binary" || stop "$binary does not run on $node"
}

install_on() {
  if has "$mode" && ! interrupted; then
    taint
    copy
    ask_for_vfs
    await 1800 "what $node needs besides" served
    say "$node has everything"
    return
  fi
  close
  taint
  has "$mode" || drain
  copy
  label "$mode"
  serve
  await 900 "$node to be Ready (why not: kubectl describe node $node)" ready
  open
}
