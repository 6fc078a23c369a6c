# shellcheck shell=bash
# Runs the program behind render, pod-spec, audit and uninstall, built when it is not. Sourced after common.sh.

source "$LIB/packages.sh"
source "$LIB/rust.sh"

# deploy SUBCOMMAND ARGUMENT...: takes the script's place; paths are the caller's.
deploy() {
  need_rust
  exec cargo run --quiet --locked --profile tools --manifest-path "$REPO/Cargo.toml" --package deploy -- "$@"
}

# here_or_on_node SUBCOMMAND [--ssh NODE] ARGUMENT...
here_or_on_node() {
  [[ ${2:-} != -h && ${2:-} != --help ]] || usage
  if [[ ${2:-} = --ssh ]]; then
    deploy_on "${3:?a node}" "$1" "${@:4}"
  else
    deploy "$@"
  fi
}

# deploy_on NODE SUBCOMMAND ARGUMENT...: the same on a node, as root. The program is linked statically and copied there:
# nothing else is needed. Paths are the node's.
deploy_on() {
  local node=$1 target there=/tmp/dpu-cni-deploy status=0
  shift
  need_rust
  target=$(ssh "$node" uname -m)-unknown-linux-musl || die "$node cannot be reached with ssh"
  has_target "$target" || die "no standard library for $target here: rustup target add $target"
  cargo build --quiet --locked --profile tools --target "$target" --manifest-path "$REPO/Cargo.toml" --package deploy
  ssh "$node" "cat >$there && chmod 0755 $there" <"$TARGET_DIR/$target/tools/deploy" || die "$node takes no file"
  # shellcheck disable=SC2029 # quoted here for the shell there
  ssh "$node" "sudo $there ${*@Q}" || status=$?
  # shellcheck disable=SC2029
  ssh "$node" "rm -f $there"
  exit $status
}
