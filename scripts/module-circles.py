#!/usr/bin/env python3
"""Finds circles among the modules of each crate: modules that use each other, directly or through others.

At every level, the children of a module must form no circle; what a child's own parts use counts as the child's. A
parent and its child may use each other. Tests do not count. A name that a module hands on (`pub use part::Name`)
belongs to the module that it comes from. KNOWN lists circles that are there still, as the paths of their modules: one
that grew or is new fails, and so does one that is gone but listed, so that the list shrinks.
"""

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

KNOWN: dict[str, list[set[str]]] = {}

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
TESTS = re.compile(r"#\[cfg\(test\)\]\s*mod \w+ \{.*", re.DOTALL)
USE = re.compile(r"\buse ([^;]+);")
PATH = re.compile(r"\b(?:crate|self|super)(?:::\w+)+")

Names = tuple[str, ...]


def code(file: Path) -> str:
    return TESTS.sub("", COMMENT.sub("", file.read_text()))


def leaves(tree: str, prefix: Names = ()) -> list[tuple[str, Names]]:
    """The names that a `use` tree, such as `a::{b, c::D as E}`, brings in, with their paths."""
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
        head = tuple(name.strip() for name in tree[:brace].split("::") if name.strip())
        return [leaf for part in parts if part.strip() for leaf in leaves(part, prefix + head)]
    original, _, renamed = tree.partition(" as ")
    path = prefix + tuple(name.strip() for name in original.split("::"))
    if path[-1] == "self":
        path = path[:-1]
    return [(renamed.strip() or path[-1], path)] if path else []


class Crate:
    """The modules of a crate, by their paths, and the names that each brings in."""

    def __init__(self, source: Path) -> None:
        self.texts: dict[Names, str] = {}
        for file in sorted(source.rglob("*.rs")):
            parts = file.relative_to(source).with_suffix("").parts
            if parts[0] != "bin" and "tests" not in parts:
                module = parts[:-1] if parts[-1] in ("lib", "main", "mod") else parts
                self.texts[module] = self.texts.get(module, "") + code(file)
        self.uses = {
            module: [leaf for tree in USE.findall(text) for leaf in leaves(tree)]
            for module, text in self.texts.items()
        }
        self.imports = {module: dict(uses) for module, uses in self.uses.items()}

    def owner(self, module: Names, path: Names, depth: int = 0) -> Names | None:
        """The module that a path in `module` leads to; none for a path into another crate."""
        at, rest = module, path
        if rest[0] == "crate":
            at, rest = (), rest[1:]
        while rest and rest[0] in ("self", "super"):
            at, rest = (at[:-1] if rest[0] == "super" else at), rest[1:]
        begun = len(rest) < len(path)
        for index, name in enumerate(rest):
            if (*at, name) in self.texts:
                at, begun = (*at, name), True
            elif name in self.imports.get(at, {}) and depth < 9:
                further = self.imports[at][name]
                if further == path and at == module:
                    return None
                return self.owner(at, further + rest[index + 1 :], depth + 1)
            else:
                break
        return at if begun else None

    def edges(self) -> dict[Names, set[Names]]:
        """Which of its siblings each module uses, by itself or through its parts."""
        edges: dict[Names, set[Names]] = {}
        for module, text in self.texts.items():
            paths = [path for _, path in self.uses[module]]
            paths += [tuple(path.split("::")) for path in PATH.findall(text)]
            for path in paths:
                used = self.owner(module, path) or ()
                shared = 0
                while module[: shared + 1] == used[: shared + 1] and shared < len(module):
                    shared += 1
                if shared < min(len(module), len(used)):
                    edges.setdefault(module[: shared + 1], set()).add(used[: shared + 1])
        return edges


def circles(edges: dict[Names, set[Names]]) -> list[set[str]]:
    """Groups of modules that reach each other."""
    reached = {name: set(uses) for name, uses in edges.items()}
    for _ in edges:
        before = sum(map(len, reached.values()))
        for name in edges:
            reached[name] |= {
                further for used in tuple(reached[name]) for further in reached.get(used, ())
            }
        if sum(map(len, reached.values())) == before:
            break
    groups = {
        frozenset(
            "::".join(other)
            for other in edges
            if other in reached[name] and name in reached[other]
        )
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
        found = circles(Crate(manifest.parent / "src").edges())
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
