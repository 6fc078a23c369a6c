# shellcheck shell=bash
# Running pods have their functions back, whoever configures pods: after all were made anew, with their card or without,
# and after one lost its driver and was reset. What comes back has another name and another address at home, and is that
# again when the pod ends.

# home_as TIME N: function N is another one at home than before.
home_as() {
  local device
  device=$(vf "$2")
  named "$device" "vf$2-$1" && ip link set "vf$2-$1" address "02:d$1:00:00:00:0$2"
  { grep -v "^$device " /run/home; home_table | grep "^$device "; } | sort >/run/home.new
  mv /run/home.new /run/home
}

# All functions go, and others come.
made_anew() {
  remove_vfs
  echo "$VFS" >"$DEVICES/$PF/sriov_numvfs"
}

# The card goes from the bus with all its functions, and is found again.
rescanned() {
  echo 1 >"$DEVICES/$PF/remove"
  echo 1 >/sys/bus/pci/rescan
  create_vfs
}

# Has every pod given back what it has lost; says how long it takes from here to the first answer to a ping.
restore() {
  local began=${EPOCHREALTIME/./}
  # One that its card has yet to connect is waited for below.
  dpu-host vfs --restore || (($? == 3))
  reaches "$1" "$2"
  echo "answered after $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
  answers "$1" "$(address_of "$2" -6)"
  for n in 0 1 2; do cni check "pod$n"; done
}

reset_by() {
  local server=$1 cause=$2
  echo "server: $server, cause: $cause"
  start_node --real --families dual
  order server "$server"
  for n in 0 1; do attached "pod$n" "$n"; done
  # Of a primary user-defined network: it has a second one.
  ip netns add pod2
  order allocate test/pod2 openshift.io/dpuvf "$(vf 2)" "$(vf 3)"
  order udn test/pod2 "$(vf 3)"
  cni add pod2
  "$cause"
  for n in 0 1 2 3; do home_as 1 "$n"; done
  restore pod0 pod1

  bind_to 1 none
  echo 1 >"$DEVICES/$(vf 1)/reset"
  bind_to 1 igbvf
  home_as 2 1
  restore pod1 pod2
  for n in 0 1 2; do detached "pod$n" "$n"; done
  home 3
  name_vfs
  home_table >/run/home
  stop_node
}

reset_by privileged made_anew
reset_by unprivileged rescanned
