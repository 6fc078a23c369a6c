# shellcheck shell=bash
# Runs the program behind render, pod-spec, audit and others, built when it is not. Sourced after common.sh.

source "$LIB/packages.sh"
source "$LIB/rust.sh"

# deploy SUBCOMMAND ARGUMENT...: takes the script's place; paths are the caller's. Standard output is the program's alone.
deploy() {
  help_at_once "$@"
  need_rust >&2
  build_deploy
  # What removes a cluster calls scripts/uninstall again, for each node.
  DPU_CNI_SCRIPTS=$REPO/scripts exec "$TARGET_DIR/tools/dpu-cni" "$@"
}

# here_or_on_node SUBCOMMAND ARGUMENT...: among them --ssh NODE, to do it there.
here_or_on_node() {
  local node='' arguments=()
  help_at_once "$@"
  while (($#)); do
    if [[ $1 = --ssh ]]; then
      [[ ${2:-} && $2 != -* ]] || die "--ssh needs a node"
      node=$2
      shift
    else
      arguments+=("$1")
    fi
    shift
  done
  if [[ $node ]]; then
    deploy_on "$node" "${arguments[@]}"
  else
    deploy "${arguments[@]}"
  fi
}

# deploy_on NODE SUBCOMMAND ARGUMENT...: the same on a node, as root. The program is linked statically and copied there,
# where nobody else can put another in its place: nothing else is needed. Paths are the node's.
deploy_on() {
  local node=$1 target
  shift
  need_rust >&2
  target=$(ssh "$node" uname -m)-unknown-linux-musl || die "$node cannot be reached with ssh"
  has_target "$target" >&2 || die "no standard library for $target here: rustup target add $target"
  build_deploy "$target"
  # shellcheck disable=SC2029 # the arguments are quoted here for the shell there
  ssh "$node" "there=\$(mktemp -d) && cat >\$there/dpu-cni && chmod 0755 \$there/dpu-cni && sudo \$there/dpu-cni ${*@Q}
    code=\$?; rm -rf \"\$there\"; exit \$code" <"$TARGET_DIR/$target/tools/dpu-cni" || exit
}

# build_deploy [TARGET]: not in silence where it takes minutes.
build_deploy() {
  local quiet=(--quiet) program=$TARGET_DIR/${1:+$1/}tools/dpu-cni
  if [[ ! -x $program ]]; then
    say "building the program behind this script (once)" >&2
    quiet=()
  elif [[ $(find "$REPO"/{Cargo.lock,scripts/deploy,shared} -newer "$program" -print -quit) ]]; then
    say "building the program behind this script again (its sources are newer)" >&2
    quiet=()
  fi
  cargo build "${quiet[@]}" --locked --profile tools ${1:+--target "$1"} --manifest-path "$REPO/Cargo.toml" --package deploy >&2
}

# help_at_once ARGUMENT...: where it is asked for. The script's own words need no program, every option does.
help_at_once() {
  local word
  for word; do
    [[ $word = -h || $word = --help ]] || continue
    usage
    if [[ -x $TARGET_DIR/tools/dpu-cni ]]; then
      echo
      exec "$TARGET_DIR/tools/dpu-cni" "$@"
    fi
    say "(and every option, once it is built: any other call does that)"
    exit
  done
}
