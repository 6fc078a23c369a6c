# shellcheck shell=bash
# The simulated node for the demo and for tests in the virtual machine: ovnkube-node, a kubelet, and virtual functions.
# Sourced by a script that has a function `fail` and `conformance` on its PATH.

# start_node --real | ARGUMENT...: with the machine's virtual functions, or with these arguments of `conformance node`.
# Sets what the node says of itself: DPU_CNI_ROOT, NODE_HOST, NODE_CONFS, NODE_DEVICES.
start_node() {
  local device arguments=() folder
  folder=$(mktemp -d)
  if [[ $1 = --real ]]; then
    shift
    for device in /sys/bus/pci/devices/*/physfn; do
      device=${device%/physfn}
      arguments+=(--device "${device##*/}")
    done
  fi
  coproc NODE { exec conformance node --env "$folder/env" "${arguments[@]}" "$@" 2>"$folder/log"; }
  until [[ -e $folder/env ]]; do
    kill -0 "${NODE_PID:-none}" 2>/dev/null || fail "the node did not start: $(<"$folder/log")"
    sleep 0.05
  done
  # shellcheck source=/dev/null
  . "$folder/env"
  export DPU_CNI_ROOT
  rm -r "$folder"
}

stop_node() {
  [[ ! ${NODE_PID:-} ]] || kill "$NODE_PID"
  wait
}

# order WORDS...: tells the node to do something, and waits until it has.
order() {
  local answer=''
  echo "$*" >&"${NODE[1]}"
  until [[ $answer = "done" ]]; do
    read -r -t 10 -u "${NODE[0]}" answer || fail "the node does not answer to: $*"
  done
}

# The host is a namespace of its own where functions are simulated, and the machine itself where they are real.
on_host() { if [[ ${NODE_HOST:-} ]]; then ip netns exec "$NODE_HOST" "$@"; else "$@"; fi; }
host_ip() { if [[ $NODE_HOST ]]; then ip -n "$NODE_HOST" "$@"; else ip "$@"; fi; }

# The container that cnitool makes up for a namespace.
container_of() { echo "cnitool-$(printf %s "/run/netns/$1" | sha512sum | cut -c1-20)"; }

# valid_attachments POD...: those of these pods alone, as a runtime lists them for GC. (cnitool's own GC would delete every one.)
valid_attachments() {
  local pod list=''
  for pod; do list+="${list:+, }{\"containerID\": \"$(container_of "$pod")\", \"ifname\": \"eth0\"}"; done
  echo "[$list]"
}
