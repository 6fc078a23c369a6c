# shellcheck shell=bash
# Runs the program behind render, pod-spec, audit and uninstall, built when it is not. Sourced after common.sh.

source "$LIB/packages.sh"
source "$LIB/rust.sh"

# deploy SUBCOMMAND ARGUMENT...: takes the script's place; paths are the caller's.
deploy() {
  need_rust
  exec cargo run --quiet --locked --profile tools --manifest-path "$REPO/Cargo.toml" --package deploy -- "$@"
}
