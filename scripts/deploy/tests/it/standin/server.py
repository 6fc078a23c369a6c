"""`oc`, `kubectl` and `sleep` on a cluster that is one file of JSON: what the commands of an installation meet.

It is called as `server.py CLUSTER`, and answers one call after the other (client.sh) until its own standard input ends:
a Python of its own for each of the hundreds of calls would take a hundred times as long as what they ask. Every call
takes a second of the cluster's time, `sleep N` four times N, so that few calls are needed, and no other time. Meanwhile
the operators do what they do (operators.py). A call that changes something is noted, and may be made the last of its
caller (CLUSTER: `killAfter`); one of any kind may be made to fail once (`failing`), or be what somebody else waits for
to make a call of their own (`somebody`).
"""
import json
import os
import re
import shlex
import signal
import sys
import threading
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import jsonpath  # noqa: E402
import operators  # noqa: E402

KINDS = {
    "node": "Node", "nodes": "Node", "mcp": "MachineConfigPool", "machineconfigpool": "MachineConfigPool",
    "machineconfigpools": "MachineConfigPool", "machineconfig": "MachineConfig", "pod": "Pod", "pods": "Pod",
    "sriovnetworknodestate": "SriovNetworkNodeState", "sriovoperatorconfig": "SriovOperatorConfig",
    "sriovnetworknodepolicy": "SriovNetworkNodePolicy", "crd": "CustomResourceDefinition",
    "customresourcedefinition": "CustomResourceDefinition", "clusterversion": "ClusterVersion",
    "daemonset": "DaemonSet", "configmap": "ConfigMap", "machineconfiguration": "MachineConfiguration",
}
FLAGS_WITH_VALUE = {"-o", "-l", "-n", "-f", "--field-selector", "--raw", "--timeout", "--field-manager", "--for", "--type", "-p"}


class Failed(Exception):
    pass


def main():
    path = sys.argv[1]
    os.mkfifo(path + ".asked")
    os.mkfifo(path + ".answer")
    print("ready", flush=True)
    threading.Thread(target=end_with_input, daemon=True).start()
    while True:
        with open(path + ".asked") as asked:
            caller, name, stdin, *words = asked.read().split("\0")[:-1]
        try:
            code, out, err = serve(path, int(caller), name, words, stdin)
        except Exception:
            code, out, err = 70, "", traceback.format_exc()
        with open(path + ".answer", "w") as answer:
            answer.write(f"printf %s {shlex.quote(out)}; printf %s {shlex.quote(err)} >&2; exit {code}\n")


def end_with_input():
    sys.stdin.read()
    os._exit(0)


def serve(path, caller, name, words, stdin):
    with open(path) as file:
        cluster = json.load(file)
    if name == "sleep":
        operators.pass_time(cluster, 4 * int(words[0]))
        save(path, cluster)
        return 0, "", ""
    operators.pass_time(cluster, 1)
    verbs = words[1:] if words[0] == "adm" else words
    changed = verbs[0] not in ("get", "debug", "config", "describe", "whoami")
    if "-" in words:
        cluster["stdin"] = stdin
    text = " ".join([name] + words)
    if text not in cluster["asked"]:
        cluster["asked"].append(text)
    code, out, err = 0, "", ""
    try:
        if text == cluster.get("failing"):
            del cluster["failing"]
            raise Failed("Error from server (ServiceUnavailable): the server is currently unable to handle the request")
        out = call(cluster, verbs)
    except Failed as failure:
        code, err = 1, f"{failure}\n"
    if changed:
        cluster["calls"].append(text)
    somebody = cluster.get("somebody")
    if somebody and somebody["after"] in text:
        # Just then, somebody else.
        del cluster["somebody"]
        call(cluster, somebody["calls"])
        operators.pass_time(cluster, somebody.get("seconds", 0))
    save(path, cluster)
    if changed and len(cluster["calls"]) == cluster.get("killAfter"):
        os.kill(caller, cluster.get("killWith", signal.SIGKILL))
    return code, out, err


def save(path, cluster):
    with open(path + ".new", "w") as file:
        file.write(json.dumps(cluster))
    os.replace(path + ".new", path)


def call(cluster, words):
    verb, plain, flags = words[0], [], {}
    rest = words[1:]
    while rest:
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("-") and word != "-":
            flag, _, value = word.partition("=") if word.startswith("--") or "=" in word else (word, "", "")
            if flag in FLAGS_WITH_VALUE and "=" not in word:
                value = rest.pop(0)
            flags.setdefault(flag, []).append(value)
        else:
            plain.append(word)
    if verb not in VERBS:
        raise Failed(f'error: unknown command "{verb}"')
    return VERBS[verb](cluster, plain, {flag: values[-1] for flag, values in flags.items()}, flags.get("-f", []))


def kind_of(cluster, word):
    kind = KINDS.get(word.split(".")[0].lower())
    absent = kind is None or (kind.startswith("Sriov") and operators.SRIOV_CRD not in names(cluster, "CustomResourceDefinition"))
    if absent or (cluster.get("upstream") and kind in ("MachineConfigPool", "MachineConfig", "ClusterVersion")):
        raise Failed(f'error: the server doesn\'t have a resource type "{word}"')
    return kind


def names(cluster, kind):
    return [item["metadata"]["name"] for item in operators.of(cluster, kind)]


def selected(item, selector):
    labels = item["metadata"].get("labels", {})
    for term in filter(None, re.split(r",(?![^(]*\))", selector or "")):
        if " in (" in term:
            key, _, several = term.rstrip(")").partition(" in (")
            if labels.get(key) not in several.split(","):
                return False
            continue
        key, equals, value = term.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def found(cluster, plain, flags):
    """The objects that a command names, and whether it names one."""
    word, _, name = plain[0].partition("/")
    kind = kind_of(cluster, word)
    wanted = ([name] if name else []) + plain[1:]
    items = [item for item in operators.of(cluster, kind) if selected(item, flags.get("-l"))]
    if "-n" in flags:
        items = [item for item in items if item["metadata"].get("namespace") == flags["-n"]]
    for term in filter(None, flags.get("--field-selector", "").split(",")):
        field, _, value = term.partition("=")
        items = [item for item in items if jsonpath.render("{." + field + "}", item) == value]
    if wanted:
        missing = [name for name in wanted if name not in [item["metadata"]["name"] for item in items]]
        if missing and "--ignore-not-found" not in flags:
            raise Failed(f'Error from server (NotFound): {word} "{missing[0]}" not found')
        items = [item for item in items if item["metadata"]["name"] in wanted]
    return items, len(wanted) == 1


def get(cluster, plain, flags, files):
    for item in [item for file in files for item in documents(cluster, file)]:
        plain = [item["kind"], item["metadata"]["name"]]
    if "--raw" in flags:
        served = cluster.get("raw", {}).get(flags["--raw"])
        if served is None:
            raise Failed("Error from server (NotFound): the server could not find the requested resource")
        return json.dumps(served)
    items, single = found(cluster, plain, flags)
    output = flags.get("-o", "")
    if output == "name":
        return "".join(f"{item['kind'].lower()}/{item['metadata']['name']}\n" for item in items)
    if single and not items:
        return ""
    root = items[0] if single else {"kind": "List", "items": items}
    if output.startswith("jsonpath="):
        return jsonpath.render(output[len("jsonpath="):], root)
    return json.dumps(root)


def change(cluster, plain, flags, _, field):
    items, _ = found(cluster, [word for word in plain if "=" not in word and not word.endswith("-")], flags)
    for item in items:
        table = item["metadata"].setdefault(field, {})
        for word in plain:
            key, equals, value = word.partition("=")
            if equals and table.get(key, value) != value and "--overwrite" not in flags:
                raise Failed(f"error: '{key}' already has a value ({table[key]}), and --overwrite is false")
            if equals:
                table[key] = value
            elif word.endswith("-"):
                table.pop(word[:-1], None)
    operators.labelled(cluster)
    return ""


def taint(cluster, plain, flags, _):
    words = [word for word in plain if ":" not in word and not word.endswith("-")]
    items, _ = found(cluster, words, flags)
    for item in items:
        taints = item["spec"].setdefault("taints", [])
        for word in plain[1:]:
            if word in words:
                continue
            if word.endswith("-"):
                key = word[:-1].split(":")[0].split("=")[0]
                if key not in [taint["key"] for taint in taints]:
                    raise Failed(f'error: taint "{key}" not found')
                taints[:] = [taint for taint in taints if taint["key"] != key]
                continue
            left, _, effect = word.partition(":")
            key, _, value = left.partition("=")
            same = [taint for taint in taints if (taint["key"], taint["effect"]) == (key, effect)]
            if same and "--overwrite" not in flags:
                raise Failed(f"error: node {item['metadata']['name']} already has {key} taint(s) with same effect(s) and --overwrite is false")
            taints[:] = [taint for taint in taints if taint not in same] + [{"key": key, "value": value, "effect": effect}]
        if not taints:
            del item["spec"]["taints"]
    return ""


def cordon(cluster, plain, flags, _, closed=True):
    items, _ = found(cluster, ["node"] + [word.replace("node/", "") for word in plain], flags)
    for item in items:
        operators.close(item, closed)
        if not closed:
            operators.opened(cluster, item)
    return ""


def drain(cluster, plain, flags, files):
    cordon(cluster, plain, {}, files)
    node = plain[0].replace("node/", "")
    if node in cluster.get("undrainable", []):
        raise Failed(f"error: unable to drain node \"{node}\": Cannot evict pod as it would violate the pod's disruption budget.")
    operators.evict(cluster, node)
    return ""


def documents(cluster, file):
    """Those of a manifest that has several have no more than a kind and a name here."""
    path = os.path.join(cluster["manifests"], os.path.basename(file) + ".json")
    if os.path.exists(path):
        with open(path) as manifest:
            return [json.load(manifest)]
    if file == "-":
        text = cluster["stdin"]
    else:
        with open(file) as manifest:
            text = manifest.read()
    heads = re.findall(r"^kind: (\S+)\nmetadata:\n(?:  .*\n)*?  name: (\S+)", text, re.M)
    return [{"kind": kind, "metadata": {"name": name}} for kind, name in heads]


def apply(cluster, _, flags, files):
    for item in [item for file in files for item in documents(cluster, file)]:
        if item["kind"].startswith("Sriov") and operators.SRIOV_CRD not in names(cluster, "CustomResourceDefinition"):
            raise Failed(f'error: resource mapping not found for name: "{item["metadata"]["name"]}": no matches for kind "{item["kind"]}"')
        refusal = operators.webhook(cluster, item)
        if refusal:
            raise Failed(f'Error from server: admission webhook "operator-webhook.sriovnetwork.openshift.io" denied the request: {refusal}')
        operators.applied(cluster, item)
    return ""


def delete(cluster, plain, flags, files):
    wanted = [(item["kind"], item["metadata"]["name"]) for file in files for item in documents(cluster, file)]
    if plain:
        kind = kind_of(cluster, plain[0].partition("/")[0])
        wanted += [(kind, name) for name in plain[1:] or [plain[0].partition("/")[2]]]
    for kind, name in wanted:
        if kind.startswith("Sriov") and operators.SRIOV_CRD not in names(cluster, "CustomResourceDefinition"):
            raise Failed(f'error: resource mapping not found for name: "{name}": no matches for kind "{kind}"')
        if name not in names(cluster, kind) and "--ignore-not-found" not in flags:
            raise Failed(f'Error from server (NotFound): {kind} "{name}" not found')
        operators.deleted(cluster, kind, name)
    return ""


def debug(cluster, plain, flags, _):
    node = plain[0].replace("node/", "")
    if node not in names(cluster, "Node"):
        raise Failed(f'Error from server (NotFound): nodes "{node}" not found')
    answer = cluster.get("debug", {}).get(node, "[]\n")
    if answer is None:
        raise Failed("chroot: failed to run command: No such file or directory")
    return answer


def config(cluster, _plain, _flags, _files):
    return cluster.get("server", "https://192.0.2.1:6443")


VERBS = {
    "get": get, "taint": taint, "cordon": cordon, "drain": drain, "apply": apply, "delete": delete, "debug": debug,
    "config": config, "uncordon": lambda *words: cordon(*words, closed=False),
    "label": lambda *words: change(*words, field="labels"),
    "annotate": lambda *words: change(*words, field="annotations"),
}

if __name__ == "__main__":
    main()
