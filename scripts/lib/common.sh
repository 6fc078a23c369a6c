# shellcheck shell=bash
# What every script here shares: where things are, how it speaks, what it does as root.
# Sourced, never run.

set -Eeuo pipefail
# No script ends without saying where.
trap 'printf "%s: failed at %s line %s: %s\n" "${0##*/}" "${BASH_SOURCE[0]##*/}" "$LINENO" "$BASH_COMMAND" >&2' ERR

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TARGET_DIR=${CARGO_TARGET_DIR:-$REPO/target}
# What is fetched once and kept: tools, the virtual machine's kernel and root. Share it between clones with DPU_CNI_CACHE.
CACHE=${DPU_CNI_CACHE:-$TARGET_DIR}
# shellcheck disable=SC2034 # for the scripts that source this file
LIB=$REPO/scripts/lib DIST=$TARGET_DIR/dist TOOLS=$CACHE/tools ARCH=$(uname -m)
PATH=$TOOLS/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin
[[ -d ${CARGO_HOME:-$HOME/.cargo}/bin ]] && PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
export PATH

if [[ -t 1 ]]; then BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' PLAIN=$'\e[0m'
else BOLD='' DIM='' RED='' PLAIN=''; fi

# shellcheck disable=SC2034
readonly REPO TARGET_DIR CACHE LIB DIST TOOLS ARCH BOLD DIM RED PLAIN

# One line about what is going on; not a result.
say() { printf '%s%s%s\n' "$DIM" "$*" "$PLAIN"; }

# The last words of a script that cannot go on. Status 1 is an answer: a test failed, a warning was found.
die() {
  printf '%s%s: %s%s\n' "$RED" "${0##*/}" "$*" "$PLAIN" >&2
  exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or through sudo for everybody else.
as_root() {
  need_root
  if ((EUID == 0)); then "$@"; else sudo --preserve-env=DEBIAN_FRONTEND,DPU_CNI_ROOT,DPU_CNI_BIN_DIR -- "$@"; fi
}

# Ends there where as_root cannot work. Before what as_root prints goes into a log: why not is for whoever is watching.
need_root() {
  ((EUID != 0)) || return 0
  has sudo || die "root is needed, and there is no sudo here: run this script as root"
  sudo true || die "root is needed, and sudo does not give it to $(id -un): run this script as root"
}

# Ends there, for an option whose value is missing or none: the usage says what it may be.
misused() {
  usage >&2
  exit 2
}

# unknown_option WORD: ends there, saying which word it is.
unknown_option() { die "unknown option '$1' (--help says which there are)"; }

# Prints the usage block at the head of the calling script: its comment lines after the first.
usage() { sed -n '2,/^[^#]/ { /^#/ s/^# \{0,1\}//p }' "$0"; }
