"""Writes six small pictures and their style vectors, to check other code against: `python -m training.style_fixture --out DIR`.

The pictures are made up by training.drawings and training.style_views. Three are as large as the model's input (96 pixels), so that
their vectors do not depend on how pictures are reduced; three are larger. `style.json` lists the file and the vector of each.
"""

import argparse
import json
import os
import random

import cv2
import numpy as np
import torch
from PIL import Image

from .drawings import compose, draw_filled, draw_lines
from .gallery import small, with_alpha
from .style import load_head
from .style_features import Tower
from .style_views import MadeUpStyle

INPUT = 96


def pictures():
    random.seed(7)
    np.random.seed(7)
    parts = [compose() for _ in range(4)]
    lines = cv2.cvtColor(draw_lines(parts[0], 4), cv2.COLOR_GRAY2RGB)
    flat, shaded = draw_filled(parts[1], "flat"), draw_filled(parts[2], "shaded")
    changed = MadeUpStyle(5)(with_alpha(draw_filled(parts[3], "outlined")))
    dotted = MadeUpStyle(0)(with_alpha(draw_filled(parts[1], "flat")))
    return [lines, flat, shaded, small(lines, INPUT), small(changed, INPUT), small(dotted, INPUT)]


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--model", default="clippy-small", help="model folder, with style_head.safetensors")
    p.add_argument("--out", default="training/style-fixture", help="folder to write into")
    args = p.parse_args()
    torch.set_num_threads(1)
    os.makedirs(args.out, exist_ok=True)
    tower, head = Tower(args.model), load_head(os.path.join(args.model, "style_head.safetensors"))
    lines = []
    for i, rgb in enumerate(pictures()):
        file = f"{i}.png"
        Image.fromarray(rgb).save(os.path.join(args.out, file), optimize=True)
        vector = head.vectors(tower.statistics([Image.open(os.path.join(args.out, file))]))[0]
        lines.append(dict(picture=file, vector=[round(float(v), 6) for v in vector]))
    with open(os.path.join(args.out, "style.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n")


if __name__ == "__main__":
    main()
