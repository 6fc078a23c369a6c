# shellcheck shell=bash
# A function for a virtual machine: it has no interface, stays bound to vfio-pci all the time, and has the pod's address
# by way of its card while the pod lives.

mac=$(admin_mac 3)
bind_to 3 vfio-pci
for server in privileged unprivileged; do
  echo "server: $server"
  start_node --real
  order server "$server"
  new_pod pod3 3
  result=$(cni add pod3)
  echo "$result"
  [[ $result == *"\"pciID\": \"$(vf 3)\""* ]] || fail "the result does not name the device"
  cni check pod3
  same "what is in the pod" "$(ip -n pod3 -br link | grep -cv '^lo ')" 0
  [[ $(admin_mac 3) == 0a:58:* ]] || fail "the card holds $(admin_mac 3) for the function, and not the pod's address"
  cni del pod3
  same "the driver" "$(driver 3)" vfio-pci
  same "the address that the card holds" "$(admin_mac 3)" "$mac"
  same "the state of function 3" "$(state_of 3)" free
  ip netns delete pod3
  stop_node
done

# One that was made anew is none of the machine's, whatever drives it: the pod is named, and its DEL leaves that alone.
start_node --real
new_pod pod3 3
cni add pod3
remove_vfs
echo "$VFS" >"$DEVICES/$PF/sriov_numvfs"
name_vfs
bind_to 3 vfio-pci
mac=$(admin_mac 3)
status=0
said=$(dpu-host vfs --restore 2>&1) || status=$?
echo "$said"
same "the exit status of a restore in vain" "$status" 1
[[ $said == *"its virtual machine has lost it, for it was re-created: delete pod test/pod3"* ]] || fail "the pod is not named"
cni del pod3
same "the address that the card holds" "$(admin_mac 3)" "$mac"
same "the state of function 3" "$(state_of 3)" free
bind_to 3 igbvf
wait_for netdev "$(vf 3)"
name_vfs
