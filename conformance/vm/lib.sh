# shellcheck shell=bash
# What the guest's tests share: how to fail, the virtual functions, pods, and cnitool.

# shellcheck source=../../scripts/lib/node.sh
. /opt/vm/node.sh
export CNI_PATH=/opt/bin

PF=0000:01:00.0
# The card at the other end of its wire.
FAR_END=0000:02:00.0
VFS=4
# shellcheck disable=SC2034 # for run
TEST_SECONDS=60
DEVICES=/sys/bus/pci/devices

# Ends the test.
fail() {
  echo "FAILED: $*"
  exit 1
}

# same WHAT GOT WANTED
same() { [[ $2 == "$3" ]] || fail "$1 is '$2', should be '$3'"; }

# Repeats a command until it succeeds; the time limit of the test ends it, if nothing else does.
wait_for() { until "$@" >/dev/null 2>&1; do sleep 0.02; done; }

# The PCI address of virtual function N.
vf() { basename "$(readlink -f "$DEVICES/$PF/virtfn$1")"; }

# The name of a PCI device's interface; fails unless that is in this namespace.
netdev() {
  local interface
  for interface in "$DEVICES/$1/net"/*; do
    [[ -e $interface ]] && echo "${interface##*/}" && return
  done
  return 1
}

# create_vfs: virtual functions as a node has them: named vf0.., with addresses of their own, down. No card is left with
# a name that a pod's interface may come home with.
create_vfs() {
  local n
  modprobe -a igb igbvf && named "$PF" pf && named "$FAR_END" far-end || return
  # Functions that are made while the card is down start in reset.
  ip link set pf up && wait_for has_carrier pf
  echo "$VFS" >"$DEVICES/$PF/sriov_numvfs" || return
  for ((n = 0; n < VFS; n++)); do
    wait_for netdev "$(vf "$n")"
    named "$(vf "$n")" "vf$n" && ip link set "vf$n" address "02:d0:00:00:00:0$n" || return
  done
}

# named PCI-ADDRESS NAME: gives its interface, which is down, this name.
named() {
  local name
  name=$(netdev "$1") && [[ $name == "$2" ]] || ip link set "$name" name "$2"
}

remove_vfs() { echo 0 >"$DEVICES/$PF/sriov_numvfs"; }

has_carrier() { [[ $(<"/sys/class/net/$1/carrier") == 1 ]]; }

# One line for each virtual function as seen from here: PCI address, interface, MAC, MTU, whether it is up.
home_table() {
  local n address name
  for ((n = 0; n < VFS; n++)); do
    address=$(vf "$n")
    if name=$(netdev "$address"); then
      echo "$address $name $(<"/sys/class/net/$name/address") mtu $(<"/sys/class/net/$name/mtu") $(up_or_down "$name")"
    else
      echo "$address is not here"
    fi
  done
}

up_or_down() { if (($(<"/sys/class/net/$1/flags") & 1)); then echo up; else echo down; fi; }

# Virtual functions in a namespace that is removed come back by themselves.
remove_namespaces() {
  local namespace
  for namespace in /run/netns/*; do
    [[ -e $namespace ]] && ip netns delete "${namespace##*/}"
  done
  return 0
}

# --- pods on a node that start_node has started ------------------------------------------------------

# new_pod NAME N: what a runtime and a kubelet do before they call a plugin: a namespace, and virtual function N.
new_pod() {
  ip netns add "$1"
  order allocate "test/$1" openshift.io/dpuvf "$(vf "$2")"
}

# cni VERB NAME: has cnitool call dpu-host for a pod.
cni() {
  NETCONFPATH=$NODE_CONFS/resource CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAMESPACE=test;K8S_POD_NAME=$2" \
    cnitool "$1" ovn-kubernetes "/run/netns/$2"
}

# The first IPv4 address of a pod.
address_of() { ip -n "$1" -4 -o address show dev eth0 | awk '{ sub("/.*", "", $4); print $4; exit }'; }

# reaches NAME NAME: whether one pod's ping comes back from the other, in a few seconds.
reaches() {
  local address tries
  address=$(address_of "$2")
  for tries in {1..10}; do
    ip netns exec "$1" ping -c 1 -W 1 "$address" >/dev/null && return
  done
  echo "no answer from $2 at $address to any of $tries pings"
  return 1
}

# home N: whether virtual function N is here again, exactly as before the test.
home() {
  local was is
  was=$(grep "^$(vf "$1") " /run/home)
  is=$(home_table | grep "^$(vf "$1") ")
  [[ $is == "$was" ]] && return
  echo "virtual function $1 is '$is', was '$was'"
  return 1
}

# lose_netns NAME: the namespace goes away before DEL; the kernel sends its function home in its own time.
lose_netns() {
  local index
  index=$(ip -n "$1" -o link show eth0 | cut -d: -f1)
  ip netns delete "$1"
  wait_for is_here "$index"
}

is_here() { [[ $(ip -o link) == *$'\n'"$1: "* ]]; }
