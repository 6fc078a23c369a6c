# shellcheck shell=bash
# All functions vanish under running pods and are made anew, as when the card is reset.

# Its pod runs on without it.
is_lost() { [[ $(dpu-host vfs | grep "test/$1 ") = *" lost "* ]] || fail "$1 has lost nothing: $(dpu-host vfs)"; }

start_node --real
for n in 0 1 2; do attached "pod$n" "$n"; done

device=$(vf 3)
remove_vfs
refused "no longer eth0 of the pod" check pod0
is_lost pod0
cni del pod0
[[ ! $(dpu-host vfs | grep pod0) ]] || fail "pod0 is remembered, and its function is gone"
ip netns add pod3
order allocate test/pod3 openshift.io/dpuvf "$device"
refused "does not exist on this node" add pod3

# New interfaces: what nobody has a record of is named by udev, the others by DEL and GC.
echo "$VFS" >"$DEVICES/$PF/sriov_numvfs"
for n in 0 1 2 3; do wait_for netdev "$(vf "$n")"; done
home_table
refused "no longer eth0 of the pod" check pod1
is_lost pod1
cni del pod1
home 1
gc
home 2
name_vfs
for n in 0 3; do home "$n"; done

# They are as good as the old ones.
cni add pod3
cni add pod0
reaches pod0 pod3
detached pod3 3
detached pod0 0
