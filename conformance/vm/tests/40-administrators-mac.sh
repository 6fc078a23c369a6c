# shellcheck shell=bash
# An administrator has set a function's address through the card. This one lets an untrusted function have no other, and
# says so only after the move: nothing of the pod may stay on it. A trusted one may, and traffic flows.

start_node --real
attached pod1 1
ip netns add pod0
order allocate test/pod0 openshift.io/dpuvf "$(vf 0)"
ip link set pf vf 0 mac 02:d0:00:00:00:aa
# Its driver takes that address the next time it goes down, and keeps it.
sed -i "/^$(vf 0) /s/02:d0:00:00:00:00/02:d0:00:00:00:aa/" /run/home

for server in privileged unprivileged; do
  echo "server: $server"
  order server "$server"
  ip link set pf vf 0 trust off
  refused "its PF has set another MAC" add pod0
  same "links in the pod" "$(ip -n pod0 -br link | grep -cv '^lo ')" 0
  cni del pod0
  home 0
  ip link set pf vf 0 trust on
  cni add pod0
  cni check pod0
  reaches pod0 pod1
  reaches pod1 pod0
  cni del pod0
  home 0
done
detached pod1 1

ip link set pf vf 0 mac 00:00:00:00:00:00
ip link set pf vf 0 trust off
name_vfs
home_table >/run/home
