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
import json
import os
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ADDRESS = "127.0.0.1:8977"


def loses_tags(copy: str, picture: int) -> bool:
    return (
        copy == "untagged"
        or copy == "half-tagged"
        and hashlib.sha256(str(picture).encode()).digest()[0] % 2 == 0
    )


def ingest(program: str, gallery: Path, copy: str, folder: Path) -> None:
    """Copies the gallery, unless an earlier run did. All copies share one embedding of the pictures."""
    if (folder / "complete").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.jsonl"
    with manifest.open("w") as out:
        for line in (gallery / "manifest.jsonl").read_text().splitlines():
            row = json.loads(line)
            if loses_tags(copy, row["id"]):
                row |= {"tags_all": [], "matched_tags": []}
            out.write(json.dumps(row) + "\n")
    data = ["--data-dir", str(folder / "data")]
    subprocess.check_call(
        [program, "ingest", "--manifest", str(manifest), "--images-root", str(gallery), *data]
    )
    subprocess.check_call([program, "calibrate", *data])
    (folder / "complete").touch()


def search(words: str) -> list[int]:
    body = json.dumps(
        {"query_text": words, "top": 50, "collapse": False, "personalize": False}
    ).encode()
    request = urllib.request.Request(
        f"http://{ADDRESS}/api/search/hybrid", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=300) as answer:
        return [hit["id"] for hit in json.load(answer)["results"]]


def wait_for(server: subprocess.Popen) -> None:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{ADDRESS}/readyz", timeout=10):
                return
        except OSError:
            time.sleep(0.2)
    sys.exit("the server ended before it was ready")


def measure(program: str, copy: str, folder: Path, queries: list[dict]) -> dict[str, float]:
    command = [program, "serve", "--bind", ADDRESS, "--data-dir", str(folder / "data")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(server)
            with ThreadPoolExecutor(os.cpu_count() or 2) as threads:
                answers = list(threads.map(lambda query: search(query["text"]), queries))
        finally:
            server.terminate()
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
    lines = [
        json.loads(line)
        for line in (gallery / "queries.jsonl").read_text().splitlines()
        if line.strip()
    ]
    queries = [line for line in lines if line.get("text") and not line.get("image")]
    faults, heading = [], True
    for copy in ("tagged", "half-tagged", "untagged"):
        ingest(program, gallery, copy, folder / copy)
        figures = measure(program, copy, folder / copy, queries)
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
