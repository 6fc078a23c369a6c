# shellcheck shell=bash
# Functions that ovn-k8s-cni-overlay attached: there is no record of how they were. It leaves the namespace's death to the
# kernel, which sends them home as eth0 and devN. GC, and a DEL that is told the device, give them the name that udev
# gives; a pod that still lives has its function brought home by DEL.

# Named as udev names them, so that it can be told.
udev_name() { if (($# == 0)); then echo enp1s0; else echo "enp1s0v$1"; fi; }
ip link set pf name "$(udev_name)"
for n in 0 1 2; do ip link set "vf$n" name "$(udev_name "$n")"; done

# attach_as_before NAME N: all that is left of what the other plugin did.
attach_as_before() {
  ip netns add "$1"
  ip link set "$(udev_name "$2")" netns "$1" name eth0
  ip -n "$1" link set eth0 address "0a:58:0a:80:02:1$2" mtu 1400 up
}

start_node --real
for n in 0 1 2; do attach_as_before "pod$n" "$n"; done
lose_netns pod0
lose_netns pod1
home_table
same "the first function's name" "$(netdev "$(vf 0)")" eth0
[[ $(netdev "$(vf 1)") == dev* ]] || fail "the second function should have lost its name to the first"

CONF=$NODE_CONFS/$(vf 0) cni del pod0
same "the name after DEL" "$(netdev "$(vf 0)")" enp1s0v0
gc
same "the name after GC" "$(netdev "$(vf 1)")" enp1s0v1

# This server knows nothing of the pod; the plugin sees in it what it has.
cni del pod2
same "the name after DEL of a living pod" "$(netdev "$(vf 2)")" enp1s0v2

# What is not known cannot be given back; the rest can.
for n in 0 1 2; do
  ip link set "$(udev_name "$n")" down name "vf$n" mtu 1500 address "02:d0:00:00:00:0$n"
done
ip link set "$(udev_name)" name pf
