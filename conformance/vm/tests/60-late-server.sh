# shellcheck shell=bash
# A privileged server goes on when nobody waits for it any more, and moves the function into a pod that is as good as
# dead. Whoever calls next brings it home.

impatient=$(mktemp -d)
start_node --real
sed 's/"type"/"timeoutSeconds": 3, "type"/' "$NODE_CONFS"/resource/*.conflist >"$impatient/10-ovn-kubernetes.conflist"
arrived() { ip -n "$1" link show eth0; }

# DEL comes after the late move. (Records are kept for what the server may still do.)
order card after 5
new_pod pod0 0
CONF=$impatient refused "was not set up within" add pod0
at_home 0
wait_for arrived pod0
cni del pod0
at_home 0

# DEL comes before, and the server does not hear it; then comes another pod's ADD.
new_pod pod1 1
CONF=$impatient refused "was not set up within" add pod1
order del hang-up
cni del pod1
order del proper
wait_for arrived pod1
order card ready
attached pod2 2
at_home 1
detached pod2 2

# What is still expected of the server bars no other pod, and is looked for after that one, too.
attached pod3 1
cni del pod3
at_home 1
ip netns delete pod3
