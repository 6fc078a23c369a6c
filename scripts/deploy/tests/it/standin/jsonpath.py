"""The part of kubectl's JSONPath that the commands use: fields, `[*]`, `[?(@.a=="b")]`, `[?(@.a)]`, `{range}`; what is
missing prints nothing."""
import json
import re

STEP = re.compile(r"""\.((?:\\.|[^.\[\\])+)|\[\*\]|\[\?\(@((?:\\.|[^=)\\])+)(?:=="([^"]*)")?\)\]""")


def values(path, root):
    found, at = [root], 0
    while at < len(path):
        step = STEP.match(path, at)
        if not step:
            raise ValueError(f"error: error parsing jsonpath {path}")
        at = step.end()
        field, condition, wanted = step.group(1), step.group(2), step.group(3)
        if field is not None:
            key = re.sub(r"\\(.)", r"\1", field)
            found = [item[key] for item in found if isinstance(item, dict) and key in item]
            continue
        found = [item for several in found for item in (several.values() if isinstance(several, dict) else several)]
        if condition:
            found = [item for item in found if holds(values(condition, item), wanted)]
    return found


def holds(found, wanted):
    return bool(found) if wanted is None else [text(item) for item in found] == [wanted]


def text(value):
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))


def render(template, root):
    parts = re.split(r"\{((?:[^{}\"]|\"[^\"]*\")*)\}", template)
    out, _ = block(parts, 0, [root])
    return out


def block(parts, at, roots):
    """Literal text at even places, expressions at odd ones. Up to the end of this block, once for each root."""
    out, end = "", at
    for root in roots:
        here, end = at, at
        while end < len(parts):
            if end % 2 == 0:
                out += parts[end]
            elif parts[end] == "end":
                break
            elif parts[end].startswith("range "):
                inner, end = block(parts, end + 1, values(parts[end][6:], root))
                out += inner
            elif parts[end].startswith('"'):
                out += json.loads(parts[end])
            else:
                out += " ".join(text(value) for value in values(parts[end], root))
            end += 1
    if not roots:
        depth, end = 1, at
        while end < len(parts):
            if end % 2:
                depth += parts[end].startswith("range ") - (parts[end] == "end")
                if depth == 0:
                    break
            end += 1
    return out, end
