"""Styles that a program makes up: one fixed way of changing pictures, applied to the pictures of one real style.

Each is drawn from a seed, so that all its pictures share palette, paper, lines and texture down to the last number. Two made-up
styles that differ in one step only, or that change two real styles the same way, are the hard negatives of training.
"""

import cv2
import numpy as np

from .gallery import FULL, fitted, read_rgb, with_alpha

GRID = np.stack(np.meshgrid(np.arange(FULL), np.arange(FULL)), -1).astype(np.float32)


def colour(rng, low=0, high=255):
    return rng.uniform(low, high, 3).astype(np.float32)


def luminance(rgb):
    return rgb @ np.float32([0.299, 0.587, 0.114])


# Every maker below draws its numbers once and returns a function of (colours, cover): FULL x FULL x 3 and x 1, floats.


def gradient_map(rng):
    n = int(rng.integers(2, 6))
    stops = np.stack([colour(rng) for _ in range(n)])
    order = np.argsort(stops.sum(1)) if rng.random() < 0.8 else np.arange(n)
    at = np.linspace(0, 255, n)
    table = np.stack([np.interp(np.arange(256), at, stops[order][:, c]) for c in range(3)], 1)
    mix = rng.uniform(0.5, 1)
    return lambda rgb, _: rgb * (1 - mix) + mix * table[luminance(rgb).clip(0, 255).astype(int)]


def hue_shift(rng):
    turn, saturation, value = rng.integers(0, 180), rng.uniform(0.2, 1.6), rng.uniform(0.7, 1.2)

    def change(rgb, _):
        hsv = cv2.cvtColor(rgb.clip(0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV).astype(np.float32)
        hsv[:, :, 0] = (hsv[:, :, 0] + turn) % 180
        hsv[:, :, 1:] = (hsv[:, :, 1:] * [saturation, value]).clip(0, 255)
        return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB).astype(np.float32)

    return change


def channel_mix(rng):
    m = (np.eye(3) * 0.4 + rng.dirichlet([1, 1, 1], 3) * 0.6).astype(np.float32)
    return lambda rgb, _: rgb @ m


def palette(rng):
    colours = np.stack([colour(rng) for _ in range(int(rng.integers(3, 14)))])

    def change(rgb, _):
        distance = ((rgb[:, :, None] - colours) ** 2).sum(-1)
        return colours[distance.argmin(-1)]

    return change


def tone(rng):
    gamma, low, high = rng.uniform(0.5, 2), rng.uniform(0, 60), rng.uniform(190, 255)
    return lambda rgb, _: low + (high - low) * (rgb.clip(0, 255) / 255) ** gamma


def pastel(rng):
    tint, mix = colour(rng, 180, 255), rng.uniform(0.3, 0.65)
    return lambda rgb, _: rgb * (1 - mix) + tint * mix


def grey(rng):
    tint = colour(rng, 200, 255) / 255 if rng.random() < 0.4 else 1
    return lambda rgb, _: luminance(rgb)[:, :, None] * np.ones(3, np.float32) * tint


def invert(_rng):
    return lambda rgb, _: 255 - rgb


def posterise(rng):
    step = rng.uniform(30, 130)
    return lambda rgb, _: np.floor(rgb / step) * step + step / 2


def keep(_rng):
    return lambda rgb, _: rgb


def outline(rng):
    """Edges drawn over the picture, or in place of it."""
    ink = colour(rng, 0, 120) if rng.random() < 0.6 else np.zeros(3, np.float32)
    width, fill = int(rng.integers(1, 10)), rng.choice([1.0, 1.0, 0.4, 0.0])
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    contour = rng.random() < 0.4

    def change(rgb, cover):
        source = cover * 255 if contour else rgb
        edge = cv2.Canny(source.clip(0, 255).astype(np.uint8), 60, 160)
        edge = cv2.GaussianBlur(cv2.dilate(edge, kernel), (0, 0), 0.8)[:, :, None] / 255
        return (rgb * fill + 255 * (1 - fill)) * (1 - edge) + ink * edge

    return change


def thicker(rng):
    k = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(rng.integers(2, 9)),) * 2)
    change = cv2.erode if rng.random() < 0.7 else cv2.dilate
    return lambda rgb, _: change(np.ascontiguousarray(rgb, np.float32), k)


def shading(rng):
    """Light from one side on a rounded shape."""
    angle, depth, power = rng.uniform(0, 6.3), rng.uniform(6, 26), rng.uniform(0.2, 0.7)
    direction = np.float32([np.cos(angle), np.sin(angle)])

    def change(rgb, cover):
        height = cv2.distanceTransform((cover[:, :, 0] > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
        height = cv2.GaussianBlur(1 - np.exp(-height / depth), (0, 0), 4)
        dy, dx = np.gradient(height)
        light = (dx * direction[0] + dy * direction[1]) * depth * power * 2
        return rgb * (1 + light.clip(-0.6, 0.6)[:, :, None])

    return change


def gradient(rng):
    """A gradient over the whole picture's shape, as many icon sets have."""
    a, b, angle = colour(rng), colour(rng), rng.uniform(0, 6.3)
    t = (GRID @ np.float32([np.cos(angle), np.sin(angle)]) / FULL % 1)[:, :, None]
    mix = rng.uniform(0.2, 0.7)
    return lambda rgb, _: rgb * (1 - mix) + mix * (a * t + b * (1 - t))


def halftone(rng):
    size, a = rng.uniform(5, 18), rng.uniform(0, 1.57)
    turn = np.float32([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    u, v = (GRID @ turn).transpose(2, 0, 1) * (2 * np.pi / size)
    dots = ((np.sin(u) * np.sin(v) + 1) * 127)[:, :, None]
    ink = colour(rng, 0, 130) if rng.random() < 0.6 else None

    def change(rgb, _):
        on = luminance(rgb)[:, :, None] < dots
        return np.where(on, rgb * 0.5 if ink is None else ink, rgb * 0.6 + 102)

    return change


def hatching(rng):
    size, a, sharp = rng.uniform(4, 14), rng.uniform(0, 3.14), rng.uniform(0.3, 1)
    wave = np.sin(GRID @ np.float32([np.cos(a), np.sin(a)]) * 2 * np.pi / size)[:, :, None]
    ink = colour(rng, 0, 140)

    def change(rgb, _):
        dark = 1 - luminance(rgb)[:, :, None] / 255
        on = ((dark * 2.2 - 1 > wave) * sharp).astype(np.float32)
        return rgb * (1 - on) + ink * on

    return change


def scanlines(rng):
    size, depth = rng.uniform(3, 12), rng.uniform(0.1, 0.5)
    axis = int(rng.integers(0, 2))
    lines = 1 - depth * (np.sin(GRID[:, :, axis] * 2 * np.pi / size) > 0)[:, :, None]
    return lambda rgb, _: rgb * lines


def pixels(rng):
    n = int(rng.integers(14, 64))

    def change(rgb, _):
        return cv2.resize(
            cv2.resize(rgb.astype(np.float32), (n, n), interpolation=cv2.INTER_AREA),
            (FULL, FULL),
            interpolation=cv2.INTER_NEAREST,
        )

    return change


def blur(rng):
    sigma = rng.uniform(1, 5)
    return lambda rgb, _: cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), sigma)


def sharpen(rng):
    sigma, amount = rng.uniform(1.5, 5), rng.uniform(0.6, 2.5)
    return lambda rgb, _: rgb + amount * (
        rgb - cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), sigma)
    )


def brush(rng):
    size = int(rng.choice([5, 7, 9, 11]))
    return lambda rgb, _: cv2.medianBlur(rgb.clip(0, 255).astype(np.uint8), size).astype(np.float32)


def wobble(rng):
    """Lines as a shaking hand draws them."""
    field = rng.standard_normal((2, FULL, FULL)).astype(np.float32)
    sigma, amount = rng.uniform(3, 10), rng.uniform(1, 4)
    dx, dy = (cv2.GaussianBlur(f, (0, 0), sigma) * sigma * 3.5 * amount * 0.5 for f in field)
    where = GRID + np.stack([dx, dy], -1)
    return lambda rgb, _: cv2.remap(
        rgb.astype(np.float32), where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def grain(rng):
    """Paper or film grain: the same structure, another place of it in every picture."""
    sigma, amount, coloured = rng.choice([0, 0.8, 1.6, 3]), rng.uniform(8, 40), rng.random() < 0.3
    noise = rng.standard_normal((2 * FULL, 2 * FULL, 3 if coloured else 1)).astype(np.float32)
    if sigma:
        noise = cv2.GaussianBlur(noise, (0, 0), sigma).reshape(noise.shape)
    noise *= amount / noise.std()
    place = np.random.default_rng(int(rng.integers(1 << 30)))

    def change(rgb, _):
        y, x = place.integers(0, FULL, 2)
        return rgb + noise[y : y + FULL, x : x + FULL]

    return change


COLOURS = [gradient_map, gradient_map, hue_shift, hue_shift, channel_mix, palette, tone, pastel]
COLOURS += [grey, invert, posterise, keep, keep, keep]
SHAPES = [outline, outline, thicker, shading, gradient, wobble]
TEXTURES = [halftone, hatching, scanlines, pixels, blur, sharpen, brush, grain, grain]


def ground(rng):
    """What stands behind the shape: mostly white, else one colour, a gradient or a pattern; the same for all pictures."""
    r = rng.random()
    if r < 0.5:
        return None
    a, b = colour(rng), colour(rng)
    if r < 0.75:
        return a * np.ones((FULL, FULL, 1), np.float32)
    angle = rng.uniform(0, 6.3)
    t = GRID @ np.float32([np.cos(angle), np.sin(angle)])
    if r < 0.9:
        t = (t - t.min()) / np.ptp(t)
    else:
        t = (np.sin(t * 2 * np.pi / rng.uniform(8, 50)) > 0).astype(np.float32)
    return a * t[:, :, None] + b * (1 - t[:, :, None])


class MadeUpStyle:
    """One fixed way of changing pictures."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        makers = [COLOURS[int(rng.integers(len(COLOURS)))]]
        if rng.random() < 0.5:
            makers.append(SHAPES[int(rng.integers(len(SHAPES)))])
        if rng.random() < 0.55:
            makers.append(TEXTURES[int(rng.integers(len(TEXTURES)))])
        if len(makers) == 1:
            makers.append((SHAPES + TEXTURES)[int(rng.integers(len(SHAPES + TEXTURES)))])
        self.whole = rng.random() < 0.35  # the texture covers the ground, too
        self.steps, self.ground = [m(rng) for m in makers], ground(rng)

    def __call__(self, rgba):
        rgb = rgba[:, :, :3].astype(np.float32)
        cover = rgba[:, :, 3:].astype(np.float32) / 255
        for step in self.steps[:-1]:
            rgb = step(rgb, cover)
        if not self.whole:
            rgb = self.steps[-1](rgb, cover)
        if self.ground is not None:
            cover = cv2.erode(cover, np.ones((2, 2)))[:, :, None]
            rgb = rgb * cover + self.ground * (1 - cover)
        if self.whole:
            rgb = self.steps[-1](rgb, cover)
        return rgb.clip(0, 255).astype(np.uint8)


def moved(rgb, rng, background=(255, 255, 255)):
    """The picture a little larger or smaller, shifted, now and then mirrored."""
    s, shift = rng.uniform(0.85, 1.06), rng.uniform(-7, 7, 2)
    flip = -1 if rng.random() < 0.5 else 1
    m = np.float32([[s * flip, 0, 0], [0, s, 0]])
    c = (FULL - 1) / 2
    m[:, 2] = [c - s * flip * c + shift[0], c - s * c + shift[1]]
    edge = cv2.BORDER_CONSTANT if background is not None else cv2.BORDER_REPLICATE
    return cv2.warpAffine(
        rgb, m, (FULL, FULL), flags=cv2.INTER_AREA, borderMode=edge, borderValue=background
    )


def cut_out(path):
    """The picture at FULL x FULL as RGBA, transparent where white touches the border."""
    rgb = read_rgb(path)
    return with_alpha(rgb if rgb.shape[0] == FULL else fitted(rgb))
