"""Ingests the first 1,000, 2,000, 4,000 and 6,000 pictures of a manifest, each into an empty folder, and shows
that the time and the memory grow straight: `benches/growth.py --program PATH --manifest M.jsonl [--plot F.svg]`.

Needs nothing but Python. Prints JSON lines, and fails if the last thousand pictures take more than 1.5 times
as long as the first, or if the memory for a picture grows.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (1000, 2000, 4000, 6000)
MOST = 1.5


def ingest(program: Path, manifest: Path, root: Path, data: Path) -> tuple[float, int]:
    """Seconds, and the peak of the memory in bytes."""
    begin = time.monotonic()
    child = subprocess.Popen(
        [program, "ingest", "--manifest", manifest, "--images-root", root, "--data-dir", data],
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, child.returncode
    return time.monotonic() - begin, usage.ru_maxrss * 1024


def plot(rows: list[dict], file: Path) -> None:
    """Draws both curves, each from 0, with its greatest value."""
    width, height, edge = 640, 320, 60

    def curve(field: str, colour: str) -> str:
        most = max(row[field] for row in rows)
        points = [(0.0, 0.0)] if field == "seconds" else []
        points += [(row["pictures"] / SIZES[-1], row[field] / most) for row in rows]
        places = [(edge + x * (width - 2 * edge), height - edge - y * (height - 2 * edge)) for x, y in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in places)
        return f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'

    last = rows[-1]
    labels = "".join(
        f'<text x="{edge + row["pictures"] / SIZES[-1] * (width - 2 * edge):.0f}" y="{height - edge + 20}"'
        f' text-anchor="middle">{row["pictures"]:,}</text>'
        for row in rows
    )
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        f' font-size="13"><rect width="{width}" height="{height}" fill="white"/>'
        f'<path d="M{edge} {edge}V{height - edge}H{width - edge}" fill="none" stroke="gray"/>'
        f'{labels}<text x="{width / 2}" y="{height - 15}" text-anchor="middle">pictures</text>'
        f'<text x="{edge}" y="25" fill="#0969da">time: {last["seconds"]:.0f} s</text>'
        f'<text x="{edge}" y="45" fill="#bc4c00">peak memory: {last["memory_mb"]:.0f} MB</text>'
        f"{curve('seconds', '#0969da')}{curve('memory_mb', '#bc4c00')}</svg>\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    lines = options.manifest.read_text().splitlines(keepends=True)
    rows = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as base:
            part = Path(base) / "part.jsonl"
            part.write_text("".join(lines[:size]))
            root = options.manifest.resolve().parent
            seconds, memory = ingest(options.program.resolve(), part, root, Path(base) / "data")
        row = {"pictures": size, "seconds": round(seconds, 1), "memory_mb": round(memory / 1e6)}
        rows.append(row)
        print(json.dumps(row), flush=True)
    slopes = [
        (after["seconds"] - before["seconds"]) / (after["pictures"] - before["pictures"])
        for before, after in zip(rows, rows[1:])
    ]
    memory = [
        (after["memory_mb"] - before["memory_mb"]) / (after["pictures"] - before["pictures"])
        for before, after in zip(rows, rows[1:])
    ]
    time_holds = slopes[-1] <= MOST * slopes[0]
    memory_holds = memory[-1] <= max(memory[0], 0.02) * MOST
    print(
        json.dumps(
            {
                "measure": "the last pictures / the first ones",
                "seconds_for_a_thousand": [round(1000 * slope, 2) for slope in slopes],
                "mb_for_a_thousand": [round(1000 * slope, 1) for slope in memory],
                "holds": time_holds and memory_holds,
            }
        )
    )
    if options.plot:
        plot(rows, options.plot)
    return 0 if time_holds and memory_holds else 1


if __name__ == "__main__":
    sys.exit(main())
