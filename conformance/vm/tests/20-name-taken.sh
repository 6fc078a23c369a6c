# shellcheck shell=bash
# Another link has the function's name when it comes home: it waits under a name of its own, its record kept, and gets
# its name at the next chance, be that a call for another pod or the next pod that has it.

waits() {
  same "the state of function 0" "$(state_of 0)" waiting
  [[ $(netdev "$(vf 0)") == dpuvf* ]] || fail "function 0 is called $(netdev "$(vf 0)")"
}

modprobe dummy
start_node --real
attached pod0 0
ip link add vf0 type dummy
cni del pod0
waits

attached pod1 0
cni del pod1
waits

ip link delete vf0
attached pod2 1
home 0
detached pod2 1

# The namespace is gone first, and the name taken as well.
attached pod3 0
ip link add vf0 type dummy
lose_netns pod3
gc
waits
ip link delete vf0
gc
home 0
