# shellcheck shell=bash
# Two pods on two virtual functions reach each other; after DEL both functions are as they were. Both kinds of server:
# one that configures the pod itself, and one that leaves it to the plugin.

for server in privileged unprivileged; do
  echo "server: $server"
  start_node --real
  order server "$server"
  for n in 0 1; do
    new_pod "pod$n" "$n"
    cni add "pod$n"
    cni check "pod$n"
  done
  reaches pod0 pod1
  reaches pod1 pod0
  for n in 0 1; do
    cni del "pod$n"
    home "$n"
    ip netns delete "pod$n"
  done
  stop_node
done
