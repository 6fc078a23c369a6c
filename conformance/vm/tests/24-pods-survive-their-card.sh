# shellcheck shell=bash
# Running pods have their functions back, whoever configures pods: after all were made anew, and after one lost its driver.

# Has every pod given back what it has lost; says how long it takes from here to the first answer to a ping.
restore() {
  local began=${EPOCHREALTIME/./}
  dpu-host vfs --restore
  reaches "$1" "$2"
  echo "answered after $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
  for n in 0 1 2; do cni check "pod$n"; done
}

for server in privileged unprivileged; do
  echo "server: $server"
  start_node --real
  order server "$server"
  for n in 0 1 2; do attached "pod$n" "$n"; done
  remove_vfs
  echo "$VFS" >"$DEVICES/$PF/sriov_numvfs"
  name_vfs
  restore pod0 pod1

  bind_to 1 none
  bind_to 1 igbvf
  named "$(vf 1)" vf1 && ip link set vf1 address 02:d0:00:00:00:01
  restore pod1 pod2
  for n in 0 1 2; do detached "pod$n" "$n"; done
  stop_node
done
