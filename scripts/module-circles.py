#!/usr/bin/env python3
"""Finds circles among the modules of each crate: modules that use each other, directly or through others.

A module is a file or folder right below `src`; what its parts do among themselves does not count, nor do tests. Names
that the crate's root hands on (`pub use module::Name`) belong to the module that they come from. KNOWN lists circles
that are there still: one that grew or is new fails, and so does one that is gone but listed, so that the list shrinks.
"""

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

KNOWN: dict[str, list[set[str]]] = {}

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
TESTS = re.compile(r"#\[cfg\(test\)\]\s*mod \w+ \{.*", re.DOTALL)


def code(file: Path) -> str:
    return TESTS.sub("", COMMENT.sub("", file.read_text()))


def leaves(tree: str, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of a `use` tree, such as `a::{b, c::D as E}`."""
    tree = tree.strip()
    if (brace := tree.find("{")) >= 0 and tree.endswith("}"):
        inside, depth, parts, part = tree[brace + 1 : -1], 0, [], ""
        for letter in inside + ",":
            depth += (letter == "{") - (letter == "}")
            if letter == "," and depth == 0:
                parts.append(part)
                part = ""
            else:
                part += letter
        head = tuple(name for name in tree[:brace].split("::") if name.strip())
        return [leaf for part in parts if part.strip() for leaf in leaves(part, prefix + head)]
    return [prefix + tuple(name.strip() for name in re.split(r" as ", tree)[0].split("::"))]


def modules_of(source: Path) -> dict[str, list[Path]]:
    """The files of each module below a crate's `src`."""
    found: dict[str, list[Path]] = {}
    for file in sorted(source.rglob("*.rs")):
        name = file.relative_to(source).parts[0].removesuffix(".rs")
        if name not in ("lib", "main", "bin") and file.stem != "tests":
            found.setdefault(name, []).append(file)
    return found


def handed_on(root: Path, modules: set[str]) -> dict[str, str]:
    """Names that the crate's root re-exports, with the module that each comes from."""
    names = {}
    for tree in re.findall(r"\bpub(?:\(crate\))? use ([^;]+);", code(root)):
        for path in leaves(tree):
            path = path[1:] if path[0] in ("self", "crate") else path
            if path and path[0] in modules:
                names[path[-1]] = path[0]
    return names


def edges_of(source: Path) -> dict[str, set[str]]:
    modules = modules_of(source)
    root = source / ("lib.rs" if (source / "lib.rs").exists() else "main.rs")
    names = {name: name for name in modules} | {
        n: m for n, m in handed_on(root, set(modules)).items() if n not in modules
    }
    edges: dict[str, set[str]] = {name: set() for name in modules}
    for name, files in modules.items():
        for file in files:
            text = code(file)
            used = [
                path for tree in re.findall(r"\buse crate::([^;]+);", text) for path in leaves(tree)
            ]
            used += [
                tuple(path.split("::")) for path in re.findall(r"\bcrate::([A-Za-z_][\w:]*)", text)
            ]
            edges[name] |= {names[path[0]] for path in used if path and path[0] in names} - {name}
    return edges


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """Groups of modules that reach each other."""
    reached = {name: set(uses) for name, uses in edges.items()}
    for _ in edges:
        for name in edges:
            reached[name] |= {further for used in tuple(reached[name]) for further in reached[used]}
    groups = {
        frozenset(other for other in edges if other in reached[name] and name in reached[other])
        for name in edges
    }
    return sorted((set(group) for group in groups if group), key=sorted)


def main() -> int:
    faults = []
    for manifest in sorted(
        [*REPOSITORY.glob("*/Cargo.toml"), *REPOSITORY.glob("crates/*/Cargo.toml")]
    ):
        crate = str(manifest.parent.relative_to(REPOSITORY))
        known = KNOWN.get(crate, [])
        found = circles(edges_of(manifest.parent / "src"))
        faults += [
            f"{crate}: {', '.join(sorted(group))} use each other"
            for group in found
            if not any(group <= one for one in known)
        ]
        gone = [one for one in known if not any(group <= one and group for group in found)]
        faults += [
            f"{crate}: the circle of {', '.join(sorted(one))} is gone: take it out of scripts/module-circles.py"
            for one in gone
        ]
    for fault in faults:
        print(fault, file=sys.stderr)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
