"""Random views of a subject: sketches as from a drawing pad, edge maps, and pictures in styles the gallery does not have."""

import random

import cv2
import numpy as np

from .gallery import SIDE, small

SIZE = 96  # views are made at this size
KINDS = ("sketch", "sketch_edge", "picture_edge", "picture", "picture_2")
INKS = [
    (243, 139, 168),
    (200, 40, 40),
    (40, 60, 200),
    (30, 120, 40),
    (110, 110, 110),
    (60, 60, 60),
    (130, 60, 160),
]
GRID = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), -1).astype(np.float32)


class Waves:
    """A store of smooth random displacements, so that bending a picture costs one remap."""

    def __init__(self, n=400):
        self.fields = []
        for _ in range(n):
            sigma = random.uniform(4, 11)
            f = [
                cv2.GaussianBlur(np.random.randn(SIZE, SIZE).astype(np.float32), (0, 0), sigma)
                * sigma
                for _ in range(2)
            ]
            self.fields.append(np.stack(f, -1))

    def pick(self, strength):
        f = self.fields[random.randrange(len(self.fields))]
        return (f if random.random() < 0.5 else f[::-1, ::-1]) * strength


def linear(rotation, stretch, shear):
    a = np.deg2rad(random.uniform(-rotation, rotation))
    m = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return (
        m
        @ np.diag(np.exp(np.random.uniform(-stretch, stretch, 2)))
        @ np.array([[1, random.uniform(-shear, shear)], [0, 1]])
    )


def maps(m, centre, middle, wave=None):
    """For cv2.remap: where in the SIDE x SIDE source each pixel of the view comes from. `m` maps source to view."""
    g = GRID + wave if wave is not None else GRID
    return np.ascontiguousarray(
        ((g - middle) @ np.linalg.inv(m).T.astype(np.float32) + centre).astype(np.float32)
    )


def pull(a, where, border):
    return cv2.remap(
        a, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=border
    )


def random_colour(low=0, high=255):
    return np.random.uniform(low, high, 3)


class Views:
    def __init__(self):
        self.waves = Waves()

    def five(self, item):
        """All the views of one subject for one step. Flips and quarter turns are shared: they make another subject of it."""
        base = np.eye(2)
        if random.random() < 0.5:
            base = np.diag([-1.0, 1.0])
        if random.random() < 0.12:
            base = linear(180, 0, 0) @ base
        one, two = random.sample(range(len(item.art)), 2)
        three = random.randrange(len(item.art))
        plain = base[0, 0] == 1 and base[0, 1] == 0
        return [
            self.sketch(item, base),
            self.sketch_edge(item, base),
            self.picture_edge(item, three, base, plain),
            self.picture(item, one, base, plain),
            self.picture(item, two, base, plain),
        ]

    def framed(self, item, m, margin):
        """The transform that fits the drawing into the view as the engine's trimming does."""
        p = item.points @ m.T
        low, high = p.min(0), p.max(0)
        scale = SIZE / (max(high - low) * (1 + 2 * margin) + 1e-6)
        m = m * scale
        return m, np.linalg.inv(m) @ ((low + high) / 2 * scale)

    def sketch_maps(self, item, base, hand):
        if hand:
            m = linear(16, 0.12, 0.12) @ base
            wave = self.waves.pick(random.uniform(0.5, 2.0)) if random.random() < 0.85 else None
            m, c = self.framed(item, m, random.uniform(0.04, 0.14))
            middle = (SIZE - 1) / 2 + np.random.uniform(-1, 1, 2)
        else:
            m, c = self.framed(
                item,
                linear(6, 0.05, 0.03) @ base if random.random() < 0.5 else base,
                random.uniform(0.06, 0.11),
            )
            wave, middle = None, (SIZE - 1) / 2
        return maps(m, c.astype(np.float32), np.float32(middle), wave)

    def sketch(self, item, base):
        r = random.random()
        if r < 0.3:
            ink = pull(item.inks[0], self.sketch_maps(item, base, False), 0)
        elif r < 0.85:
            ink = pull(random.choice(item.inks), self.sketch_maps(item, base, True), 0)
        else:
            k = random.choice([2, 2, 3])
            lines = cv2.dilate(random.choice(item.edges), np.ones((k, k)))
            ink = pull(lines, self.sketch_maps(item, base, True), 0)
            ink = np.clip(ink.astype(np.float32) * 1.6, 0, 255).astype(np.uint8)
        if random.random() < 0.08:
            x, y = np.random.randint(8, SIZE - 30, 2)
            ink[y : y + random.randint(8, 22), x : x + random.randint(8, 22)] = (
                0  # an unfinished place
            )
        colour = np.float32((0, 0, 0) if random.random() < 0.55 else random.choice(INKS))
        a = ink[:, :, None].astype(np.float32) / 255
        return (255 - a * (255 - colour)).astype(np.uint8)

    def sketch_edge(self, item, base):
        e = pull(
            random.choice(item.ink_edges), self.sketch_maps(item, base, random.random() < 0.65), 0
        )
        return self.lit(e)

    def lit(self, edge):
        """Edge maps lose brightness when reduced; how much differs from one reduction to the next."""
        e = edge.astype(np.float32) * random.uniform(0.85, 1.35)
        return cv2.merge([np.clip(e, 0, 255).astype(np.uint8)] * 3)

    def picture_maps(self, base, plain):
        if plain and random.random() < 0.2:
            m, shift = np.eye(2), 0
        else:
            m, shift = (
                linear(10, 0.08, 0.08) @ base * random.uniform(0.72, 1.12),
                np.random.uniform(-6, 6, 2),
            )
        wave = self.waves.pick(random.uniform(0.3, 1.3)) if random.random() < 0.25 else None
        return maps(
            m * (SIZE / SIDE), np.float32((SIDE - 1) / 2), np.float32((SIZE - 1) / 2 + shift), wave
        )

    def picture_edge(self, item, k, base, plain):
        return self.lit(pull(item.edges[k], self.picture_maps(base, plain), 0))

    def picture(self, item, k, base, plain):
        where = self.picture_maps(base, plain)
        a = pull(item.art[k], where, (255, 255, 255, 0)).astype(np.float32)
        rgb, cover = a[:, :, :3], a[:, :, 3:] / 255
        if random.random() < 0.04:
            rgb = self.neon(
                pull(item.edges[k] if random.random() < 0.5 else item.inks[0], where, 0)
            )
            return rgb.astype(np.uint8)
        r = random.random()
        if r < 0.2:
            rgb = self.recoloured(rgb, cover)
        elif r < 0.25:
            rgb = np.repeat(rgb.mean(-1, keepdims=True), 3, -1)
        elif r < 0.3:
            rgb = (
                rgb * 0.5 + 255 * 0.5 * (1 - cover) + random_colour(180, 255) * 0.5 * cover
            )  # pastel
        if random.random() < 0.25:
            rgb = self.behind(rgb, cover)
        if random.random() < 0.4:
            rgb = rgb * np.random.uniform(0.8, 1.15, 3) + np.random.uniform(-15, 15, 3)
        if random.random() < 0.06:
            line = pull(item.edges[k], where, 0)[:, :, None].astype(np.float32) / 255  # cel shading
            rgb = np.round(rgb / 64) * 64 * (1 - np.clip(line * 1.5, 0, 1))
        rgb = np.clip(rgb, 0, 255).astype(np.uint8)
        r = random.random()
        if r < 0.06:
            n = random.choice([16, 20, 24, 32, 40])
            rgb = cv2.resize(
                small(rgb, n), (SIZE, SIZE), interpolation=cv2.INTER_NEAREST
            )  # pixel art
        elif r < 0.1:
            rgb = self.halftone(rgb)
        elif r < 0.13:
            step = random.choice([64, 85, 128])
            rgb = (rgb // step * step + step // 2).astype(np.uint8)
        elif r < 0.16:
            rgb = cv2.GaussianBlur(rgb, (0, 0), random.uniform(0.6, 1.5))
        if random.random() < 0.08:
            x, y = np.random.randint(0, SIZE - 20, 2)
            rgb[y : y + random.randint(8, 28), x : x + random.randint(8, 28)] = random_colour()
        return rgb

    def recoloured(self, rgb, cover):
        r = random.random()
        if r < 0.5:
            out = rgb[:, :, np.random.permutation(3)]
        elif r < 0.8:
            m = np.eye(3) * 0.4 + np.random.dirichlet([1, 1, 1], 3) * 0.6
            out = rgb @ m.astype(np.float32)
        else:
            g = rgb.mean(-1, keepdims=True) / 255
            out = random_colour(0, 140) * (1 - g) + random_colour(120, 255) * g
        return out * cover + rgb * (1 - cover)

    def behind(self, rgb, cover):
        r = random.random()
        if r < 0.5:
            ground = random_colour()
        elif r < 0.75:
            t = np.linspace(0, 1, SIZE)[:, None, None]
            ground = random_colour() * t + random_colour() * (1 - t)
        elif r < 0.9:
            ground = random_colour(0, 60)
        else:
            ground = np.where(
                ((GRID.sum(-1) // random.randint(6, 16)) % 2)[:, :, None] > 0,
                random_colour(),
                random_colour(),
            )
        return rgb * cover + ground * (1 - cover)

    def neon(self, line):
        line = cv2.dilate(line, np.ones((2, 2))) if random.random() < 0.5 else line
        line = line[:, :, None].astype(np.float32) / 255
        ground, bright = random_colour(0, 45), random_colour(60, 255)
        bright[random.randrange(3)] = 255
        glow = cv2.GaussianBlur(line, (0, 0), random.uniform(1.5, 4))[:, :, None] * random.uniform(
            0.3, 1
        )
        return np.clip(ground + bright * np.clip(line * 1.3, 0, 1) + bright * glow, 0, 255)

    def halftone(self, rgb):
        n, a = random.uniform(4, 8), random.uniform(0, 1.57)
        u, v = (GRID @ np.float32([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])).transpose(
            2, 0, 1
        ) * (2 * np.pi / n)
        dots = (np.sin(u) * np.sin(v) + 1) * 127
        grey = rgb.mean(-1)
        ground, ink = random_colour(140, 255), random_colour(0, 120)
        if random.random() < 0.5:
            ink = None
        on = (grey < dots)[:, :, None]
        return np.where(
            on, rgb * 0.55 if ink is None else ink, rgb * 0.6 + 255 * 0.4 if ink is None else ground
        ).astype(np.uint8)
