#!/usr/bin/env python3
"""circles.py SRC...: names every import circle among the modules of each crate, and fails if there is one.

A module is a file. It imports what its `use` lines and its `crate::`, `super::` and `child::` paths name; a parent that
declares (`mod x;`) or re-exports (`pub use x::Y;`) a child does not depend on it by that alone. Tests inside a file do not count:
they may look at anything.
"""

import re
import sys
from pathlib import Path

PATH = re.compile(r"\b(crate|super|self)((?:::super)*)((?:::[A-Za-z_][A-Za-z0-9_]*)*)(::\{|::\*)?")
BARE = re.compile(r"(?<![\w:.])([A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)")
RE_EXPORT = re.compile(r"^\s*pub(?:\([^)]*\))? use ([^;]*);", re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*")
STRING = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)
TESTS = re.compile(r"^#\[cfg\((?:test|fuzzing)\)\]\n(?:pub )?mod \w+ \{.*?^\}", re.MULTILINE | re.DOTALL)


def modules(root):
    """Every module of the crate below `root`, by its path in the crate: `()` is the crate's root."""
    found = {}
    for file in sorted(root.rglob("*.rs")):
        parts = list(file.relative_to(root).with_suffix("").parts)
        if parts[-1] in ("mod", "lib", "main"):
            parts.pop()
        if parts and parts[-1] in ("tests", "fuzzing"):
            continue
        # A program beside a library of the same crate only calls it.
        if file.name == "main.rs" and (root / "lib.rs").exists():
            continue
        found[tuple(parts)] = file
    return found


def names(tree):
    """The leaves of a `{...}` of a use line, as far as their first two segments."""
    depth, start, out = 0, 0, []
    for at, c in enumerate(tree):
        if c == "{":
            depth += 1
        elif c == "}":
            depth -= 1
            if depth < 0:
                out.append(tree[start:at])
                break
        elif c == "," and depth == 0:
            out.append(tree[start:at])
            start = at + 1
    return [re.match(r"\s*((?:\w+(?:::)?)*)", name).group(1).strip(":").split("::") for name in out if name.strip()]


def paths(me, text):
    """The paths that a text names, from the crate's root, and whether they begin there."""
    for hit in PATH.finditer(text):
        anchor, supers, segments, more = hit.groups()
        # As in `pub(crate)`, and a method's `self`.
        if not (supers or segments or more):
            continue
        ups = (anchor == "super") + supers.count("super")
        base = () if anchor == "crate" else me[: len(me) - ups]
        segments = tuple(s for s in segments.split("::") if s)
        for leaf in names(text[hit.end():]) if more == "::{" else [()]:
            yield base + segments + tuple(leaf)


def bare(me, text, known, exported):
    """The paths behind what a text names without an anchor: `child::item` of a child, and what `me` re-exports."""
    for hit in BARE.finditer(text):
        first, *more = hit.group(1).split("::")
        if first in exported[me]:
            yield exported[me][first]
        elif me + (first,) in known and (more or text.startswith("::", hit.end())):
            yield me + (first, *more)


def exports(me, text):
    """What module `me` re-exports: the name, and the path behind it."""
    found = {}
    for hit in RE_EXPORT.finditer(text):
        path = hit.group(1).strip()
        if not re.match(r"(crate|self|super)\b", path):
            path = "self::" + path
        for target in paths(me, path):
            found[target[-1]] = target
    return found


def module_of(path, known, exported):
    """The module in which what `path` names is written down."""
    target = ()
    for at, segment in enumerate(path):
        if target + (segment,) in known:
            target += (segment,)
        elif exported[target].get(segment, path[: at + 1]) != path[: at + 1]:
            return module_of(exported[target][segment] + path[at + 1:], known, exported)
        else:
            break
    return target


def circles(graph):
    """Sets of modules that reach each other (Tarjan)."""
    index, low, stack, on, found = {}, {}, [], set(), []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        on.add(v)
        for w in graph.get(v, ()):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in on:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            group = []
            while True:
                w = stack.pop()
                on.discard(w)
                group.append(w)
                if w == v:
                    break
            if len(group) > 1:
                found.append(sorted(group))

    sys.setrecursionlimit(10000)
    for v in sorted(graph):
        if v not in index:
            visit(v)
    return found


def main(roots):
    failed = False
    for root in map(Path, roots):
        known = modules(root)
        texts = {me: STRING.sub('""', COMMENT.sub("", TESTS.sub("", file.read_text()))) for me, file in known.items()}
        exported = {me: exports(me, text) for me, text in texts.items()}
        graph = {}
        for me, text in texts.items():
            text = RE_EXPORT.sub("", text)
            named = [*paths(me, text), *bare(me, text, known, exported)]
            graph[me] = {module_of(path, known, exported) for path in named} - {me}
        for group in circles(graph):
            failed = True
            shown = ["::".join(m) or "the crate's root" for m in group]
            print(f"{root}: {len(group)} modules import each other, so none can be read without the others: {', '.join(shown)}")
            for v in group:
                for w in sorted(graph[v] & set(group)):
                    print(f"    {'::'.join(v) or 'root'} -> {'::'.join(w) or 'root'}")
    if failed:
        print("Move what one of them needs of the other into a module below both (values below, verbs above).")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
