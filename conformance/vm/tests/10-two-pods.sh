# shellcheck shell=bash
# Two pods on two virtual functions reach each other; after DEL both functions are as they were. Both kinds of server:
# one that configures the pod itself, and one that leaves it to the plugin.

start_node --real
for server in privileged unprivileged; do
  echo "server: $server"
  order server "$server"
  attached pod0 0
  attached pod1 1
  reaches pod0 pod1
  reaches pod1 pod0
  detached pod0 0
  detached pod1 1
done
