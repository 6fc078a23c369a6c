# shellcheck shell=bash
# A pod may do to its interface what it likes; the function is home as it was, with what its administrator gave it.

ip link set vf1 alias "port 1" allmulticast on
ip link property add dev vf1 altname card0-port1
home_table >/run/home

havoc() {
  ip -n "$1" link property add dev eth0 altname "mine-$1"
  ip -n "$1" link set eth0 alias "$1's" mtu 1300 promisc on
  ip -n "$1" link set eth0 allmulticast off
  ip -n "$1" link property del dev eth0 altname card0-port1 2>/dev/null || true
  ip -n "$1" link set eth0 down
  ip -n "$1" link set eth0 address 02:00:00:00:ba:d0
  ip -n "$1" link set eth0 name mine
}

start_node --real
for n in 0 1; do
  attached "pod$n" "$n"
  havoc "pod$n"
  refused "no longer eth0" check "pod$n"
  detached "pod$n" "$n"
done

# The same when the namespace dies first.
for n in 0 1; do
  attached "pod$n" "$n"
  havoc "pod$n"
  ip netns delete "pod$n"
done
gc
home 0
home 1

ip link set vf1 alias "" allmulticast off
ip link property del dev vf1 altname card0-port1
home_table >/run/home
