#!/usr/bin/env python3
"""Times `clippy ingest` against open_clip in Python (fp32, batches of four, as Clippy 0.2 did it), with the same model, machine and
pictures: `benches/ingest.py --program PATH --manifest M.jsonl [--model DIR] [--pictures N]`.

Needs open_clip_torch==3.3.0, torch==2.11.0 and opencv-python-headless. Both sides make an image, an edge and a text vector of every
picture; Clippy also stores and indexes them. The ratio is Clippy's time over Python's.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

import cv2
import numpy as np
import open_clip
import torch
from PIL import Image

BATCH = 4


def python_seconds(lines, folder, model_folder):
    model, _, transform = open_clip.create_model_and_transforms(
        "local-dir:" + os.path.abspath(model_folder)
    )
    tokenizer = open_clip.SimpleTokenizer(context_length=model.context_length)
    model.eval()
    begin = time.perf_counter()
    with torch.no_grad():
        for start in range(0, len(lines), BATCH):
            batch = lines[start : start + BATCH]
            pictures = [
                Image.open(os.path.join(folder, line["local_path"])).convert("RGB")
                for line in batch
            ]
            edges = [
                Image.fromarray(
                    cv2.Canny(cv2.cvtColor(np.array(p), cv2.COLOR_RGB2GRAY), 100, 200)
                ).convert("RGB")
                for p in pictures
            ]
            texts = [
                "an illustration with " + ", ".join(line["tags_all"]).replace("_", " ")
                for line in batch
            ]
            for vectors in (
                model.encode_image(torch.stack([transform(p) for p in pictures])),
                model.encode_image(torch.stack([transform(e) for e in edges])),
                model.encode_text(tokenizer(texts)),
            ):
                torch.nn.functional.normalize(vectors, dim=-1).numpy()
    return time.perf_counter() - begin


def clippy_seconds(program, manifest, count, model_folder):
    environment = dict(os.environ, PRETRAINED="local-dir:" + os.path.abspath(model_folder))
    with tempfile.TemporaryDirectory() as data:
        begin = time.perf_counter()
        out = subprocess.run(
            [
                program,
                "ingest",
                "--manifest",
                manifest,
                "--max-lines",
                str(count),
                "--data-dir",
                data,
                "--json",
            ],
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
        )
        seconds = time.perf_counter() - begin
    totals = json.loads(out.stdout)["totals"]
    assert totals["embedded"] == count, totals
    return seconds


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--program", required=True)
    p.add_argument("--manifest", required=True)
    p.add_argument(
        "--model", default=os.path.join(os.path.dirname(__file__), "../models/clippy-small")
    )
    p.add_argument("--pictures", type=int)
    args = p.parse_args()
    with open(args.manifest) as f:
        lines = [json.loads(line) for line in f][: args.pictures]
    clippy = clippy_seconds(args.program, args.manifest, len(lines), args.model)
    python = python_seconds(lines, os.path.dirname(args.manifest), args.model)
    print(
        json.dumps(
            {
                "pictures": len(lines),
                "clippy_seconds": round(clippy, 1),
                "python_seconds": round(python, 1),
                "ratio": round(clippy / python, 3),
            }
        )
    )


if __name__ == "__main__":
    main()
