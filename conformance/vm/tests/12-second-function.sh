# shellcheck shell=bash
# A pod with a primary user-defined network has a second function, ovn-udn1. A privileged server moves it without saying
# which it was, and would leave it in the pod for ever. After DEL both are as they were.

start_node --real
for server in privileged unprivileged; do
  echo "server: $server"
  order server "$server"
  ip netns add pod0
  order allocate test/pod0 openshift.io/dpuvf "$(vf 0)" "$(vf 1)"
  order udn test/pod0 "$(vf 1)"
  cni add pod0
  cni check pod0
  ip -n pod0 link show ovn-udn1
  dpu-host vfs
  cni del pod0
  home 0
  home 1
  ip netns delete pod0
done
