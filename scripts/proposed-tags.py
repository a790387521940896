#!/usr/bin/env python3
"""Measures how often proposed tags are right on pictures whose tags were withheld.

    scripts/proposed-tags.py target/release/clippy GALLERY FOLDER [SHARE]

GALLERY holds `manifest.jsonl`. It is ingested into FOLDER once, with the tags of SHARE of its pictures (by a hash of the
id; 0.2 by default) left out. Then `clippy tag` proposes tags, and the proposals for these pictures are compared with
their true tags. Prints a table of stated probabilities and how often they were right, and exits with 1 unless proposals
with a stated probability of about 0.9 (0.85 to 0.95), and all of 0.9 and more, are right as often as they should be:
the former in 0.85 to 0.95 of all cases, the latter within 0.03 of the mean that they state.
"""

import hashlib
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

from measuring import Server, ingest, once, read_rows, serving

BINS = ((0.3, 0.5), (0.5, 0.7), (0.7, 0.85), (0.85, 0.95), (0.95, 1.01), (0.9, 1.01))


def is_withheld(picture: int, share: float) -> bool:
    digest = hashlib.sha256(f"withheld {picture}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32


def without_tags(row: dict, share: float) -> dict:
    withheld = {"tags_all": [], "matched_tags": []}
    return row | withheld if is_withheld(row["id"], share) else row


def pages(server: Server, query: dict):
    """All pages of the proposals that a query selects."""
    cursor = {}
    while True:
        answer = server.get("/api/tags/proposed?" + urllib.parse.urlencode(query | cursor))
        yield answer["groups"]
        if answer["next_cursor"] is None:
            return
        cursor = {"cursor": answer["next_cursor"]}


def read_proposals(program: str, data: Path) -> list[tuple[str, int, float]]:
    """Every proposed tag, with its picture and its probability."""
    proposals = []
    with serving(program, data) as server:
        tags = [group["tag"] for groups in pages(server, {"limit": 200}) for group in groups]
        for tag in tags:
            for groups in pages(server, {"tag": tag, "limit": 200}):
                for picture in groups[0]["pictures"]:
                    proposals.append((tag, picture["id"], picture["probability"]))
    return proposals


def main() -> int:
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    program, gallery, folder = (
        str(Path(sys.argv[1]).resolve()),
        Path(sys.argv[2]).resolve(),
        Path(sys.argv[3]).resolve(),
    )
    share = float(sys.argv[4]) if len(sys.argv) == 5 else 0.2
    rows = read_rows(gallery / "manifest.jsonl")
    truth = {row["id"]: set(row["tags_all"]) for row in rows if is_withheld(row["id"], share)}
    seen = {tag for row in rows if row["id"] not in truth for tag in row["tags_all"]}
    some_tagged = [without_tags(row, share) for row in rows]
    data = folder / "data"
    once(folder, lambda: ingest(program, gallery, folder / "manifest.jsonl", some_tagged, data))
    started = time.monotonic()
    subprocess.check_call([program, "tag", "--at-least", "0.3", "--data-dir", str(data)])
    print(f"proposed in {time.monotonic() - started:.0f} s")
    stated = [
        (probability, tag in truth[picture])
        for tag, picture, probability in read_proposals(program, data)
        if picture in truth
    ]
    wanted = sum(len(tags & seen) for tags in truth.values())
    print(f"{len(truth)} pictures without their tags, {wanted} tags to be found")
    print("stated         proposals    mean   right  of all tags")
    figures = {}
    for low, high in BINS:
        within = [(said, right) for said, right in stated if low <= said < high]
        count = max(1, len(within))
        mean, right = sum(said for said, _ in within) / count, sum(r for _, r in within) / count
        figures[low, high] = (len(within), mean, right)
        found = sum(r for _, r in within) / max(1, wanted)
        print(
            f"{low:.2f} to {min(1, high):.2f}  {len(within):>11}  {mean:>6.3f}  {right:>6.3f}  "
            f"{found:>11.3f}"
        )
    faults = []
    count, _, right = figures[0.85, 0.95]
    if count < 100 or not 0.85 <= right <= 0.95:
        faults.append(f"of {count} proposals of about 0.9, {right:.3f} are right")
    count, mean, right = figures[0.9, 1.01]
    if count < 100 or abs(mean - right) > 0.03:
        faults.append(f"{count} proposals of 0.9 and more state {mean:.3f}, but {right:.3f} are")
    for fault in faults:
        print(fault, file=sys.stderr)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
