# shellcheck shell=bash
# All functions vanish under running pods and are made anew, as when the card is reset.

# Its pod runs on without it.
is_lost() { [[ $(dpu-host vfs | grep "test/$1 ") = *" lost "* ]] || fail "$1 has lost nothing: $(dpu-host vfs)"; }

# The functions are back, and udev has named them.
come_back() {
  echo "$VFS" >"$DEVICES/$PF/sriov_numvfs"
  name_vfs
}

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

# Those of running pods go back to them, as often as that happens.
for times in once twice; do
  come_back
  refused "no longer eth0 of the pod" check pod1
  is_lost pod1
  dpu-host vfs --restore || (($? == 3)) # as long as a card has not connected one
  cni check pod1
  cni check pod2
  reaches pod1 pod2
  echo "restored $times"
  [[ $times = twice ]] || remove_vfs
done
for n in 1 2; do detached "pod$n" "$n"; done
for n in 0 3; do home "$n"; done

# They are as good as the old ones.
cni add pod3
cni add pod0
reaches pod0 pod3
detached pod3 3
detached pod0 0
