# shellcheck shell=bash
# The Rust toolchain: the one thing that is not installed for you. Sourced after packages.sh.

# need_rust [COMPONENT...]: cargo and rustc of at least the version that Cargo.toml names, and a linker;
# components (clippy, rustfmt) are added by rustup where that is what installed Rust.
need_rust() {
  local wanted version component
  has cargo && has rustc || die "Rust is missing: install it from https://rustup.rs and try again"
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$REPO/Cargo.toml")
  version=$(rustc --version | cut -d' ' -f2)
  printf '%s\n' "$wanted" "${version%%-*}" | sort -CV ||
    die "Rust $wanted or later is needed, this is $version: $(newer_rust)"
  need cc
  for component; do
    has_component "$component" && continue
    has rustup || die "cargo ${component/rustfmt/fmt} is missing: install your distribution's package for it"
    say "adding $component to the Rust toolchain (missing)"
    rustup -q component add "$component" || die "rustup could not add $component"
  done
}

# What to do about a Rust that is too old: one beside rustup is rustup's; a distribution's own does not get any newer.
newer_rust() {
  local rustc
  rustc=$(type -P rustc)
  if [[ -x ${rustc%/*}/rustup ]]; then echo "rustup update stable"
  else echo "$rustc is the distribution's; install rustup from https://rustup.rs first, and try again in a new shell"; fi
}

has_component() { cargo "${1/rustfmt/fmt}" --version >/dev/null 2>&1; }

# has_target TRIPLE: whether the standard library for TRIPLE is there; rustup adds it if it can.
has_target() {
  local library
  library=$(rustc --print target-libdir --target "$1" 2>/dev/null) || return
  [[ -d $library ]] && return
  has rustup || return
  say "adding the target $1 to the Rust toolchain (missing)"
  rustup -q target add "$1" && [[ -d $library ]]
}

# The simulated node and everything else that tests, demo and benchmark run: target/debug/conformance.
build_conformance() { cargo build --locked --manifest-path "$REPO/Cargo.toml" --package conformance "$@"; }

# What rustc calls this machine.
host_triple() { rustc -vV | sed -n 's/^host: //p'; }
