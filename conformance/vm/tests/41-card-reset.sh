# shellcheck shell=bash
# The card's own MTU is changed, or it goes down and up, which resets it: functions that are down answer EADDRNOTAVAIL
# to an address, after the move, until they have been up. Pods get their function all the same, and traffic flows.

new_mtu() { ip link set pf mtu "$1" && wait_for has_carrier pf; }
down_and_up() { ip link set pf down && ip link set pf up && wait_for has_carrier pf; }

reset_and_attach() {
  echo "reset: $*"
  "$@"
  attached pod0 0
  attached pod1 1
  reaches pod0 pod1
}

detach() {
  detached pod0 0
  detached pod1 1
}

start_node --real
order server unprivileged
reset_and_attach new_mtu 9000
new_mtu 1500
detach

order server privileged
reset_and_attach down_and_up
ip link set pf down
detach
ip link set pf up && wait_for has_carrier pf

# A function that came home by itself is down when its card is reset, and still has the pod's address.
attached pod0 0
lose_netns pod0
new_mtu 9000
gc
home 0
new_mtu 1500
