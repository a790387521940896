#!/usr/bin/env python3
"""Measures how well words find pictures in a tagged, a half-tagged and an untagged copy of a gallery.

    scripts/words-without-tags.py target/release/clippy GALLERY FOLDER

GALLERY holds `manifest.jsonl` and `queries.jsonl` (lines of `clippy eval`; those with `text` and without `image` are
used). The copies are ingested into FOLDER once; later runs only search. Every other picture of the half-tagged copy, by
a hash of its id, has its tags. Prints a table, and exits with 1 when a figure is below its goal:

- untagged: 80 % of the words find an answer within the first ten;
- half-tagged: 90 % do, and untagged pictures, which are a half of the gallery, have at least 45 % of the first ten
  places.
"""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from measuring import Server, ingest, once, read_rows, serving



def loses_tags(copy: str, picture: int) -> bool:
    return (
        copy == "untagged"
        or copy == "half-tagged"
        and hashlib.sha256(str(picture).encode()).digest()[0] % 2 == 0
    )


def copy_gallery(program: str, gallery: Path, copy: str, folder: Path) -> None:
    rows = [
        row | {"tags_all": [], "matched_tags": []} if loses_tags(copy, row["id"]) else row
        for row in read_rows(gallery / "manifest.jsonl")
    ]
    data = folder / "data"
    ingest(program, gallery, folder / "manifest.jsonl", rows, data)
    subprocess.check_call([program, "calibrate", "--data-dir", str(data)])


def search(server: Server, words: str) -> list[int]:
    query = {"query_text": words, "top": 50, "collapse": False, "personalize": False}
    return [hit["id"] for hit in server.post("/api/search/hybrid", query)["results"]]


def measure(program: str, copy: str, folder: Path, queries: list[dict]) -> dict[str, float]:
    with serving(program, folder / "data") as server:
        with ThreadPoolExecutor(os.cpu_count() or 2) as threads:
            answers = list(threads.map(lambda query: search(server, query["text"]), queries))
    found = [
        [hit in query["relevant"] for hit in answer] for query, answer in zip(queries, answers)
    ]
    first = [hit for answer in answers for hit in answer[:10]]
    right = sum(
        hit in query["relevant"] for query, answer in zip(queries, answers) for hit in answer[:10]
    )
    return {
        "recall@1": sum(any(hits[:1]) for hits in found) / len(queries),
        "recall@10": sum(any(hits[:10]) for hits in found) / len(queries),
        "right of ten": right / len(queries),
        "untagged of ten": sum(loses_tags(copy, hit) for hit in first) / max(1, len(first)),
    }


def main() -> int:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    program, gallery, folder = (
        str(Path(sys.argv[1]).resolve()),
        Path(sys.argv[2]).resolve(),
        Path(sys.argv[3]).resolve(),
    )
    lines = read_rows(gallery / "queries.jsonl")
    queries = [line for line in lines if line.get("text") and not line.get("image")]
    faults, heading = [], True
    for copy in ("tagged", "half-tagged", "untagged"):
        own = folder / copy
        once(own, lambda copy=copy, own=own: copy_gallery(program, gallery, copy, own))
        figures = measure(program, copy, own, queries)
        if heading:
            print(f"{len(queries)} queries  " + "  ".join(figures))
            heading = False
        print(
            f"{copy:<11}  "
            + "  ".join(f"{value:>{len(name)}.3f}" for name, value in figures.items()),
            flush=True,
        )
        least = {"untagged": 0.8, "half-tagged": 0.9}.get(copy, 0.0)
        if figures["recall@10"] < least:
            faults.append(
                f"{copy}: recall@10 is {figures['recall@10']:.3f}, but should be at least {least}"
            )
        if copy == "half-tagged" and figures["untagged of ten"] < 0.45:
            faults.append(
                "half-tagged: untagged pictures have less than their share of the first ten places"
            )
    for fault in faults:
        print(fault, file=sys.stderr)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
