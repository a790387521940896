"""The gallery folder: pictures, tags, the split, and everything that is computed from a picture once."""

import hashlib
import json
import os

import cv2
import numpy as np

SIDE = 128  # pictures are kept at this size; views are warped from it
FULL = 224  # edge maps and skeletons are computed at this size
LINE_STYLE = "openmoji_black"


def is_held_out(code):
    """A fifth of the subjects is never trained on. The gallery folder itself holds `hash % 5 != 0`; this is the next digit."""
    return int(hashlib.sha256(code.encode()).hexdigest(), 16) // 5 % 5 == 0


def sketched(folder):
    """The gallery's own hand-like sketches: one line each, with the subject and the picture's path below `sketches/`."""
    with open(os.path.join(folder, "sketches", "sketches.jsonl")) as f:
        return [json.loads(line) for line in f]


def never_seen(folder):
    """The subjects that training leaves out: the fifth, and those of the gallery's own sketches, since the fifth alone has too few of them."""
    return {s for s in subjects(folder) if is_held_out(s)} | {
        line["subject"] for line in sketched(folder)
    }


def read_manifest(folder):
    with open(os.path.join(folder, "manifest.jsonl")) as f:
        return [json.loads(line) for line in f]


def read_rgb(path):
    return np.ascontiguousarray(cv2.imread(path)[:, :, ::-1])


def canny(rgb):
    """The edge map as the search engine makes it: one channel, 0 or 255, at the picture's own size."""
    return cv2.Canny(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), 100, 200)


def small(a, side=SIDE):
    return cv2.resize(a, (side, side), interpolation=cv2.INTER_AREA)


def with_alpha(rgb):
    """RGBA whose alpha is 0 on the white that touches the border, so that the background can be replaced."""
    h, w = rgb.shape[:2]
    white = np.zeros((h + 2, w + 2), np.uint8)
    white[1:-1, 1:-1] = rgb.min(-1) >= 250
    white[[0, -1]] = 1
    white[:, [0, -1]] = 1
    cv2.floodFill(white, None, (0, 0), 2)
    return np.dstack([rgb, np.where(white[1:-1, 1:-1] == 2, 0, 255).astype(np.uint8)])


def thin(ink):
    """Zhang and Suen's thinning of a 0/1 picture."""
    a = np.pad(ink.astype(np.uint8), 1)
    while True:
        removed = 0
        for odd in (0, 1):
            p = [
                a[:-2, 1:-1],
                a[:-2, 2:],
                a[1:-1, 2:],
                a[2:, 2:],
                a[2:, 1:-1],
                a[2:, :-2],
                a[1:-1, :-2],
                a[:-2, :-2],
            ]
            count = sum(p)
            turns = sum((p[i] == 0) & (p[(i + 1) % 8] == 1) for i in range(8))
            n, e, s, w = p[0], p[2], p[4], p[6]
            side = (
                ((n & e & s) == 0) & ((e & s & w) == 0)
                if odd == 0
                else ((n & e & w) == 0) & ((n & s & w) == 0)
            )
            drop = (a[1:-1, 1:-1] == 1) & (count >= 2) & (count <= 6) & (turns == 1) & side
            removed += int(drop.sum())
            a[1:-1, 1:-1][drop] = 0
        if not removed:
            return a[1:-1, 1:-1]


def thicken(ink, width):
    """One-pixel lines (0/1) drawn again `width` pixels wide."""
    return cv2.dilate(ink * 255, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))


class Item:
    """One subject: RGBA pictures in several styles, their edge maps, and its line drawing as ink (0..255) in several widths."""

    def __init__(self, pictures, inks, words=None, group=None):
        """`pictures`: RGB, FULL x FULL; `inks`: one channel, FULL x FULL, the first one the drawing as it is."""
        self.words, self.group = words, group
        self.art = [small(with_alpha(p)) for p in pictures]
        self.edges = [small(canny(p)) for p in pictures]
        self.inks = [small(i) for i in inks]
        self.ink_edges = [small(cv2.Canny(255 - i, 100, 200)) for i in (inks[0], inks[-1])]
        self.points = ink_points(self.inks[0])


def ink_points(ink, n=300):
    ys, xs = np.where(ink > 100)
    if len(ys) < 10:
        return np.float32([[0, 0], [ink.shape[1], ink.shape[0]]])
    pick = np.unique(
        np.r_[xs.argmin(), xs.argmax(), ys.argmin(), ys.argmax(), np.random.randint(0, len(ys), n)]
    )
    return np.stack([xs[pick], ys[pick]], 1).astype(np.float32)


def subjects(folder):
    """The manifest's lines by subject and style."""
    by = {}
    for r in read_manifest(folder):
        by.setdefault(r["subject"], {})[r["style"]] = r
    return by


def load_items(folder, keep, line_style=LINE_STYLE):
    """The subjects of a gallery for which `keep(subject, lines by style)` holds; `line_style` is the one that is drawn in black lines."""
    by, items = subjects(folder), []
    for code in sorted(by):
        if not keep(code, by[code]):
            continue
        rows = [by[code][s] for s in sorted(by[code])]
        pictures = [fitted(read_rgb(os.path.join(folder, r["local_path"]))) for r in rows]
        black = cv2.cvtColor(
            pictures[[r["style"] for r in rows].index(line_style)], cv2.COLOR_RGB2GRAY
        )
        bones = thin(black < 128)
        inks = [
            255 - black,
            thicken(bones, 2),
            thicken(bones, 3),
            thicken(bones, 4),
            thicken(bones, 6),
        ]
        line = by[code][line_style]
        subgroup = line["tags_all"][
            -1 - len(line["matched_tags"])
        ]  # tags end with group, subgroup, style tags
        items.append(Item(pictures, inks, [r["tags_all"] for r in rows], subgroup))
    return items


def fitted(rgb):
    """A picture at the side that everything is computed at."""
    return rgb if rgb.shape[0] == FULL else small(rgb, FULL)


def load_drawings(folder, gallery):
    """The project's own drawings (`clippy demo` writes them), without those that are called as a subject that training leaves out."""
    by = subjects(gallery)
    held = {
        name(tag)
        for code in never_seen(gallery)
        for r in by[code].values()
        for tag in r["tags_all"][:2]
    }
    return load_items(folder, lambda code, rows: name(code) not in held, line_style="line_art")


def name(tag):
    return tag.replace("_", " ").lower()
