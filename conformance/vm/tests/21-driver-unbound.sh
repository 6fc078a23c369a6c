# shellcheck shell=bash
# A function loses its driver under a running pod, and has it again before or after the pod's end: a new interface, with
# a name of the kernel's and the address that the card remembers, which was the pod's.

start_node --real
for n in 0 1 2; do attached "pod$n" "$n"; done

bind_to 0 none
refused "no longer eth0 of the pod" check pod0
bind_to 0 igbvf
wait_for netdev "$(vf 0)"
home_table
cni del pod0
home 0

# Without a driver there is nothing to bring home yet; but it is not forgotten.
bind_to 1 none
cni del pod1
new_pod pod3 1
refused "has no driver" add pod3
bind_to 1 igbvf
wait_for netdev "$(vf 1)"
cni add pod3
reaches pod3 pod2
cni del pod3
home 1

# Nobody says DEL.
bind_to 2 none
ip netns delete pod2
gc
bind_to 2 igbvf
wait_for netdev "$(vf 2)"
gc
home 2
