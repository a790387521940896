"""Figures made up by a program: random compositions of shapes, drawn as lines and in several filled styles.

They stand for subjects nobody has drawn yet: the model sees the same composition as a line drawing and as pictures, and has
to match them by shape alone. Every rendering moves the parts a little, as another artist would.
"""

import colorsys
import random

import cv2
import numpy as np

from .gallery import FULL, Item

SCALE = 2 * FULL  # drawn at twice the size, then reduced


def circle(n=48):
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.stack([np.cos(t), np.sin(t)], 1), t


def superellipse():
    p, t = circle()
    e = random.choice([0.25, 0.4, 0.6, 1, 1, 1, 1.5])
    return np.sign(p) * np.abs(p) ** e


def polygon():
    n = random.choice([3, 3, 4, 4, 5, 6, 8])
    t = np.arange(n) * 2 * np.pi / n + random.choice([0, np.pi / n, np.pi / 2])
    return np.stack([np.cos(t), np.sin(t)], 1)


def star():
    n, inner = random.randint(4, 9), random.uniform(0.35, 0.8)
    t = np.arange(2 * n) * np.pi / n - np.pi / 2
    r = np.where(np.arange(2 * n) % 2, inner, 1)[:, None]
    return np.stack([np.cos(t), np.sin(t)], 1) * r


def blob():
    p, t = circle()
    r = 1 + sum(
        random.gauss(0, 0.32 / k) * np.cos(k * t + random.uniform(0, 6.3)) for k in range(2, 6)
    )
    return p * np.clip(r, 0.3, 1.8)[:, None]


def crescent():
    p, t = circle(32)
    cut = random.uniform(0.2, 0.7)
    inner = p[::-1] * [1 - cut * 0.3, 1 - cut * 0.1] + [cut, 0]
    return (
        np.concatenate([p[p[:, 0] < cut], inner[inner[:, 0] < cut]])
        if random.random() < 0.7
        else p[:17]
    )


def leaf():
    t = np.linspace(0, 1, 24)
    w = np.sin(np.pi * t ** random.uniform(0.5, 1.6)) * random.uniform(0.25, 0.6)
    return np.concatenate([np.stack([2 * t - 1, w], 1), np.stack([2 * t - 1, -w], 1)[::-1]])


def heart():
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack(
        [
            np.sin(t) ** 3,
            -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 17,
        ],
        1,
    )


def trapezium():
    a, b = random.uniform(0.3, 1), random.uniform(0.3, 1)
    return np.float64([[-a, -1], [a, -1], [b, 1], [-b, 1]])


SHAPES = [
    superellipse,
    superellipse,
    superellipse,
    polygon,
    polygon,
    star,
    blob,
    blob,
    crescent,
    leaf,
    heart,
    trapezium,
]


def turned(p, angle):
    c, s = np.cos(angle), np.sin(angle)
    return p @ np.array([[c, s], [-s, c]])


def curve():
    """An open line: an arc, a wave, a hook or a scribble."""
    t = np.linspace(0, 1, 24)
    kind = random.random()
    if kind < 0.4:
        a, b = random.uniform(0, 6.3), random.uniform(1, 4.5)
        return np.stack([np.cos(a + b * t), np.sin(a + b * t)], 1)
    if kind < 0.6:
        return np.stack([2 * t - 1, 0.3 * np.sin(t * random.uniform(4, 20))], 1)
    k = np.random.uniform(-1, 1, (4, 2))
    t = t[:, None]
    return (
        (1 - t) ** 3 * k[0] + 3 * t * (1 - t) ** 2 * k[1] + 3 * t * t * (1 - t) * k[2] + t**3 * k[3]
    )


class Part:
    def __init__(self, points, closed=True, detail=False, tint=0):
        self.points, self.closed, self.detail, self.tint = points, closed, detail, tint


def compose():
    """A figure in a square of about -1..1: one or two bodies, parts on or around them, details inside, often symmetric."""
    parts, symmetric = [], random.random() < 0.55
    body = random.choice(SHAPES)()
    size = np.array([random.uniform(0.4, 0.85), random.uniform(0.4, 0.85)])
    angle = 0 if symmetric or random.random() < 0.5 else random.uniform(-0.8, 0.8)
    body = turned(body * size, angle)

    def add(points, closed=True, detail=False, tint=None, behind=False, mirror=None):
        tint = random.randrange(1, 5) if tint is None else tint
        new = [Part(points, closed, detail, tint)]
        if symmetric if mirror is None else mirror:
            new.append(Part(points * [-1, 1], closed, detail, tint))
        if behind:
            parts[:0] = new
        else:
            parts.extend(new)

    add(body, tint=0, mirror=False)
    if random.random() < 0.3:
        add(
            turned(random.choice(SHAPES)() * random.uniform(0.25, 0.55), random.uniform(0, 3))
            + np.random.uniform(-0.5, 0.5, 2),
            mirror=False,
        )
    for _ in range(random.choice([0, 1, 1, 2, 2, 3])):  # limbs, ears, wheels, leaves
        at = body[random.randrange(len(body))] * random.uniform(0.8, 1.15)
        shape = turned(
            random.choice(SHAPES)() * np.random.uniform(0.1, 0.38, 2), random.uniform(0, 6.3)
        )
        add(shape + at, behind=random.random() < 0.5)
    for _ in range(random.choice([0, 1, 1, 2, 3])):  # eyes, windows, buttons
        shape = turned(
            random.choice(SHAPES)() * np.random.uniform(0.05, 0.25, 2), random.uniform(0, 6.3)
        )
        add(shape + np.random.uniform(-0.45, 0.45, 2) * size, detail=True)
    if random.random() < 0.25:  # a row or a ring of the same thing
        shape, n = random.choice(SHAPES)() * random.uniform(0.05, 0.16), random.randint(3, 8)
        tint, r, y = random.randrange(1, 5), random.uniform(0.3, 0.9), random.uniform(-0.6, 0.6)
        ring = random.random() < 0.5
        for i in range(n):
            a = 2 * np.pi * i / n
            at = [r * np.cos(a), r * np.sin(a)] if ring else [-0.7 + 1.4 * i / (n - 1), y]
            add(shape + np.array(at), detail=True, tint=tint, mirror=False)
    for _ in range(random.choice([0, 0, 1, 1, 2])):  # mouths, whiskers, strings
        add(
            turned(curve() * random.uniform(0.1, 0.5), random.uniform(0, 6.3))
            + np.random.uniform(-0.6, 0.6, 2),
            closed=False,
            detail=True,
        )
    turn = 0 if random.random() < 0.7 else random.uniform(-0.7, 0.7)
    for p in parts:
        p.points = turned(p.points, turn)
    every = np.concatenate([p.points for p in parts])
    low, high = every.min(0), every.max(0)
    for p in parts:
        p.points = (p.points - (low + high) / 2) * (1.75 / max(high - low))
    return parts


def moved(parts):
    """The same figure by another hand: parts shifted, scaled and turned a little, now and then a detail left out."""
    stretch, out = np.random.uniform(0.9, 1.1, 2), []
    for p in parts:
        if p.detail and random.random() < 0.08:
            continue
        middle = p.points.mean(0)
        points = turned(p.points - middle, random.gauss(0, 0.05)) * np.random.uniform(0.9, 1.1, 2)
        out.append(
            Part(
                (points + middle + np.random.normal(0, 0.025, 2)) * stretch,
                p.closed,
                p.detail,
                p.tint,
            )
        )
    return out


def pixels(points):
    return np.round((points * 0.46 + 0.5) * SCALE).astype(np.int32)[None]


def reduced(a):
    return cv2.resize(a, (FULL, FULL), interpolation=cv2.INTER_AREA)


def draw_lines(parts, width):
    """Black lines on white; a part hides what lies behind it."""
    a = np.full((SCALE, SCALE), 255, np.uint8)
    for p in parts:
        q = pixels(p.points)
        if p.closed:
            cv2.fillPoly(a, q, 255)
        cv2.polylines(a, q, p.closed, 0, 2 * width)
    return reduced(a)


def palette():
    h, s, v = random.random(), random.uniform(0.25, 1), random.uniform(0.55, 1)
    spread = random.choice([0.05, 0.15, 0.4])
    return [
        tuple(
            int(255 * c)
            for c in colorsys.hsv_to_rgb(
                (h + random.gauss(0, spread)) % 1,
                min(1, s * random.uniform(0.6, 1.3)),
                min(1, v * random.uniform(0.5, 1.25)),
            )
        )
        for _ in range(5)
    ]


def draw_filled(parts, style):
    a, colours = np.full((SCALE, SCALE, 3), 255, np.uint8), palette()
    dark = tuple(c // 4 for c in colours[0])
    ramp = np.linspace(1.2, 0.7, SCALE)[:, None, None]
    for p in parts:
        q, c = pixels(p.points), colours[p.tint]
        if style == "mono":
            c = (0, 0, 0) if not p.detail else (255, 255, 255)
        if not p.closed:
            cv2.polylines(a, q, False, dark if style != "mono" else c, random.choice([6, 10, 14]))
            continue
        if style == "shaded":
            mask = np.zeros((SCALE, SCALE), np.uint8)
            cv2.fillPoly(mask, q, 255)
            x, y, w, h = cv2.boundingRect(q)
            x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, SCALE), min(y + h, SCALE)
            if x1 <= x0 or y1 <= y0:
                continue
            shade = cv2.resize(ramp, (1, y1 - y0)).reshape(-1, 1, 1)
            box = mask[y0:y1, x0:x1, None] > 0
            a[y0:y1, x0:x1] = np.where(
                box, np.clip(np.array(c) * shade, 0, 255).astype(np.uint8), a[y0:y1, x0:x1]
            )
        else:
            cv2.fillPoly(a, q, c)
        if style == "outlined":
            cv2.polylines(a, q, True, dark, 10)
        elif style == "mono":
            cv2.polylines(a, q, True, (255, 255, 255), 8)
    if style == "shaded":
        a = cv2.GaussianBlur(a, (0, 0), random.uniform(0.6, 2))
    return reduced(a)


def figure():
    """A made-up subject: its line drawing in three widths, and four pictures."""
    parts = compose()
    wide = [draw_lines(moved(parts), w) for w in (6, random.choice([2, 3]), 4)]
    filled = [
        draw_filled(moved(parts), s)
        for s in ("flat", "shaded", random.choice(["outlined", "mono"]))
    ]
    pictures = [
        cv2.cvtColor(draw_lines(moved(parts), random.choice([3, 5, 6])), cv2.COLOR_GRAY2RGB)
    ] + filled
    return Item(pictures, [255 - w for w in wide])


def place(a, box):
    x, y, s = box
    m = np.float32([[s * FULL / a.shape[1], 0, x], [0, s * FULL / a.shape[0], y]])
    return cv2.warpAffine(a, m, (FULL, FULL), flags=cv2.INTER_LINEAR, borderValue=0)


def collage(one, two):
    """A made-up subject from two real ones: both drawn into the same picture, style by style."""
    s, t = random.uniform(0.5, 0.75), random.uniform(0.4, 0.7)
    spots = [(0, 0), (1, 1), (0, 1), (1, 0), (0.5, 0), (0.5, 1), (0, 0.5), (1, 0.5)]
    i = random.randrange(4) * 2
    (ax, ay), (bx, by) = spots[i], spots[i + 1]
    boxes = (
        (ax * (1 - s) * FULL, ay * (1 - s) * FULL, s),
        (bx * (1 - t) * FULL, by * (1 - t) * FULL, t),
    )
    pictures = []
    for k in random.sample(range(min(len(one.art), len(two.art))), 4):
        a = np.full((FULL, FULL, 3), 255, np.float32)
        for item, box in zip((one, two), boxes):
            p = place(item.art[k], box).astype(np.float32)
            a += (p[:, :, :3] - a) * (p[:, :, 3:] / 255)
        pictures.append(a.astype(np.uint8))
    inks = []
    for k in (0, 2, 3):
        a, b = place(one.inks[k], boxes[0]), place(two.inks[k], boxes[1])
        inside = place(two.art[0][:, :, 3], boxes[1])  # the second one hides the first
        inks.append(np.maximum(np.where(inside > 128, 0, a), b).astype(np.uint8))
    return Item(pictures, inks)
