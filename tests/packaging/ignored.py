"""Reads .dockerignore, as far as this repository uses it: names, `*`, `**/` and `!`."""

import fnmatch
from collections.abc import Callable
from pathlib import Path


class Ignored:
    def __init__(self, file: Path) -> None:
        self.rules = [
            line.strip()
            for line in file.read_text().splitlines()
            if line.strip() and not line.startswith("#")
        ]

    def matches(self, path: Path) -> bool:
        """Returns whether a path, relative to the context, is left out of the image."""
        kept_out = False
        for rule in self.rules:
            wanted, pattern = not rule.startswith("!"), rule.lstrip("!")
            if any(self._matches(part, pattern) for part in [path, *path.parents]):
                kept_out = wanted
        return kept_out

    @staticmethod
    def _matches(path: Path, pattern: str) -> bool:
        if pattern.startswith("**/"):
            return fnmatch.fnmatch(path.name, pattern[3:])
        return len(path.parts) == len(Path(pattern).parts) and fnmatch.fnmatch(str(path), pattern)

    def skip_below(self, context: Path) -> Callable[[str, list[str]], set[str]]:
        """Returns the `ignore` function for `shutil.copytree`."""

        def skip(folder: str, names: list[str]) -> set[str]:
            inside = Path(folder).relative_to(context)
            return {name for name in names if self.matches(inside / name)}

        return skip
