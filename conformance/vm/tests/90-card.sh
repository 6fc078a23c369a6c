# shellcheck shell=bash
# The DPU's side for real: what pods say to each other and to their gateway crosses br-int of the Open vSwitch there, and
# nothing passes before their functions are connected to it, or once one is not any more.

# shellcheck source=../card.sh
. /opt/vm/card.sh

ip link set second-pf up && wait_for has_carrier second-pf
echo 1 >"$DEVICES/$SECOND_PF/sriov_numvfs"
VFS=5
name_vfs
home_table >/run/home
start_card
start_node --real

attached pod0 0
attached pod1 4
silent pod0 "$(address_of pod1)" || fail "the pods reach each other without br-int"
connect 0 pod0
connect 1 pod1
reaches pod0 pod1
reaches pod1 pod0
answers pod1 10.128.2.1
before=$(packets_of 0)
ip netns exec pod0 ping -c 5 -i 0.2 "$(address_of pod1)"
on_card ovs-ofctl dump-ports br-int
(($(packets_of 0) >= before + 5)) || fail "br-int has had $before packets of pod0 before 5 pings, $(packets_of 0) after"

on_card ovs-ofctl add-flow br-int "priority=100,in_port=far0,actions=drop"
silent pod1 "$(address_of pod0)" || fail "a flow of br-int does not stop the pods"
on_card ovs-ofctl --strict del-flows br-int "priority=100,in_port=far0"

# The next pod on the same function.
disconnect 1
detached pod1 4
attached pod2 4
silent pod0 "$(address_of pod2)" || fail "a pod is reached that is not connected"
connect 1 pod2
reaches pod0 pod2
detached pod2 4
detached pod0 0

echo 0 >"$DEVICES/$SECOND_PF/sriov_numvfs"
# shellcheck disable=SC2034 # for home_table
VFS=4
home_table >/run/home
