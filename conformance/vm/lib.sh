# shellcheck shell=bash
# What the guest's tests share: how to fail, the virtual functions, and looking at them.

PF=0000:01:00.0
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

# create_vfs: virtual functions as a node has them: named vf0.., with addresses of their own, down.
# The physical function must be up first, or they start in reset.
create_vfs() {
  local n pf
  modprobe -a igb igbvf && pf=$(netdev "$PF") && ip link set "$pf" up && wait_for has_carrier "$pf" || return
  echo "$VFS" >"$DEVICES/$PF/sriov_numvfs" || return
  for ((n = 0; n < VFS; n++)); do
    wait_for netdev "$(vf "$n")"
    ip link set "$(netdev "$(vf "$n")")" name "vf$n" address "02:d0:00:00:00:0$n" || return
  done
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
