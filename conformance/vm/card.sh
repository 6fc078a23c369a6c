# shellcheck shell=bash
# The DPU's side of the wires: Open vSwitch with a br-int, in a namespace of its own. Sourced by the tests that need it.
#
# No emulated card has representors. Here each pod's function is the only one in use of its card, so what is at the far end
# of that card's wire gets all that the function sends, as a representor would: far0 and far1. (Two functions of one card
# would meet inside it, and never get here.)

# start_card: br-int without ports, with the address of the pods' gateway.
start_card() {
  modprobe openvswitch
  ip netns add card
  ip link set far0 netns card up
  ip link set far1 netns card up
  mkdir -p /run/openvswitch
  on_card ovsdb-tool create /run/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
  # With one CPU, a switch that starts in the first ten seconds of the machine's life forwards nothing.
  until (($(cut -d. -f1 /proc/uptime) > 11)); do sleep 0.2; done
  on_card ovsdb-server /run/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock &
  wait_for test -S /run/openvswitch/db.sock
  on_card ovs-vsctl --no-wait init
  on_card ovs-vswitchd &
  on_card ovs-vsctl add-br br-int
  ip -n card address add 10.128.2.1/23 dev br-int
  ip -n card link set br-int up
}

# connect N POD: what ovn-controller does there when the pod on card N is to be connected, and disconnect its opposite.
connect() { on_card ovs-vsctl add-port br-int "far$1" -- set Interface "far$1" "external_ids:iface-id=test_$2"; }
disconnect() { on_card ovs-vsctl del-port br-int "far$1"; }

on_card() { ip netns exec card "$@"; }

# The packets that br-int has taken from the pod on card N.
packets_of() { on_card ovs-ofctl dump-ports br-int "far$1" | sed -n 's/.* rx pkts=\([0-9]*\),.*/\1/p'; }
