# shellcheck shell=bash
# Pods on a node that start_node has started, and what a runtime calls for them. Sourced by lib.sh.

# new_pod NAME N: what a runtime and a kubelet do before they call a plugin: a namespace, and virtual function N.
new_pod() {
  ip netns add "$1"
  order allocate "test/$1" openshift.io/dpuvf "$(vf "$2")"
}

# cni VERB NAME: has cnitool call dpu-host for a pod. $CONF is the directory of the configuration, if not the node's.
cni() {
  NETCONFPATH=${CONF:-$NODE_CONFS/resource} CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAMESPACE=test;K8S_POD_NAME=$2" \
    cnitool "$1" ovn-kubernetes "/run/netns/$2"
}

# attached NAME N: a new pod that has virtual function N and passes CHECK.
attached() {
  new_pod "$1" "$2"
  cni add "$1"
  cni check "$1"
}

# detached NAME N: the pod's end, after which virtual function N is home.
detached() {
  cni del "$1"
  home "$2"
  ip netns delete "$1"
}

# refused WORDS VERB NAME: the call fails, and its error has these words.
refused() {
  local words=$1 said
  shift
  if said=$(cni "$@" 2>&1); then fail "$* succeeded; it should have failed with '$words'"; fi
  echo "$said"
  [[ $said == *"$words"* ]] || fail "$* did not fail with '$words'"
}

# gc NAME...: garbage collection as a runtime asks for it when only these pods live.
gc() {
  CNI_COMMAND=GC dpu-host <<<"{\"cniVersion\": \"1.1.0\", \"name\": \"ovn-kubernetes\", \"type\": \"dpu-host\",
    \"cni.dev/valid-attachments\": $(valid_attachments "$@")}"
}

# address_of NAME [-6]: the first IPv4 address of a pod, or the first IPv6 one.
address_of() { ip -n "$1" "${2:--4}" -o address show dev eth0 scope global | awk '{ sub("/.*", "", $4); print $4; exit }'; }

# reaches NAME NAME: whether one pod's ping comes back from the other, in a few seconds.
reaches() { answers "$1" "$(address_of "$2")"; }

# answers NAME ADDRESS: whether a pod's ping comes back from there, in a few seconds.
answers() {
  local tries
  for tries in {1..10}; do
    ip netns exec "$1" ping -c 1 -W 1 "$2" >/dev/null && return
  done
  echo "no answer from $2 to any of $tries pings of $1"
  return 1
}

# silent NAME ADDRESS: whether not one of three pings comes back from there.
silent() { ! ip netns exec "$1" ping -c 3 -i 0.2 -W 1 "$2" >/dev/null; }

# lose_netns NAME: the namespace goes away before DEL; the kernel sends its function home in its own time.
lose_netns() {
  local index
  index=$(ip -n "$1" -o link show eth0 | cut -d: -f1)
  ip netns delete "$1"
  wait_for is_here "$index"
}

is_here() { [[ $'\n'$(ip -o link) == *$'\n'"$1: "* ]]; }
