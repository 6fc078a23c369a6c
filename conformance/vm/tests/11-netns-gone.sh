# shellcheck shell=bash
# The namespaces vanish before DEL. The first function comes back to the host as eth0, the second as devN, for eth0 is
# taken by then. DEL makes both what they were.

start_node --real
for n in 0 1; do
  new_pod "pod$n" "$n"
  cni add "pod$n"
done
reaches pod0 pod1
for n in 0 1; do
  lose_netns "pod$n"
done
home_table
same "the first function's name" "$(netdev "$(vf 0)")" eth0
[[ $(netdev "$(vf 1)") == dev* ]] || fail "the second function should have lost its name to the first"

for n in 0 1; do
  cni del "pod$n"
  home "$n"
done
