# shellcheck shell=bash
# Other people's CNI plugins, of the current release, built with Go: tests hold the conformance suite to them, and the
# benchmark compares with them. Each release has a directory in $PEERS. Sourced after cnitool.sh.

PEERS=$TOOLS/peers
# The tests name it too: conformance/cli/tests/check/controls.rs.
CNI_PLUGINS_VERSION=v1.9.1
readonly PEERS CNI_PLUGINS_VERSION

# The CNI project's own, in $PEERS/$CNI_PLUGINS_VERSION.
need_cni_plugins() {
  local upstream=github.com/containernetworking/plugins/plugins
  build_peer "$CNI_PLUGINS_VERSION" "$CNI_PLUGINS_VERSION" "$upstream/main/"{loopback,bridge,ptp,host-device} \
    "$upstream/ipam/"{host-local,static}
}

# All of them, for who wants to see them side by side.
need_all_cni_plugins() {
  local upstream=github.com/containernetworking/plugins/plugins
  need_cni_plugins
  build_peer "$CNI_PLUGINS_VERSION-rest" "$CNI_PLUGINS_VERSION" "$upstream/main/"{dummy,ipvlan,macvlan,tap,vlan} \
    "$upstream/meta/"{bandwidth,firewall,portmap,sbr,tuning,vrf}
}

# Where Debian's are, installed or merely unpacked; nothing where they are neither. Wants unpacked.sh.
debian_plugins() {
  local dir
  for dir in /usr/lib/cni "$UNPACKED/usr/lib/cni"; do
    [[ ! -x $dir/host-local ]] || { echo "$dir"; return; }
  done
}

# build_peer LABEL VERSION PACKAGE...: into $PEERS/LABEL, unless they are there. Says why and fails if it cannot.
build_peer() {
  local label=$1 version=$2 go package
  shift 2
  [[ -e $PEERS/$label/built ]] && return
  need_go || { say "no Go to build $label with"; return 1; }
  say "building $label of ${1%/plugins/*} with $("$go" version)"
  mkdir -p "$PEERS/$label"
  for package; do
    # They ask for a newer Go than some of our distributions have; it then fetches that one.
    if ! GOBIN=$PEERS/$label GOTOOLCHAIN=auto CGO_ENABLED=0 "$go" install -trimpath "$package@$version" >"$TOOLS/go.log" 2>&1; then
      say "$package@$version does not build here: $(tail -n 1 "$TOOLS/go.log")"
      return 1
    fi
  done
  touch "$PEERS/$label/built"
}
