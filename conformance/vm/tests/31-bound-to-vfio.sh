# shellcheck shell=bash
# A function is bound to vfio-pci after a pod had it: the next pod is refused until it is bound back, and then gets it as
# its record found it.

start_node --real
attached pod0 0
bind_to 0 vfio-pci
cni del pod0
ip netns delete pod0
new_pod pod1 0
refused "bound to vfio-pci since pod test/pod0" add pod1
bind_to 0 igbvf
wait_for netdev "$(vf 0)"
cni add pod1
cni check pod1
detached pod1 0

# Nor is one given away that the host uses.
new_pod pod2 1
ip address add 192.0.2.1/24 dev vf1
refused "192.0.2.1/24, an address of the host" add pod2
ip address flush dev vf1
ip link set vf1 name ovn-k8s-mp0
refused "a management port" add pod2
ip link set ovn-k8s-mp0 name vf1
home 1
