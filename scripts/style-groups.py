#!/usr/bin/env python3
"""Measures how well the styles that Clippy finds in a gallery agree with its real ones, without tags.

    scripts/style-groups.py target/debug/clippy GALLERY FOLDER

GALLERY holds `manifest.jsonl`, whose lines name the real style in `style`. A copy of it without tags and styles is
ingested into FOLDER in two steps: first without 500 pictures, chosen by a hash of their ids, then with them. Styles are
found after each step, the second time by a run of its own. Prints a table, and exits with 1 when a figure is below its
goal:

- the adjusted Rand index of the groups and the real styles is at least 0.8, before and after;
- at least 99 % of the pictures of the first step are in the same group after the second one;
- a repeated run changes no group at all.
"""

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

from measuring import ingest, read_rows, serving

ADDED = 500
WITHHELD = ("style", "tags_all", "matched_tags")


def groups_of(program: str, data: Path, ids: list[int]) -> tuple[dict[int, int], list[dict]]:
    """Returns the group of each picture, and the styles."""
    with serving(program, data) as server:
        found = {}
        for start in range(0, len(ids), 200):
            some = ",".join(map(str, ids[start : start + 200]))
            for picture in server.get(f"/api/pictures?ids={some}")["pictures"]:
                found[picture["id"]] = picture.get("style_group")
        return found, server.get("/api/styles")["styles"]


def pairs(count: int) -> int:
    return count * (count - 1) // 2


def adjusted_rand_index(found: dict[int, int], real: dict[int, str]) -> float:
    both = Counter((group, real[picture]) for picture, group in found.items())
    groups, styles = Counter(), Counter()
    for (group, style), count in both.items():
        groups[group] += count
        styles[style] += count
    agreed = sum(map(pairs, both.values()))
    in_groups, in_styles = sum(map(pairs, groups.values())), sum(map(pairs, styles.values()))
    by_chance = in_groups * in_styles / pairs(len(found))
    return (agreed - by_chance) / ((in_groups + in_styles) / 2 - by_chance)


def main() -> int:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    program, gallery, folder = (str(Path(sys.argv[1]).resolve()), *map(Path, sys.argv[2:]))
    rows = read_rows(gallery / "manifest.jsonl")
    real = {row["id"]: row["style"] for row in rows}
    by_hash = sorted(real, key=lambda picture: hashlib.sha256(str(picture).encode()).digest())
    added = set(by_hash[:ADDED])
    data = folder / "data"
    bare = [{name: row[name] for name in row if name not in WITHHELD} for row in rows]

    def find() -> None:
        subprocess.check_call([program, "styles", "--find", "--data-dir", str(data)])

    first = [row for row in bare if row["id"] not in added]
    ingest(program, gallery, folder / "first.jsonl", first, data)
    before, styles = groups_of(program, data, [row["id"] for row in first])
    ingest(program, gallery, folder / "all.jsonl", bare, data)
    joined, _ = groups_of(program, data, list(real))
    find()
    after, _ = groups_of(program, data, list(real))
    find()
    again, _ = groups_of(program, data, list(real))

    figures = {
        "ARI before": (adjusted_rand_index(before, real), 0.8),
        "ARI with 500 more, joined": (adjusted_rand_index(joined, real), 0.8),
        "ARI with 500 more, found again": (adjusted_rand_index(after, real), 0.8),
        "same group with 500 more": (
            sum(after[picture] == group for picture, group in before.items()) / len(before),
            0.99,
        ),
        "same group in a repeated run": (
            sum(again[picture] == group for picture, group in after.items()) / len(after),
            1.0,
        ),
    }
    print(f"{len(real)} pictures of {len(set(real.values()))} styles, {len(styles)} groups:")
    for style in styles:
        print(f"  {style['count']:>5}  {style['name']}")
    for name, (value, least) in figures.items():
        print(f"{name:<32} {value:.3f}  (goal {least})")
    return int(any(value < least for value, least in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
