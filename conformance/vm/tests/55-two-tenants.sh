# shellcheck shell=bash
# Two tenants of one function: whatever the first one set on it, the second one's packets pass, and the host finds its own.

# An XDP program that drops every packet (r0 = 1; exit), as an object file's section `xdp`: gzip and base64 of it.
base64 -d >/tmp/drop.o.gz <<'OBJECT'
H4sIAAAAAAACA6t39XFjYmRkgAFGhu8MCB4CbEBiO0BJVpBKveKSopLEJIaKlAKGnMzk1LziVKBYZS5ILKUovwCqZzvYbAaGqVC+
e4APAz4gC8RCDExwvgADeYARC58ZizoHKK1EQD8nVIwNTTwDhzs50Pi8ONxQAaVZCNgvCsRMWNzfAKUNkPQxItkvAQ0/ABRdEp3w
AQAA
OBJECT
gunzip -f /tmp/drop.o.gz

# havoc NAME: all that stays on a function when it moves.
havoc() {
  ip -n "$1" link set eth0 arp off multicast off dynamic on trailers on promisc on allmulticast on
  ip -n "$1" link set eth0 broadcast 02:00:00:00:ba:d0 mode dormant group 7 txqueuelen 3
  ip -n "$1" link set eth0 gso_max_size 3000 gso_max_segs 2 gro_max_size 4000
  ip netns exec "$1" ethtool -K eth0 rx off tx off sg off gro off
  ip -n "$1" link set eth0 xdpgeneric object /tmp/drop.o section xdp
}

# traits: what there is to know of a function at home.
traits() {
  ip -d -o link show vf0 | sed 's/^[0-9]*: //; s/ qdisc [^ ]*//; s/ permaddr [^ ]*//'
  ethtool -k vf0
}

start_node --real
traits >/run/traits
grep -q "rx-checksumming: on" /run/traits
for server in privileged unprivileged; do
  order server "$server"
  attached peer 1
  attached first 0
  havoc first
  refused "an XDP program is on it" check first
  if reaches peer first; then fail "the first tenant's havoc does no harm"; fi
  detached first 0
  attached second 0
  reaches peer second
  detached second 0
  diff /run/traits <(traits)

  # The kernel sends it home when the namespace ends.
  attached third 0
  havoc third
  lose_netns third
  attached fourth 0
  detached fourth 0
  diff /run/traits <(traits)
  gc peer
  detached peer 1
done

# At home it may listen to all that passes; a pod's never does.
ip link set vf0 promisc on allmulticast on
home_table >/run/home
traits >/run/traits
attached fifth 0
ip -n fifth -d -o link show eth0 | grep -q "promiscuity 0 "
detached fifth 0
diff /run/traits <(traits)
ip link set vf0 promisc off allmulticast off
home_table >/run/home
