"""Compares the first run of `clippy add` over a folder with a second run, which finds it unchanged.

The pictures are small and all different, 50 in a folder. They are drawn in a temporary folder, and
the program embeds them with its bundled model. Needs nothing but Python. Prints JSON, and fails if
the second run takes more than a twentieth of the first.

    python3 benches/add.py --program target/debug/clippy [--pictures 4000]
"""

import argparse
import json
import random
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

SIDE = 32
IN_A_FOLDER = 50
MOST = 1 / 20


def png(seed: int) -> bytes:
    """Returns a picture of coloured noise."""
    noise = random.Random(seed)
    rows = b"".join(b"\0" + noise.randbytes(3 * SIDE) for _ in range(SIDE))

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def draw(folder: Path, pictures: int) -> None:
    for number in range(pictures):
        below = folder / f"{number // IN_A_FOLDER:04}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"picture {number:06}.png").write_bytes(png(number))


def add(program: Path, folder: Path, data: Path) -> tuple[float, dict]:
    began = time.monotonic()
    output = subprocess.run(
        [program, "add", folder, "--data-dir", data, "--json"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    seconds = time.monotonic() - began
    return seconds, json.loads(output.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=4000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        folder, data = Path(base) / "pictures", Path(base) / "data"
        draw(folder, options.pictures)
        program = options.program.resolve()
        first, report = add(program, folder, data)
        assert report["totals"]["embedded"] == options.pictures, report
        second, report = add(program, folder, data)
        assert report["scan"]["unchanged"] == options.pictures, report
    share = second / first
    print(
        json.dumps(
            {
                "measure": "second clippy add / first",
                "pictures": options.pictures,
                "first_s": round(first, 2),
                "second_s": round(second, 2),
                "ratio": round(share, 4),
                "at_most": MOST,
                "holds": share <= MOST,
            }
        )
    )
    return 0 if share <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
