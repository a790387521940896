#!/usr/bin/env python3
"""Makes an export of many pictures from one of a few: `benches/large_gallery.py EXPORT OUT [--pictures N]`.

The pictures of EXPORT (`clippy export`) are repeated under new ids, so that they share files and thumbnails. They have no vectors:
what is measured with them is looking through the gallery, not searching. `clippy import OUT` fills another data folder with them.
"""

import argparse
import hashlib
import itertools
import json
import struct
from pathlib import Path

SHARD = 2_000
FIRST_ADDED = 1_700_000_000_000


def checksum(content: bytes) -> dict:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def ids_file(ids: list[int]) -> bytes:
    """A safetensors file with the ids alone."""
    text = "".join(f"{number}\n" for number in ids).encode()
    tensor = {"dtype": "U8", "shape": [len(text)], "data_offsets": [0, len(text)]}
    header = json.dumps({"ids": tensor}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("export", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=int, default=100_000)
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True)
    index = json.loads((arguments.export / "export.json").read_text())
    lines = (arguments.export / "manifest.jsonl").read_text().splitlines()
    pictures = itertools.cycle(json.loads(line) for line in lines)
    ids = list(range(1, arguments.pictures + 1))
    rows = []
    for number, picture in zip(ids, pictures):
        added = {"_clippy_added": FIRST_ADDED + 1_000 * number}
        rows.append(json.dumps({**picture, "id": number, **added}) + "\n")
    files = {
        "manifest.jsonl": "".join(rows).encode(),
        "notes.json": (arguments.export / "notes.json").read_bytes(),
        "tastes.jsonl": b"",
        "trash.jsonl": b"",
    }
    index["shards"] = []
    for number, begin in enumerate(range(0, len(ids), SHARD)):
        name, some = f"vectors-{number:05}.safetensors", ids[begin : begin + SHARD]
        content = ids_file(some)
        (out / name).write_bytes(content)
        index["shards"].append({"name": name, "points": len(some), **checksum(content)})
    for name, content in files.items():
        (out / name).write_bytes(content)
    index["files"] = {name: checksum(content) for name, content in files.items()}
    index["points"] = index["collection"]["points"] = len(ids)
    index["vectors"] = dict.fromkeys(index["vectors"], 0)
    index["artists"] = index["deleted"] = 0
    text = json.dumps(index, indent=2).encode()
    (out / "export.json").write_bytes(text)
    (out / "export.json.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  export.json\n")


if __name__ == "__main__":
    main()
