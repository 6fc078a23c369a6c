#!/usr/bin/env bash
# What the demo shows; scripts/demo starts it in namespaces of its own, scripts/demo --vm in the virtual machine.
# Needs bash, ip and what busybox has, for the machine has nothing else. Fails at the first thing that is not as it says.
#
#   demo-show.sh simulated|real BIN   BIN has both plugins, cnitool and conformance

set -euo pipefail
kind=$1
export CNI_PATH=$2
PATH=$2:$PATH
folder=$(mktemp -d)
. "$(dirname "$0")/node.sh"

if [[ ${DEMO_COLOUR:-} ]]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else bold='' dim='' green='' red='' plain=''; fi

title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
tell() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
good() { printf '  %s✓%s %s\n' "$green" "$plain" "$*"; }
fail() {
  printf '  %s✗ %s%s\n' "$red" "$*" "$plain"
  exit 1
}

# cni VERB NETWORK POD [CAPABILITIES]: calls cnitool on the host, as shown, for a pod whose namespace bears its name.
# Its status is cnitool's, what it said is in $said.
cni() {
  local pod=$3
  printf '  %s$%s cnitool %s %s /run/netns/%s%s\n' "$dim" "$plain" "$1" "$2" "$pod" "${4:+   # given $4}"
  said=$(on_host env CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=$pod" \
    CAP_ARGS="${4:+{\"deviceID\":\"$4\"\}}" cnitool "$1" "$2" "/run/netns/$pod" 2>&1)
}

must() { cni "$@" || fail "$said"; }
must_not() { ! cni "$@" || fail "this should have been refused"; }

# A message of one long line, as a pod's event shows it.
quote() { fold -s -w 100 <<<"$1" | sed 's/^/      /'; }

# --- the VFs, by what the kernel says ---------------------------------------------------

# Sets devices: one line for each, "PCI-address home-name index". A VF keeps its index wherever it goes.
know_devices() {
  local device name
  devices=$(for device in "$sysfs"/bus/pci/devices/*/physfn; do
    device=${device%/physfn}
    name=$(ls "$device/net")
    echo "${device##*/} $name $(host_ip -o link show "$name" | cut -d: -f1)"
  done)
}

# Sets table: where each is, under which name, and how.
look() {
  local device name index pod
  table=$(while read -r device name index; do
    { host_ip -o link | row_of "$index" "$device" host ||
      for pod in $pods; do ip -n "$pod" -o link 2>/dev/null | row_of "$index" "$device" "pod $pod" && break; done; } ||
      echo "$device nowhere - - - -"
  done <<<"$devices")
}

# row_of INDEX DEVICE WHERE: the row of the link of that index in what `ip -o link` prints; fails without.
row_of() {
  awk -F': ' -v index_="$1" -v device="$2" -v where="$3" '
    $1 == index_ {
      name = $2; sub(/@.*/, "", name)
      mtu = mac = $0; sub(/.* mtu /, "", mtu); sub(/ .*/, "", mtu); sub(/.*link\/ether /, "", mac); sub(/ .*/, "", mac)
      state = $0 ~ /[<,]UP[,>]/ ? "up" : "down"
      print device, where, name, mac, mtu, state; found = 1
    }
    END { exit !found }' OFS='\t'
}

show_table() {
  look
  printf '\n  %s%-14s %-12s %-12s %-19s %-6s %s%s\n' "$bold" VF 'is in' as MAC MTU state "$plain"
  local device where name mac mtu state
  while IFS=$'\t' read -r device where name mac mtu state; do
    printf '  %-14s %-12s %-12s %-19s %-6s %s\n' "$device" "$where" "$name" "$mac" "$mtu" "$state"
  done <<<"$table"
  echo
}

# --- pods --------------------------------------------------------------------------------------------

# What a runtime and a kubelet do before they call a plugin: a namespace, and a VF from the pool, if asked for.
new_pod() {
  ip netns add "$1"
  pods+="$1 "
  [[ ! ${2:-} ]] || order allocate "shop/$1" openshift.io/dpuvf "$2"
}

# The namespace vanishes before DEL, as when a node's agent dies. The kernel sends a real VF home under the name
# that it had in the pod; the simulated one would be destroyed, so that is done by hand.
lose_namespace() {
  local device=$2 net
  if [[ $kind = simulated ]]; then
    ip -n "$1" link set eth0 down
    ip -n "$1" link set eth0 netns "$NODE_HOST"
    net=$(echo "$sysfs/bus/pci/devices/$device/net/"*)
    mv "$net" "${net%/*}/eth0"
  fi
  ip netns delete "$1"
  pods=${pods/"$1 "/}
  until host_ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
}

# --- the show ----------------------------------------------------------------------------------------

placeholder() {
  title '1  dpu-nic-placeholder: the node is Ready, its pods are refused'
  NODE_HOST='' pods=''
  export NETCONFPATH=$folder
  printf '%s\n' '{ "cniVersion": "0.4.0", "cniVersions": ["0.4.0", "1.0.0", "1.1.0"], "name": "placeholder",' \
    '  "disableCheck": true, "plugins": [{ "type": "dpu-nic-placeholder" }] }' >"$folder/00-placeholder.conflist"
  new_pod web-0
  must status placeholder web-0
  good 'STATUS: ready'
  must_not add placeholder web-0
  good 'ADD: refused, and the pod'"'"'s event says why:'
  quote "$said"
  must del placeholder web-0
  good 'DEL: fine'
  ip netns delete web-0
}

host() {
  local vfs before
  title "2  dpu-host: pods on $([[ $kind = real ]] && echo real || echo simulated) VFs of the DPU"
  pods=''
  if [[ $kind = real ]]; then start_node --real; else start_node --vfs 4; fi
  sysfs=$DPU_CNI_ROOT/sys
  export NETCONFPATH=$NODE_CONFS/resource
  read -ra vfs <<<"$NODE_DEVICES"
  know_devices
  show_table
  before=$table

  tell 'The kubelet has given each of three pods a VF; the plugin asks it which.'
  attach web-0 "${vfs[0]}"
  attach web-1 "${vfs[1]}"
  attach web-2 "${vfs[2]}"
  show_table

  ping_between web-0 web-1
  must check ovn-kubernetes web-0
  good 'CHECK: web-0 is as ADD left it'

  title '3  a pod that does not ask for the resource'
  new_pod poor-0
  must_not add ovn-kubernetes poor-0
  good 'ADD: refused, with what to add:'
  quote "$said"
  ip netns delete poor-0
  pods=${pods/poor-0 /}

  title '4  a pod whose namespace vanished, and nobody said DEL'
  lose_namespace web-2 "${vfs[2]}"
  show_table
  tell 'The runtime tells which attachments are alive, and GC brings back the rest.'
  collect_garbage web-0 web-1
  show_table

  title '5  the other pods end'
  must del ovn-kubernetes web-0
  must del ovn-kubernetes web-1
  must del ovn-kubernetes web-1
  good 'DEL: done; and once more, as runtimes do'
  show_table
  [[ $table = "$before" ]] || fail "not every VF is as it was"
  good 'every VF is as it was: name, MAC, MTU, down'
}

attach() {
  new_pod "$1" "$2"
  must add ovn-kubernetes "$1"
  good "ADD: $1 has $(addresses_of "$1")"
}

addresses_of() { ip -n "$1" -o address show dev eth0 scope global | awk '{ print $4 }' | paste -sd' '; }

ping_between() {
  local address
  address=$(ip -n "$2" -4 -o address show dev eth0 | awk '{ sub("/.*", "", $4); print $4; exit }')
  for _ in {1..10}; do
    if ip netns exec "$1" ping -c 1 -W 1 "$address" >/dev/null; then
      good "ping: $1 reaches $2 at $address"
      return
    fi
  done
  fail "$1 does not reach $2 at $address"
}

collect_garbage() {
  printf '  %s$%s CNI_COMMAND=GC dpu-host   # alive: %s\n' "$dim" "$plain" "$*"
  said=$(on_host env CNI_COMMAND=GC dpu-host 2>&1 <<<"{\"cniVersion\": \"1.1.0\", \"name\": \"ovn-kubernetes\",
    \"type\": \"dpu-host\", \"cni.dev/valid-attachments\": $(valid_attachments "$@")}") || fail "$said"
  good 'GC: done'
}

trap 'stop_node; rm -rf "$folder"' EXIT
placeholder
host
title 'That is all.'
