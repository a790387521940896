"""What the style head sees: statistics of the image tower's early features. `python -m training.style_features --sets DIR --gallery DIR --out DIR`.

For each channel its mean and its deviation over the picture, and for the first layers how every two channels go together. The
command computes them once for the gallery, for the pictures that training.style_sets listed, and for made-up styles
(training.style_views), and writes `gallery.npz` and `training.npz`. Pin it to one thread (`OMP_NUM_THREADS=1`) on a busy machine.
"""

import argparse
import hashlib
import json
import os
import random

import cv2
import numpy as np
import open_clip
import torch
from PIL import Image

from .gallery import FULL, read_manifest
from .style_views import MadeUpStyle, cut_out, moved

LAYERS = ("conv1", "conv2", "stem", "layer1", "layer2")
CORRELATIONS = ("conv1", "conv2", "stem")
EPSILON = 1e-6
BATCH = 64
EMOJI = set(
    "emojione emojione-v1 emojione-monotone fluent-emoji fxemoji noto-v1 streamline-emojis".split()
)
ICONS, OTHERS = 64, 200  # pictures of one style at most: icons and avatars; emoji and drawings
MADE_UP = 24  # pictures of one made-up style


class Tower:
    """The early layers of a model's ModifiedResNet, and their statistics."""

    def __init__(self, folder):
        model, _, self.transform = open_clip.create_model_and_transforms(
            "local-dir:" + os.path.abspath(folder)
        )
        self.visual = model.visual.eval().float().to(memory_format=torch.channels_last)

    def maps(self, x):
        v = self.visual
        conv1 = v.act1(v.bn1(v.conv1(x)))
        conv2 = v.act2(v.bn2(v.conv2(conv1)))
        stem = v.avgpool(v.act3(v.bn3(v.conv3(conv2))))
        layer1 = v.layer1(stem)
        return dict(conv1=conv1, conv2=conv2, stem=stem, layer1=layer1, layer2=v.layer2(layer1))

    @torch.no_grad()
    def statistics(self, pictures):
        """Pillow pictures -> one row each: mean and deviation of every layer, then the correlations."""
        x = torch.stack([self.transform(p) for p in pictures])
        maps = self.maps(x.contiguous(memory_format=torch.channels_last))
        moments, correlations = [], []
        for layer in LAYERS:
            f = maps[layer]
            mean = f.mean((2, 3), keepdim=True)
            deviation = (f - mean).pow(2).mean((2, 3), keepdim=True).add(EPSILON).sqrt()
            moments += [mean.flatten(1), deviation.flatten(1)]
            if layer in CORRELATIONS:
                z = ((f - mean) / deviation).flatten(2)
                i, j = torch.triu_indices(z.shape[1], z.shape[1], 1)
                correlations.append((z @ z.transpose(1, 2) / z.shape[2])[:, i, j])
        return torch.cat(moments + correlations, 1).numpy()


def digest(text):
    return hashlib.md5(text.encode()).hexdigest()


def plan(sets, pairs):
    """(line of the manifest, seed of a made-up style or None), shuffled."""
    by = {}
    for line in read_manifest(sets):
        by.setdefault((line["kind"], line["style"]), []).append(line)
    rng, jobs, bases = random.Random(1), [], []
    for (kind, style), lines in by.items():
        lines.sort(key=lambda line: digest(line["subject"]))
        emoji = style in EMOJI
        if kind == "gallery":  # plain gallery pictures are computed once, with the whole gallery
            bases += [lines] * 6
            continue
        few = kind in ("icons", "avatars") and not emoji
        jobs += [(line, None) for line in lines[: ICONS if few else OTHERS]]
        bases += [lines] * (6 if emoji else {"drawings": 3, "avatars": 2}.get(kind, 1))
    for i in range(pairs):
        # One way of changing two real styles, or one real style changed in two ways.
        one, two = rng.sample(bases, 2)
        seeds = (2 * i, 2 * i) if i % 2 else (2 * i, 2 * i + 1)
        for base, seed in zip((one, two) if i % 2 else (one, one), seeds):
            jobs += [(line, seed) for line in rng.sample(base, min(MADE_UP, len(base)))]
    random.Random(2).shuffle(jobs)
    return jobs


def picture(line, seed, made, rng):
    if seed is None:
        rgb = Image.open(line["path"]).convert("RGB")
        if rng.random() < 0.3:
            rgb = rgb.resize((FULL, FULL), Image.BICUBIC)
            rgb = Image.fromarray(moved(np.ascontiguousarray(rgb), rng))
        return rgb
    if seed not in made:
        made[seed] = MadeUpStyle(seed)
    return Image.fromarray(made[seed](moved(cut_out(line["path"]), rng, (255, 255, 255, 0))))


def compute(tower, pictures, count):
    rows = []
    for start in range(0, count, BATCH):
        rows.append(tower.statistics([pictures(i) for i in range(start, min(count, start + BATCH))]))
        if start // BATCH % 20 == 0:
            print(f"{start} of {count}", flush=True)
    return np.concatenate(rows)


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--sets", required=True, help="folder that training.style_sets wrote")
    p.add_argument("--gallery", required=True, help="gallery folder")
    p.add_argument("--model", default="clippy-small", help="model folder")
    p.add_argument("--pairs", type=int, default=250, help="pairs of made-up styles")
    p.add_argument("--out", required=True, help="folder to write into")
    args = p.parse_args()
    cv2.setNumThreads(1)
    os.makedirs(args.out, exist_ok=True)
    tower, rng, made = Tower(args.model), np.random.default_rng(5), {}
    rows = read_manifest(args.gallery)
    path = lambda i: os.path.join(args.gallery, rows[i]["local_path"])
    x = compute(tower, lambda i: Image.open(path(i)).convert("RGB"), len(rows))
    about = {k: [r[k] for r in rows] for k in ("style", "subject")}
    np.savez(os.path.join(args.out, "gallery.npz"), x=x, about=json.dumps(about))
    jobs = plan(args.sets, args.pairs)
    x = compute(tower, lambda i: picture(*jobs[i], made, rng), len(jobs))
    about = {k: [line[k] for line, _ in jobs] for k in ("kind", "style", "subject")}
    about["made"] = [seed for _, seed in jobs]
    np.savez(os.path.join(args.out, "training.npz"), x=x, about=json.dumps(about))


if __name__ == "__main__":
    main()
