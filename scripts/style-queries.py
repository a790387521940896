#!/usr/bin/env python3
"""Writes queries of `clippy eval` by style, for a gallery that has each subject in several styles.

    scripts/style-queries.py GALLERY SUBJECTS > GALLERY/style-queries.jsonl

GALLERY holds `manifest.jsonl` with `id`, `local_path`, `subject` and `style`. SUBJECTS is a file with one subject a
line, such as those that no training has seen, or `-` for all. Two kinds are written, by a fixed random choice:

- `style`: a picture. Right is every picture of its style that shows another subject; pictures of its subject do not
  count.
- `sketch+style`: a line drawing of one subject and a picture of another subject in another style. Right is the first
  subject in that style.
"""

import json
import random
import sys
from pathlib import Path

# The style whose pictures are used as sketches, and the one with the same lines in colour.
SKETCHES = "openmoji_black"
SAME_LINES = "openmoji_color"
QUERIES = 205


def main() -> int:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    gallery = Path(sys.argv[1])
    rows = [json.loads(line) for line in (gallery / "manifest.jsonl").open()]
    by_subject: dict[str, dict[str, dict]] = {}
    for row in rows:
        by_subject.setdefault(row["subject"], {})[row["style"]] = row
    if sys.argv[2] == "-":
        subjects = sorted(by_subject)
    else:
        wanted = Path(sys.argv[2]).read_text().split()
        subjects = [subject for subject in wanted if subject in by_subject]
    styles = sorted({row["style"] for row in rows})
    chance = random.Random(19)
    for subject in subjects[:QUERIES]:
        style = chance.choice(styles)
        picture = by_subject[subject][style]
        line = {
            "kind": "style",
            "style_image": picture["local_path"],
            "relevant": [
                row["id"] for row in rows if row["style"] == style and row["subject"] != subject
            ],
            "exclude": [row["id"] for row in by_subject[subject].values()],
        }
        print(json.dumps(line))
        target = chance.choice([name for name in styles if name not in (SKETCHES, SAME_LINES)])
        other = chance.choice([name for name in subjects if name != subject])
        shown = by_subject[other][target]
        line = {
            "kind": "sketch+style",
            "image": by_subject[subject][SKETCHES]["local_path"],
            "style_image": shown["local_path"],
            "relevant": [by_subject[subject][target]["id"]],
            "exclude": [by_subject[subject][SKETCHES]["id"], shown["id"]],
        }
        print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
