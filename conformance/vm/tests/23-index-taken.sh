# shellcheck shell=bash
# The driver is unbound under a running pod, and the next links that the pod makes get the index that its function had: they
# are its own, and its DEL succeeds. The same for the host's own links.

modprobe -a dummy veth
start_node --real
for kind in dummy veth; do
  echo "kind: $kind"
  attached pod0 0
  index=$(ip -n pod0 -o link show eth0 | cut -d: -f1)
  bind_to 0 none
  ip -n pod0 link add docker0 index "$index" type "$kind"
  ip link add host0 index "$index" type "$kind"
  ip link set host0 up
  inside=$(ip -n pod0 -o link) flags=$(</sys/class/net/host0/flags)
  cni del pod0
  gc
  same "what is in the pod" "$(ip -n pod0 -o link)" "$inside"
  same "the flags of the host's own link" "$(</sys/class/net/host0/flags)" "$flags"
  ip link delete host0
  ip netns delete pod0
  bind_to 0 igbvf
  wait_for netdev "$(vf 0)"
  gc
  home 0
done
