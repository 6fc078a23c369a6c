# shellcheck shell=bash
# cnitool, the CNI project's own command for calling plugins by hand, at $TOOLS/bin/cnitool.
# Built with a Go of at least the version that it asks for. Sourced after packages.sh.

CNITOOL_VERSION=v1.3.0
GO_AT_LEAST=1.21

need_cnitool() {
  local stamp=$TOOLS/cnitool-$CNITOOL_VERSION go
  [[ -e $stamp ]] && return
  need_go || die "cnitool needs Go $GO_AT_LEAST or later to be built"
  say "building cnitool $CNITOOL_VERSION with $("$go" version)"
  mkdir -p "$TOOLS/bin"
  # Static, so that it runs in the test machine as it is.
  GOBIN=$TOOLS/bin GOTOOLCHAIN=local CGO_ENABLED=0 \
    "$go" install -trimpath "github.com/containernetworking/cni/cnitool@$CNITOOL_VERSION" >"$TOOLS/go.log" 2>&1 ||
    { cat "$TOOLS/go.log" >&2; die "could not build cnitool"; }
  touch "$stamp"
}

# Sets go, a Go that will do: installed if there is none.
need_go() { go=$(find_go) || { install_newer golang-go "Go $GO_AT_LEAST or later" && go=$(find_go); }; }

# The newest Go here that will do. Debian keeps those beside its default one under /usr/lib/go-VERSION.
find_go() {
  local go version
  for go in $(type -Pa go) /usr/local/go/bin/go $(printf '%s\n' /usr/lib/go-*/bin/go | sort -rV); do
    version=$("$go" env GOVERSION 2>/dev/null) || continue
    if printf '%s\n' "$GO_AT_LEAST" "${version#go}" | sort -CV; then
      echo "$go"
      return
    fi
  done
  return 1
}
