# shellcheck shell=bash
# What the guest's tests share: how to fail, and the virtual functions. Pods are in pods.sh, the card's switch in card.sh.

# shellcheck source=../../scripts/lib/node.sh
. /opt/vm/node.sh
# shellcheck source=pods.sh
. /opt/vm/pods.sh
export CNI_PATH=/opt/bin

# Two cards with virtual functions, and the far ends of their wires.
PF=0000:01:00.0
SECOND_PF=0000:02:00.0
FAR_ENDS=(0000:03:00.0 0000:04:00.0)
# How many functions there are, and how many of them are the first card's.
VFS=4 FIRST_VFS=4
# shellcheck disable=SC2034 # for run
TEST_SECONDS=180
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

# --- virtual functions -------------------------------------------------------------------------------

# The PCI address of virtual function N; those of the second card follow.
vf() {
  local link=$DEVICES/$PF/virtfn$1
  (($1 < FIRST_VFS)) || link=$DEVICES/$SECOND_PF/virtfn$(($1 - FIRST_VFS))
  basename "$(readlink -f "$link")"
}

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
  modprobe -a igb igbvf || return
  named "$PF" pf && named "$SECOND_PF" second-pf && named "${FAR_ENDS[0]}" far0 && named "${FAR_ENDS[1]}" far1 || return
  # Functions that are made while the card is down start in reset.
  ip link set pf mtu 1500 up && wait_for has_carrier pf
  echo "$VFS" >"$DEVICES/$PF/sriov_numvfs" && name_vfs
}

remove_vfs() { echo 0 >"$DEVICES/$PF/sriov_numvfs"; }

# name_vfs: what udev and an administrator do when functions appear.
name_vfs() {
  local n
  for ((n = 0; n < VFS; n++)); do
    named "$(vf "$n")" "vf$n" && ip link set "vf$n" address "02:d0:00:00:00:0$n" || return
  done
}

# named PCI-ADDRESS NAME: gives its interface this name. It may be on its way home from a namespace.
named() {
  local name
  wait_for netdev "$1"
  name=$(netdev "$1") && [[ $name == "$2" ]] || ip link set "$name" name "$2"
}

# bind_to N DRIVER: gives virtual function N to this driver, or to none.
bind_to() {
  local device
  device=$(vf "$1")
  if [[ -e $DEVICES/$device/driver ]]; then echo "$device" >"$DEVICES/$device/driver/unbind"; fi
  [[ $2 != none ]] || return 0
  modprobe "$2"
  echo "$2" >"$DEVICES/$device/driver_override"
  echo "$device" >/sys/bus/pci/drivers_probe
  # What any driver may have again.
  echo >"$DEVICES/$device/driver_override"
  same "the driver of $device" "$(driver "$1")" "$2"
}

driver() { basename "$(readlink -f "$DEVICES/$(vf "$1")/driver")"; }

# The address that the card holds for virtual function N.
admin_mac() { ip link show pf | awk -v n="$1" '$1 == "vf" && $2 == n { print $4 }' | tr -d ,; }

has_carrier() { [[ $(<"/sys/class/net/$1/carrier") == 1 ]]; }

# One line for each virtual function as seen from here: PCI address, interface, flags, MTU, MAC, alias, other names.
home_table() {
  local n address name
  for ((n = 0; n < VFS; n++)); do
    address=$(vf "$n")
    if name=$(netdev "$address"); then
      echo "$address $(ip -o link show "$name" |
        sed 's/^[0-9]*: //; s/ qdisc [^ ]*//; s/ permaddr [^ ]*//; s/ brd .*parentdev [^ ]*//; s/\\//g')"
    else
      echo "$address is not here"
    fi
  done
}

# home N: virtual function N is here again, exactly as before the test, and known to be nobody's.
home() {
  at_home "$1"
  same "the state of function $1" "$(state_of "$1")" free
}

# at_home N: the same; but its record may be kept.
at_home() { same "function $1" "$(home_table | grep "^$(vf "$1") ")" "$(grep "^$(vf "$1") " /run/home)"; }

# The state of virtual function N as the plugin sees it: free, used, lost, leaked or waiting.
state_of() { dpu-host vfs | awk -v device="$(vf "$1")" '$1 == device { print $6 }'; }

# Virtual functions in a namespace that is removed come back by themselves.
remove_namespaces() {
  local namespace
  for namespace in /run/netns/*; do
    [[ -e $namespace ]] && ip netns delete "${namespace##*/}"
  done
  return 0
}
