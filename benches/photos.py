"""Ingests photographs, and compares the speed with that of the encoder alone and of a plain loop in Python (PIL
and open_clip, one picture at a time): ViT-B-32 with the same random weights, the same machine, in one run.

    pip install torch==2.11.0 open_clip_torch==3.3.0 pillow numpy
    python3 benches/photos.py --program target/debug/clippy --bench target/debug/deps/encoder-XXXX [--photos 1000]

The photographs are made here: JPEGs of 2 to 12 megapixels, with smooth areas, edges and noise. Both sides embed
the picture and its edges; Clippy also stores them. Prints JSON.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import open_clip
import torch
from encoder import MODEL, clippy_rates, save
from PIL import Image


def photograph(seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    megapixels = random.uniform(2, 12)
    height = int((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = height * 4 // 3
    small = random.integers(0, 255, (9, 12, 3), dtype=np.uint8)
    picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(40):
        centre = (int(random.integers(width)), int(random.integers(height)))
        colour = [int(value) for value in random.integers(0, 255, 3)]
        cv2.circle(picture, centre, int(random.integers(20, height // 4)), colour, int(random.choice([-1, 8])))
    noise = random.normal(0, 6, (height // 2, width // 2, 3))
    noise = cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    return Image.fromarray(np.clip(picture + noise, 0, 255).astype(np.uint8))


def python_seconds(folder: Path, files: list[Path], threads: int) -> float:
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    model.eval()
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    with torch.inference_mode():
        for file in files:
            picture = Image.open(file).convert("RGB")
            grey = cv2.cvtColor(np.array(picture), cv2.COLOR_RGB2GRAY)
            edges = Image.fromarray(cv2.Canny(grey, 100, 200)).convert("RGB")
            for one in (picture, edges):
                model.encode_image(transform(one)[None])
    return time.perf_counter() - begin


def clippy_seconds(program: Path, folder: Path, photos: Path, data: Path) -> float:
    environment = dict(os.environ, PRETRAINED=f"local-dir:{folder}")
    begin = time.perf_counter()
    output = subprocess.run(
        [program, "add", photos, "--data-dir", data, "--json"],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    ).stdout
    seconds = time.perf_counter() - begin
    report = json.loads(output.splitlines()[-1])
    assert report["totals"]["embedded"] == len(list(photos.iterdir())), report
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--python-photos", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        folder, photos = Path(base) / "model", Path(base) / "photos"
        folder.mkdir()
        photos.mkdir()
        torch.manual_seed(7)
        save(open_clip.create_model(MODEL).eval(), folder)
        for seed in range(options.photos):
            photograph(seed).save(photos / f"photo {seed:04}.jpg", quality=90)
        files = sorted(photos.iterdir())
        rates = clippy_rates(options.bench.resolve(), folder, options.threads)
        encoder = max(max(of_precision.values()) for of_precision in rates.values())
        ours = clippy_seconds(options.program.resolve(), folder, photos, Path(base) / "data")
        some = files[: options.python_photos]
        python = python_seconds(folder, some, options.threads) / len(some) * len(files)
    # A picture and its edges.
    encodings = 2 * options.photos / ours
    print(
        json.dumps(
            {
                "photos": options.photos,
                "clippy_s": round(ours, 1),
                "python_s": round(python, 1),
                "clippy_encodings_per_second": round(encodings, 1),
                "encoder_alone_per_second": encoder,
                "share_of_encoder": round(encodings / encoder, 2),
                "times_python": round(python / ours, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
