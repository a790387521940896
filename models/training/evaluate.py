"""Measures a model as the search engine uses it: `python -m training.evaluate --gallery DIR --model DIR [--report FILE]`.

A sketch is trimmed, padded to a square and scored .7 * cos(image) + .3 * cos(edge map) against every picture of the gallery, except
the pictures in style openmoji_color (the same lines as the query) and the query's own picture. A name is scored against the tag
list of every picture, and, for comparison, against the pictures themselves.
"""

import argparse
import json
import os
import random

import cv2
import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from PIL import Image

from .gallery import (
    LINE_STYLE,
    canny,
    is_held_out,
    never_seen,
    read_manifest,
    read_rgb,
    sketched,
    thin,
)

EASY_STYLE = "openmoji_color"
MARGIN = 0.08


def trimmed(rgb, margin=MARGIN):
    """What is drawn, in the middle of a white square."""
    ys, xs = np.where((rgb < 245).any(-1))
    y0, y1, x0, x1 = ys.min(), ys.max() + 1, xs.min(), xs.max() + 1
    side = int(round(max(y1 - y0, x1 - x0) * (1 + 2 * margin)))
    out = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - (y1 - y0)) // 2, (side - (x1 - x0)) // 2
    out[top : top + y1 - y0, left : left + x1 - x0] = rgb[y0:y1, x0:x1]
    return out


def edge_map(rgb, side=None):
    if side:
        rgb = cv2.resize(
            rgb,
            (side, side),
            interpolation=cv2.INTER_AREA if rgb.shape[0] > side else cv2.INTER_CUBIC,
        )
    return cv2.cvtColor(canny(rgb), cv2.COLOR_GRAY2RGB)


def hand_like(black, seed):
    """A drawing pad's export of a line drawing: thinned, turned, bent, drawn again off centre on a 900 x 600 pad."""
    rng = np.random.default_rng(seed)
    bones = thin(cv2.cvtColor(black, cv2.COLOR_RGB2GRAY) < 128)
    ys, xs = np.where(bones)
    index = np.full(bones.shape, -1)
    index[ys, xs] = np.arange(len(ys))
    a = np.deg2rad(rng.uniform(-12, 12))
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) @ np.diag(
        rng.uniform(0.9, 1.1, 2)
    )
    turn = turn @ np.array([[1, rng.uniform(-0.1, 0.1)], [0, 1]])
    size = rng.uniform(330, 500) / max(np.ptp(xs), np.ptp(ys), 1)
    p = np.stack([xs, ys], 1) - 112.0
    p = p @ turn.T * size
    for sigma, amount in ((40, 9), (9, 2.2)):  # a slow bend and a tremble
        field = rng.standard_normal((2, 224, 224)).astype(np.float32)
        field = np.stack([cv2.GaussianBlur(f, (0, 0), sigma / 2) * sigma * 1.75 for f in field], -1)
        p += field[ys, xs] * amount * 0.5
    p += [450, 300] - (p.min(0) + p.max(0)) / 2
    room = np.maximum(0, (np.array([900, 600]) - np.ptp(p, axis=0)) / 2 - 15)
    p += rng.uniform(-1, 1, 2) * np.minimum(room, [150, 60])
    pad, width = np.full((600, 900, 3), 255, np.uint8), int(rng.integers(4, 12))
    q = np.round(p * 8).astype(int)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        y2, x2 = ys + dy, xs + dx
        ok = (y2 < 224) & (x2 < 224) & (x2 >= 0)
        j = np.where(ok, index[np.clip(y2, 0, 223), np.clip(x2, 0, 223)], -1)
        for i in np.where(j >= 0)[0]:
            cv2.line(
                pad,
                tuple(map(int, q[i])),
                tuple(map(int, q[j[i]])),
                (243, 139, 168),
                width,
                cv2.LINE_AA,
                3,
            )
    return pad


def metrics(scores, rows, wanted, excluded):
    """`scores`: queries x pictures. `wanted`: the subject that answers a query; `excluded`: ids not to be counted."""
    subject = np.array([r["subject"] for r in rows])
    ids = np.array([r["id"] for r in rows])
    ranks = []
    for s, want, out in zip(scores, wanted, excluded):
        s = np.where(np.isin(ids, list(out)), -9, s)
        right = (subject == want) & (s > -9)
        ranks.append(int((s > s[right].max()).sum()) + 1)
    r = np.array(ranks)
    return {
        "queries": len(r),
        **{f"recall@{k}": round(float((r <= k).mean()), 4) for k in (1, 10, 50)},
        "mrr": round(float((1 / r).mean()), 4),
    }


class Engine:
    def __init__(self, folder):
        self.model, _, self.transform = open_clip.create_model_and_transforms(
            "local-dir:" + os.path.abspath(folder)
        )
        self.model.eval()
        self.context = self.model.context_length
        self.tokens = open_clip.SimpleTokenizer(context_length=self.context)

    @torch.no_grad()
    def pictures(self, rgbs):
        out = []
        for i in range(0, len(rgbs), 128):
            x = torch.stack(
                [
                    self.transform(Image.fromarray(a() if callable(a) else a))
                    for a in rgbs[i : i + 128]
                ]
            )
            out.append(
                F.normalize(
                    self.model.encode_image(x.contiguous(memory_format=torch.channels_last)), dim=-1
                )
            )
        return torch.cat(out).numpy()

    @torch.no_grad()
    def words(self, texts):
        out = [
            F.normalize(self.model.encode_text(self.tokens(texts[i : i + 256])), dim=-1)
            for i in range(0, len(texts), 256)
        ]
        return torch.cat(out).numpy()


class Test:
    """The gallery's vectors, and queries for subjects that were seen in training and subjects that were not."""

    def __init__(self, gallery, engine, seen=172):
        self.engine, self.folder = engine, gallery
        self.rows = read_manifest(gallery)
        self.path = lambda r: os.path.join(gallery, r["local_path"])
        at = lambda r, f: lambda: f(read_rgb(self.path(r)))
        self.image = engine.pictures([at(r, lambda a: a) for r in self.rows])
        self.edge = engine.pictures([at(r, edge_map) for r in self.rows])
        texts = [
            "an illustration with " + ", ".join(t.replace("_", " ") for t in r["tags_all"])
            for r in self.rows
        ]
        self.text = engine.words(texts)
        self.hard = np.array([r["style"] != EASY_STYLE for r in self.rows])
        self.black = {r["subject"]: r for r in self.rows if r["style"] == LINE_STYLE}
        held = sorted(s for s in self.black if is_held_out(s))
        rest = sorted(set(self.black) - never_seen(gallery))
        self.subjects = {
            "never seen": held,
            "seen": random.Random(0).sample(rest, min(seen, len(rest))),
        }

    def sketches(self, subjects, kind):
        """Pairs of a drawing and its subject."""
        if kind == "line drawings":
            return [(read_rgb(self.path(self.black[s])), s) for s in subjects]
        if kind == "synthetic hand-like":
            return [
                (hand_like(read_rgb(self.path(self.black[s])), int(s, 16)), s) for s in subjects
            ]
        return [
            (read_rgb(os.path.join(self.folder, "sketches", r["image"])), r["subject"])
            for r in sketched(self.folder)
        ]

    def sketch_scores(self, drawings, edge_side=None, weight=0.7):
        squares = [trimmed(d) for d in drawings]
        image = self.engine.pictures(squares)
        edge = self.engine.pictures([edge_map(s, edge_side) for s in squares])
        return weight * image @ self.image.T + (1 - weight) * edge @ self.edge.T

    def measure(self, scores, subjects, hide_easy=True):
        rows = [r for r, h in zip(self.rows, self.hard) if h or not hide_easy]
        scores = scores[:, self.hard] if hide_easy else scores
        return metrics(
            scores,
            rows,
            subjects,
            [{self.black[s]["id"]} if hide_easy else set() for s in subjects],
        )


def report(gallery, folder):
    test, out = Test(gallery, Engine(folder)), {}
    for group, subjects in test.subjects.items():
        out[group] = {}
        for kind in ("line drawings", "synthetic hand-like") + ("hand-like",) * (
            group == "never seen"
        ):
            drawings, wanted = zip(*test.sketches(subjects, kind))
            scores = test.sketch_scores(drawings)
            out[group][kind] = test.measure(scores, wanted)
        names = test.engine.words(
            [test.black[s]["tags_all"][0].replace("_", " ") for s in subjects]
        )
        out[group]["names, by tags"] = test.measure(names @ test.text.T, subjects, hide_easy=False)
        out[group]["names, by pictures"] = test.measure(
            names @ test.image.T, subjects, hide_easy=False
        )
    return out


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--gallery", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--report", help="JSON file to write")
    args = p.parse_args()
    out = report(args.gallery, args.model)
    for group, kinds in out.items():
        for kind, m in kinds.items():
            print(f"{group:11} {kind:20}", m)
    if args.report:
        with open(args.report, "w") as f:
            json.dump(out, f, indent=1)


if __name__ == "__main__":
    main()
