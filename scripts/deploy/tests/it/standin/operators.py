"""What a cluster's operators do by themselves, a second at a time: as much of each as an installation depends on.

- The machine config operator: renders a pool's configuration some seconds after a change; tells a node of it only while
  the pool is not paused, fewer of its nodes are unavailable than may be, and the node itself is Ready and not cordoned
  (`getAllCandidateMachines`); cordons, drains, reboots, uncordons whoever had cordoned, and is Done only then. The pool's
  conditions follow every quarter of a minute. A configuration is gone with its pool, and a node on it is Degraded.
- The SR-IOV operator: nothing without its SriovOperatorConfig; a state of each worker, then its cards; on new policies it
  drains the node, pauses the pool meanwhile, and uncordons whoever had cordoned. Its webhook knows nodes and cards.
- The network operator: a node in the mode is Ready some seconds after its management port's VF is there.
- The scheduler: ordinary pods come to each node that lets them, tolerating ones only past a taint.
"""
import json
import zlib

MCO = "machineconfiguration.openshift.io/"
ROLE = "node-role.kubernetes.io/"
SRIOV_CRD = "sriovnetworknodepolicies.sriovnetwork.openshift.io"
PAUSE = "sriovnetwork.openshift.io/state"
NO_NODE = "no matched node is selected by the nodeSelector in CR {}"
NO_NIC = "no supported NIC is selected by the nicSelector in CR {}"


def of(cluster, kind):
    return [item for item in cluster["objects"] if item["kind"] == kind]


def one(cluster, kind, name):
    return next((item for item in of(cluster, kind) if item["metadata"]["name"] == name), None)


def note(table, key, value):
    table.setdefault("annotations", {})[key] = value


def noted(item, key):
    return item["metadata"].get("annotations", {}).get(key)


def fingerprint(thing):
    return f"{zlib.crc32(json.dumps(thing, sort_keys=True).encode()):08x}"


def matches(item, selector):
    labels = item["metadata"].get("labels", {})
    return all(labels.get(key) == value for key, value in selector.items())


def closed(node):
    return node["spec"].get("unschedulable", False)


def close(node, yes):
    if yes:
        node["spec"]["unschedulable"] = True
    else:
        node["spec"].pop("unschedulable", None)


def evict(cluster, node):
    cluster["objects"] = [
        item for item in cluster["objects"]
        if item["kind"] != "Pod" or item["spec"].get("nodeName") != node or item.get("daemon")
    ]


def ready(node, yes=None):
    condition = next(item for item in node["status"]["conditions"] if item["type"] == "Ready")
    if yes is not None:
        condition["status"] = "True" if yes else "False"
    return condition["status"] == "True"


def mode_keys(cluster):
    return [cluster["mode"]]


def in_mode(cluster, node):
    return any(key in node["metadata"]["labels"] for key in mode_keys(cluster))


def begin(cluster):
    """A cluster that has long been as it is."""
    for pool in of(cluster, "MachineConfigPool"):
        pool["since"] = -10
    render(cluster)
    for node in of(cluster, "Node"):
        for key in ("currentConfig", "desiredConfig"):
            note(node["metadata"], MCO + key, pool_of(cluster, node)["spec"]["configuration"]["name"])
        note(node["metadata"], MCO + "state", "Done")


def pass_time(cluster, seconds):
    if cluster.pop("fresh", False):
        begin(cluster)
    for _ in range(seconds):
        cluster["now"] += 1
        if not cluster.get("upstream"):
            render(cluster)
            for node in of(cluster, "Node"):
                machine_config(cluster, node)
            if cluster["now"] % 15 == 0:
                conditions(cluster)
        for node in of(cluster, "Node"):
            sriov(cluster, node)
            network(cluster, node)
            watch(cluster, node)
        schedule(cluster)


def violated(cluster, what):
    """Nobody should have brought this about."""
    if what not in cluster["violations"]:
        cluster["violations"].append(what)


def watch(cluster, node):
    if noted(node, "dpu-cni/was-cordoned") == "true" and not closed(node) and not node["spec"].get("taints"):
        violated(cluster, f'{node["metadata"]["name"]} lets pods come, and somebody had cordoned it')


def opened(cluster, node):
    """By a person, or a script."""
    if in_mode(cluster, node) and not ready(node):
        violated(cluster, f'{node["metadata"]["name"]} is opened before it is Ready')


# The machine config operator.

def pool_of(cluster, node):
    pools = [pool for pool in of(cluster, "MachineConfigPool") if matches(node, pool["spec"]["nodeSelector"]["matchLabels"])]
    custom = [pool for pool in pools if pool["metadata"]["name"] != "worker"]
    return custom[0] if len(custom) == 1 else None if custom else (pools or [None])[0]


def render(cluster):
    for pool in of(cluster, "MachineConfigPool"):
        name = pool["metadata"]["name"]
        roles = ("worker", name)
        configs = [item for item in of(cluster, "MachineConfig") if item["metadata"].get("labels", {}).get(MCO + "role") in roles]
        rendered = f"rendered-{name}-{fingerprint([[item['metadata']['name'], item['spec']] for item in configs])}"
        if pool["spec"].get("configuration", {}).get("name") == rendered:
            pool.pop("since", None)
        elif pool.setdefault("since", cluster["now"]) + 6 <= cluster["now"]:
            files = [file for item in configs for file in item["spec"].get("config", {}).get("storage", {}).get("files", [])]
            if not one(cluster, "MachineConfig", rendered):
                cluster["objects"].append({
                    "kind": "MachineConfig", "metadata": {"name": rendered, "owner": name},
                    "spec": {"config": {"storage": {"files": files}}},
                })
            pool["spec"]["configuration"] = {"name": rendered}


def unavailable(node):
    annotations = node["metadata"]["annotations"]
    return closed(node) or not ready(node) or annotations[MCO + "currentConfig"] != annotations[MCO + "desiredConfig"]


def machine_config(cluster, node):
    annotations = node["metadata"]["annotations"]
    pool = pool_of(cluster, node)
    wanted = pool and pool["spec"].get("configuration", {}).get("name")
    current, desired = annotations[MCO + "currentConfig"], annotations[MCO + "desiredConfig"]
    if current == desired:
        others = pool and [other for other in of(cluster, "Node") if pool_of(cluster, other) is pool and unavailable(other)]
        free = pool and not pool["spec"].get("paused") and len(others) < pool["spec"].get("maxUnavailable", 1)
        if wanted and wanted != desired and free and not unavailable(node) and "since" not in pool:
            if node.setdefault("noticed", cluster["now"]) + 8 <= cluster["now"]:
                annotations[MCO + "desiredConfig"] = wanted
                node["began"] = cluster["now"]
                del node["noticed"]
        return
    age = cluster["now"] - node["began"]
    name = node["metadata"]["name"]
    if not one(cluster, "MachineConfig", current):
        annotations[MCO + "state"] = "Degraded"
        annotations[MCO + "reason"] = f'machineconfig.machineconfiguration.openshift.io "{current}" not found'
    elif name in cluster.get("degrading", {}):
        annotations[MCO + "state"] = "Degraded"
        annotations[MCO + "reason"] = cluster["degrading"][name]
    elif age == 2:
        annotations[MCO + "state"] = "Working"
    elif age == 4:
        close(node, True)
    elif age == 10:
        evict(cluster, name)
    elif age == 12:
        ready(node, False)
    elif age == 30:
        ready(node, True)
        node["status"]["allocatable"] = {name: count for name, count in node["status"]["allocatable"].items() if count != "0"}
    elif age == 34:
        close(node, False)
        pod(cluster, name, "tolerating")
    elif age >= 37:
        annotations[MCO + "state"] = "Done"
        annotations[MCO + "currentConfig"] = desired


def conditions(cluster):
    for pool in of(cluster, "MachineConfigPool"):
        nodes = [node for node in of(cluster, "Node") if pool_of(cluster, node) is pool]
        wanted = pool["spec"].get("configuration", {}).get("name")
        updated = [node for node in nodes if noted(node, MCO + "currentConfig") == wanted]
        # The pool learns it from another object, which may not be there.
        failed = [node for node in nodes if noted(node, MCO + "state") == "Degraded" and not cluster.get("silent")]
        message = "".join(f'Node {node["metadata"]["name"]} is reporting: "{noted(node, MCO + "reason")}"' for node in failed)
        done = len(updated) == len(nodes)
        pool["status"] = {
            "machineCount": len(nodes), "updatedMachineCount": len(updated),
            "conditions": [
                {"type": "Updated", "status": str(done), "message": ""},
                {"type": "Updating", "status": str(not done and not pool["spec"].get("paused", False)), "message": ""},
                {"type": "Degraded", "status": str(bool(failed)), "message": message},
            ],
        }


# The SR-IOV operator.

def policies(cluster, node):
    return [item["spec"] for item in of(cluster, "SriovNetworkNodePolicy") if matches(node, item["spec"]["nodeSelector"])]


def functions(policy):
    return [name.partition("#")[0] for name in policy["nicSelector"].get("pfNames", [])]


def vfs(policy):
    count = 0
    for name in policy["nicSelector"]["pfNames"]:
        first, last = name.partition("#")[2].split("-")
        count += int(last) - int(first) + 1
    return count


def sriov(cluster, node):
    name, now = node["metadata"]["name"], cluster["now"]
    configured = one(cluster, "SriovOperatorConfig", "default")
    if not configured or ROLE + "worker" not in node["metadata"]["labels"]:
        return
    if not matches(node, configured["spec"].get("configDaemonNodeSelector", {})):
        return
    state = one(cluster, "SriovNetworkNodeState", name)
    if not state:
        if node.setdefault("sriovSince", now) + 10 <= now:
            cluster["objects"].append({
                "kind": "SriovNetworkNodeState",
                "metadata": {"name": name, "namespace": configured["metadata"]["namespace"], "annotations": {}},
                "spec": {}, "status": {"syncStatus": "Succeeded"}, "born": now, "policies": [],
            })
        return
    if state["born"] + 15 == now:
        state["status"]["interfaces"] = cluster["nics"].get(name, [])
    wanted = policies(cluster, node)
    if wanted == state["policies"] and "began" not in state:
        return
    if "began" not in state:
        state["began"], state["applying"] = now, wanted
    configure(cluster, node, state, now - state["began"])


def configure(cluster, node, state, age):
    pool = pool_of(cluster, node)
    wanted = state["applying"]
    totals = {nic["name"]: nic["totalvfs"] for nic in state["status"].get("interfaces", [])}
    if age == 5:
        state["status"]["syncStatus"] = "InProgress"
        note(state["metadata"], "sriovnetwork.openshift.io/current-state", "Draining")
        close(node, True)
        if pool:
            pool["spec"]["paused"] = True
            note(pool["metadata"], PAUSE, "Paused")
    elif age == 12:
        evict(cluster, node["metadata"]["name"])
        # The kubelet forgets no resource that it has had before it is started again.
        for name in node["status"]["allocatable"]:
            if name.startswith("openshift.io/"):
                node["status"]["allocatable"][name] = "0"
    elif age == 20:
        too_many = [pf for policy in wanted for pf in functions(policy) if policy["numVfs"] > totals.get(pf, 0)]
        if too_many:
            state["status"]["syncStatus"] = "Failed"
            state["status"]["lastSyncError"] = "NIC is in DPU mode. Firmware configuration changes are not supported in this mode."
        if node["metadata"]["name"] in cluster.get("failingVfs", {}):
            state["status"]["syncStatus"] = "Failed"
            state["status"]["lastSyncError"] = cluster["failingVfs"][node["metadata"]["name"]]
    elif age == 25 and state["status"]["syncStatus"] != "Failed":
        state["status"]["syncStatus"] = "Succeeded"
    elif age == 28:
        close(node, False)
        if pool:
            pool["spec"]["paused"] = False
            note(pool["metadata"], PAUSE, "Idle")
        note(state["metadata"], "sriovnetwork.openshift.io/current-state", "Idle")
    elif age >= 34:
        if state["status"]["syncStatus"] == "Succeeded":
            node["status"]["allocatable"] |= {"openshift.io/" + policy["resourceName"]: str(vfs(policy)) for policy in wanted}
            state["policies"] = wanted
        # What failed is tried again.
        del state["began"]


def webhook(cluster, policy):
    """Why the SR-IOV operator's webhook refuses an object (`dynamicValidateSriovNetworkNodePolicy`)."""
    if policy["kind"] != "SriovNetworkNodePolicy":
        return None
    name = policy["metadata"]["name"]
    nodes = [node for node in of(cluster, "Node") if matches(node, policy["spec"]["nodeSelector"])]
    if not nodes:
        return NO_NODE.format(name)
    states = [one(cluster, "SriovNetworkNodeState", node["metadata"]["name"]) for node in nodes]
    cards = [nic["name"] for state in states if state for nic in state["status"].get("interfaces", [])]
    return None if set(cards) & set(functions(policy["spec"])) else NO_NIC.format(name)


# The network operator and the scheduler.

def labelled(cluster):
    """Nodes that have just come into the mode, or left it: the pods there keep the network of the old one, and none is
    evicted."""
    for node in of(cluster, "Node"):
        came, left = in_mode(cluster, node) and not node.get("inMode"), node.get("inMode") and not in_mode(cluster, node)
        if came or left:
            node["inMode"] = came
            pods = [item for item in of(cluster, "Pod") if item["spec"].get("nodeName") == node["metadata"]["name"] and not item.get("daemon")]
            if pods:
                verb = "came into" if came else "left"
                violated(cluster, f'{node["metadata"]["name"]} {verb} the mode with {len(pods)} pods')
        if left:
            ready(node, node["metadata"]["name"] not in cluster.get("neverReady", []))


def network(cluster, node):
    if node.get("inMode") and cluster["cluster"] == "tenant":
        if node["status"]["allocatable"].get("openshift.io/mgmtvf", "0") == "0":
            node.pop("servedSince", None)
            ready(node, False)
        elif node.setdefault("servedSince", cluster["now"]) + 25 <= cluster["now"]:
            ready(node, True)
    if node.get("inMode") and cluster["cluster"] == "infra" and not one(cluster, "Pod", "kube-proxy-" + node["metadata"]["name"]):
        serves = not cluster.get("upstream") or one(cluster, "DaemonSet", "kube-proxy-dpu")
        if serves and node.setdefault("proxySince", cluster["now"]) + 9 <= cluster["now"]:
            proxy = pod(cluster, node["metadata"]["name"], "kube-proxy-")
            proxy["daemon"] = True
            proxy["metadata"]["name"] = "kube-proxy-" + node["metadata"]["name"]
            proxy["metadata"]["namespace"] = "kube-system" if cluster.get("upstream") else "openshift-kube-proxy"
            proxy["metadata"]["labels"] = {"k8s-app": "kube-proxy"}


def pod(cluster, node, kind):
    cluster["pods"] = cluster.get("pods", 0) + 1
    item = {
        "kind": "Pod", "metadata": {"name": f"{kind}-{cluster['pods']}", "namespace": "shop"},
        "spec": {"nodeName": node}, "status": {"phase": "Running"},
    }
    cluster["objects"].append(item)
    return item


def schedule(cluster):
    nodes = [node for node in of(cluster, "Node") if not closed(node) and ready(node)]
    if cluster["now"] % 5 == 0:
        for node in nodes:
            if not node["spec"].get("taints"):
                pod(cluster, node["metadata"]["name"], "web")
    for item in of(cluster, "Pod"):
        if "nodeName" not in item["spec"]:
            fitting = [node for node in nodes if matches(node, item["spec"].get("nodeSelector", {}))]
            if fitting:
                item["spec"]["nodeName"] = fitting[0]["metadata"]["name"]
                item["status"] = {"phase": "Running"}


def applied(cluster, item):
    old = one(cluster, item["kind"], item["metadata"]["name"])
    if item["kind"] == "Pod" and not old:
        item["status"] = {"phase": "Pending"}
    if old:
        old["spec"] = {**old.get("spec", {}), **item.get("spec", {})}
        old["metadata"]["labels"] = {**old["metadata"].get("labels", {}), **item["metadata"].get("labels", {})}
    else:
        cluster["objects"].append(item)
    cluster["applied"].append(item["metadata"]["name"])


def deleted(cluster, kind, name):
    cluster["objects"] = [
        item for item in cluster["objects"]
        if (item["kind"], item["metadata"]["name"]) != (kind, name)
        and not (kind == "MachineConfigPool" and item["metadata"].get("owner") == name)
    ]
