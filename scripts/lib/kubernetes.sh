# shellcheck shell=bash
# A real node's programs, in $CLUSTER: Kubernetes and containerd 2, built with Go from the modules in conformance/cluster,
# which pin them and all that they are made of with their sums. etcd and runc are the distribution's.
# Sourced after packages.sh, cnitool.sh and unpacked.sh.

CLUSTER=$TOOLS/cluster
readonly CLUSTER

need_kubernetes() {
  local version=k8s.io/component-base/version
  need openssl
  need_unpacked etcd-server:etcd runc:runc containerd:ctr busybox-static:busybox containernetworking-plugins:lib/cni/loopback
  # What is left out are snapshotters that nobody here uses.
  build_module containerd -tags no_btrfs,no_devmapper,no_zfs,no_tracing,no_erofs \
    -ldflags "-s -w -X github.com/containerd/containerd/v2/version.Version=$(version_in containerd)"
  build_module kubernetes \
    -ldflags "-s -w -X $version.gitVersion=$(version_in kubernetes) -X $version.gitMajor=1 -X $version.gitMinor=37"
}

# version_in MODULE: of the one project that it requires for its own sake.
version_in() { sed -n 's/^require \S* \(v\S*\)$/\1/p' "$REPO/conformance/cluster/$1/go.mod"; }

# build_module MODULE FLAG...: the programs that its tools.go names, unless they are there.
build_module() {
  local name=$1 module=$REPO/conformance/cluster/$1 go stamp packages count began=$SECONDS
  shift
  stamp=$CLUSTER/$name-$(cat "$module"/{go.mod,go.sum,tools.go} | sha256sum | cut -c1-12)
  [[ -e $stamp ]] && return
  need_go || die "$name needs Go $GO_AT_LEAST or later to be built"
  mkdir -p "$CLUSTER"
  mapfile -t packages < <(sed -n 's/^\t_ "\(.*\)"$/\1/p' "$module/tools.go")
  say "building $name $(version_in "$name") (once; minutes on two cores)"
  # It asks for a newer Go than some of our distributions have; Go then fetches that one.
  count=$(module_go list -deps "${packages[@]}" | wc -l) || die "could not fetch $name: see $TOOLS/go.log"
  module_go build -v -trimpath "$@" -o "$CLUSTER/" "${packages[@]}" |& tee "$TOOLS/go.log" | progress "$count" ||
    { tail -n 5 "$TOOLS/go.log" >&2; die "could not build $name"; }
  touch "$stamp"
  say "built $name in $((SECONDS - began)) s"
}

# module_go ARGUMENT...: go in the directory of the module that is being built.
module_go() { (cd "$module" && GOTOOLCHAIN=auto GOFLAGS=-mod=readonly "$go" "$@"); }

# progress COUNT: reads the names of packages as they are compiled, and says with every tenth of them how far that is.
progress() {
  awk -v count="$1" '/^go: / { next } { now = int(10 * ++done / count) }
    now > last { last = now; printf "  %d of %d packages\n", done, count; fflush() }'
}
