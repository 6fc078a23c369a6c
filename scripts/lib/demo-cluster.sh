#!/usr/bin/env bash
# What `scripts/demo --cluster` shows: dpu-host on a real Kubernetes node. Needs root, and on its PATH the program conformance.
# Fails at the first thing that is not as it says. Afterwards the node stays until Ctrl-C.
#
#   demo-cluster.sh [--brief]   --brief: ends after the show

set -euo pipefail
folder=$(mktemp -d)
trap 'end' EXIT
trap 'exit 130' INT TERM

if [[ ${DEMO_COLOUR:-} ]]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'; else bold='' dim='' red='' plain=''; fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
fail() {
  printf '  %s✗ %s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

# Whatever happens, the node goes with this script.
end() {
  [[ ! ${NODE_PID:-} ]] || { kill "$NODE_PID" && wait "$NODE_PID"; } 2>/dev/null || true
  rm -rf "$folder"
}

start_node() {
  # An interrupt is this script's affair.
  setsid conformance cluster --vfs 4 --env "$folder/env" >"$folder/words" 2>"$folder/log" &
  NODE_PID=$!
  until [[ -e $folder/env ]]; do
    kill -0 "$NODE_PID" 2>/dev/null || fail "the node did not start: $(<"$folder/log")"
    sleep 0.1
  done
  # shellcheck source=/dev/null
  . "$folder/env"
  export KUBECONFIG DPU_CNI_ROOT
}

kubectl() { ip netns exec "$NODE_HOST" "$KUBECTL" "$@"; }

# show COMMAND...: the command as a person would type it, and what it prints.
show() {
  printf '  %s$ %s%s\n' "$dim" "$*" "$plain"
  "$@" | sed 's/^/    /'
}

on_node() { nsenter --target "$NODE_PROCESS" --mount --net --pid -- "$@"; }
dpu-host() { on_node env DPU_CNI_ROOT="$DPU_CNI_ROOT" "$PLUGIN" "$@"; }

# pod NAME VFS: its manifest.
pod() {
  printf '%s\n' '---' 'apiVersion: v1' 'kind: Pod' "metadata: { name: $1 }" 'spec:' '  terminationGracePeriodSeconds: 0' \
    '  automountServiceAccountToken: false' '  containers:' "  - { name: app, image: $IMAGE, imagePullPolicy: Never," \
    "      resources: { limits: { openshift.io/dpuvf: $2 } } }"
}

main() {
  title '1  A node: etcd, API server, scheduler, kubelet, containerd'
  start_node
  show kubectl get nodes -o wide

  title '2  Two pods that ask for a VF each'
  { pod web-0 1; pod web-1 1; } | kubectl apply -f - >/dev/null
  show kubectl wait --for=condition=Ready pod --all --timeout=120s
  show kubectl get pods -o wide
  show dpu-host vfs
  for address in $(kubectl get pod web-1 -o jsonpath='{.status.podIPs[*].ip}'); do
    show kubectl exec web-0 -- ping -c 1 -W 5 "$address"
  done

  title '3  A pod that asks for none: its event says what it lacks'
  pod web-2 0 | kubectl apply -f - >/dev/null
  until kubectl get events --field-selector reason=FailedCreatePodSandBox -o jsonpath='{.items[*].message}' | grep -q .; do sleep 0.2; done
  show kubectl get events --field-selector reason=FailedCreatePodSandBox -o 'jsonpath={.items[0].message}{"\n"}'

  title '4  The pods go, and the VFs come home'
  show kubectl delete pod --all
  until dpu-host vfs --drained >/dev/null 2>&1; do sleep 0.2; done
  show dpu-host vfs

  [[ ${1:-} != --brief ]] || return 0
  title 'Go on with it, in another shell of root'"'"'s; Ctrl-C here removes it'
  sed 1d "$folder/words"
  wait "$NODE_PID"
}

main "$@"
