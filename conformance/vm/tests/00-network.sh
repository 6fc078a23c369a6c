# shellcheck shell=bash
# The machine itself: two virtual functions, moved by hand, reach each other. When this fails nothing below means anything.

for n in 0 1; do
  ip netns add "pod$n"
  ip link set "vf$n" netns "pod$n" name eth0
  ip -n "pod$n" address add "10.1.0.1$n/24" dev eth0
  ip -n "pod$n" link set eth0 up
done
wait_for ip netns exec pod0 ping -c 1 -W 1 10.1.0.11
for n in 0 1; do
  ip -n "pod$n" link set eth0 down name "vf$n" netns 1
done
