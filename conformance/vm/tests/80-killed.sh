# shellcheck shell=bash
# ADD and DEL are killed before and after each message that changes a link, which is where a real function differs from a
# simulated one. What a runtime does next, DEL or GC, brings everything home. The same for a function of a virtual
# machine, whose address is its card's.

trace=$(mktemp)

# traced VERB OPTION...: calls the plugin for pod0 under strace.
traced() {
  local verb=$1
  shift
  strace -f -qq -o "$trace" -e trace=sendto,rename,unlink "$@" env \
    CNI_COMMAND="$verb" CNI_CONTAINERID="$(container_of pod0)" CNI_NETNS=/run/netns/pod0 CNI_IFNAME=eth0 \
    CNI_PATH=/opt/bin CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAMESPACE=test;K8S_POD_NAME=pod0" \
    dpu-host <<<"{\"cniVersion\": \"1.1.0\", \"name\": \"ovn-kubernetes\", \"type\": \"dpu-host\", \"deviceID\": \"$(vf "$n")\"}"
}

# The messages that change a link, and what is sent or written right after each, as `sendto 4`: the fourth of its kind.
points() {
  awk 'match($0, /(sendto|rename|unlink)\(/) {
      call = substr($0, RSTART, RLENGTH - 1); number[call]++
      changes = /nlmsg_type=(RTM_SETLINK|RTM_NEWLINKPROP|RTM_DELLINKPROP|0x13|0x6c|0x6d)/
      if (changes || after) print call, number[call]
      after = changes
    }' "$trace"
}

# killed_at VERB CALL NUMBER: the plugin ends as it is about to make this call.
killed_at() {
  local status=0
  # The shell would tell of its death.
  { traced "$1" -e inject="$2:signal=KILL:when=$3" >/dev/null; } 2>/dev/null || status=$?
  same "how $1 ended at $2 $3" "$status" 137
}

# is_home: as before. The record of a killed ADD is kept while the server may still act on it.
is_home() {
  if [[ $(driver "$n") == vfio-pci ]]; then
    same "the address that the card holds" "$(admin_mac "$n")" "$mac"
  else
    at_home "$n"
  fi
}

# kill_everywhere LEAST: at no fewer points than these.
kill_everywhere() {
  local verb call number count=0
  declare -A at
  ip netns add pod0
  for verb in ADD DEL; do
    traced "$verb" >/dev/null
    at[$verb]=$(points)
  done
  is_home
  for verb in ADD DEL; do
    while read -r call number; do
      echo "$verb is killed at $call $number"
      count=$((count + 1))
      [[ $verb == ADD ]] || traced ADD >/dev/null
      killed_at "$verb" "$call" "$number"
      # Every other time nobody says DEL.
      if ((count % 2)); then traced DEL; else ip netns delete pod0; gc; ip netns add pod0; fi
      is_home
    done <<<"${at[$verb]}"
  done
  ip netns delete pod0
  ((count >= $1)) || fail "only $count points"
}

ip link property add dev vf0 altname card0-port0
home_table >/run/home
mac=$(admin_mac 3)
bind_to 3 vfio-pci
start_node --real
order server unprivileged
n=0
kill_everywhere 4
n=3
kill_everywhere 4

ip link property del dev vf0 altname card0-port0
bind_to 3 igbvf
name_vfs
home_table >/run/home
