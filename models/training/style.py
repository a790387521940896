"""Trains the style head and measures it: `python -m training.style --features DIR --gallery DIR --head FILE` (folder of style_features).

A small network on the statistics of training.style_features, trained so that pictures of one style attract each other and repel
every other style's (supervised contrast). All styles of a step show the same subjects as far as they can, so that what is drawn
does not help. Beside it a linear part that is solved, not learned (discriminant analysis); both become one network of two layers
in the file. With `--fold SET` every style of that set is left out, nothing is written, and the head is measured on it alone.
"""

import argparse
import json
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.linalg import eigh
from torch import nn

from .gallery import never_seen
from .style_features import CORRELATIONS, EMOJI, LAYERS, digest
from .style_figures import clusters, print_figures, shares

DIMENSION, CLAMP = 224, 6
HIDDEN, OWN = 512, 128  # the trained part's widths
LINEAR, SHRINKAGE = 224, 0.05  # the linear part
FAIR = 100  # a style with more pictures weighs no more in the linear part
SHARE = 0.25  # the linear part's length, in lengths of the trained part's
EVEN = 0.1  # the weight of making both parts equally long for each picture
FAR = 8  # the linear part's hidden units reach from half of this to one and a half: there gelu(x) = x
STEPS, RATE, DECAY = 1200, 2e-3, 0.05
TEMPERATURE, DROPOUT, NOISE = 0.1, 0.1, 0.1
EACH = 8  # pictures of each style in a step
MOVED, FURTHEST = 8, 0.6  # moved styles in a step, and how far
FEWEST = 8  # a style with fewer pictures is not trained on
# Styles of each kind in a step: gallery, emoji and avatars and drawings, icons, made-up ones.
MIX = dict(gallery=7, others=14, icons=8, made=16)
BRANDS = {"logos", "devicon", "unjs"}  # what they show is the brands' style and not theirs
SETS = {
    **{s: "openmoji" for s in ("openmoji_color", "openmoji_black")},
    **{s: "noto" for s in ("noto", "noto-v1")},
    **{s: "fluent" for s in ("fluent_3d", "fluent_flat", "fluent_high_contrast", "fluent-emoji")},
}
# Never trained on, so that the shipped head can be measured on styles that it has not seen.
KEPT = set(
    """emojione streamline-emojis game-icons solar tabler flat-color-icons streamline-plump-color streamline-freehand
pixelarticons micah openPeeps""".split()
)


def set_of(style):
    """The set that a style belongs to: what is left out together."""
    style = style.split(":")[0]
    return SETS.get(style, style)


class Pictures:
    """Statistics of pictures, with their styles and subjects."""

    def __init__(self, x, style, subject, kind=None, made=None):
        self.x, self.style, self.subject = x, np.array(style), np.array(subject)
        self.kind = np.array(kind if kind is not None else ["gallery"] * len(x))
        self.made = np.array([-1 if m is None else m for m in (made or [None] * len(x))])
        self.sets = np.array([set_of(s) for s in self.style])

    def __getitem__(self, keep):
        part = Pictures.__new__(Pictures)
        part.__dict__ = {k: v[keep] for k, v in self.__dict__.items()}
        return part

    def __add__(self, other):
        both = Pictures.__new__(Pictures)
        both.__dict__ = {k: np.concatenate([v, other.__dict__[k]]) for k, v in self.__dict__.items()}
        return both


def read_features(path):
    with np.load(path) as z:
        return Pictures(z["x"], **json.loads(str(z["about"])))


class Steps:
    """Draws the pictures of a step: from every chosen style those whose subjects' digests follow one random number."""

    def __init__(self, pictures, rng):
        self.rng, self.styles = rng, {group: [] for group in MIX}
        place = np.array([int(digest(s)[:8], 16) / 2**32 for s in pictures.subject])
        by = {}
        for i, key in enumerate(zip(pictures.kind, pictures.style, pictures.made)):
            by.setdefault(key, []).append(i)
        for (kind, style, made), own in by.items():
            if len(own) >= FEWEST:
                own = np.array(own)[np.argsort(place[own], kind="stable")]
                self.styles[group_of(kind, style, made)].append((own, place[own]))

    def next(self):
        at, pictures, labels = self.rng.random(), [], []
        for group, count in MIX.items():
            styles = self.styles[group]
            for k in self.rng.choice(len(styles), min(count, len(styles)), replace=False):
                own, place = styles[k]
                window = min(len(own), EACH * 3 // 2)
                some = self.rng.choice(window, min(EACH, window), replace=False)
                pictures.append(own[(np.searchsorted(place, at) + some) % len(own)])
                labels.append(np.full(len(some), len(labels)))
        return np.concatenate(pictures), torch.from_numpy(np.concatenate(labels))


def group_of(kind, style, made):
    if made >= 0:
        return "made"
    if kind == "gallery":
        return "gallery"
    return "icons" if kind == "icons" and style not in EMOJI else "others"


class Head(nn.Module):
    def __init__(self, mean, std, hidden=HIDDEN, outputs=OWN):
        super().__init__()
        self.mean, self.std = torch.from_numpy(mean), torch.from_numpy(std)
        self.layers = nn.ModuleList([nn.Linear(len(mean), hidden), nn.Linear(hidden, outputs)])

    def standardised(self, x):
        return ((torch.as_tensor(x) - self.mean) / self.std).clamp(-CLAMP, CLAMP)

    def forward(self, x):
        """Standardised statistics -> vectors of any length. In training, part of the numbers is missing and all are noisy."""
        if self.training:
            x = F.dropout(x + NOISE * torch.randn_like(x), DROPOUT)
        for i, layer in enumerate(self.layers):
            x = layer(F.dropout(F.gelu(x), DROPOUT, self.training) if i else x)
        return x

    @torch.no_grad()
    def vectors(self, x):
        return F.normalize(self.eval()(self.standardised(x)), dim=-1).numpy()


class Discriminants:
    """The linear part: the directions in which styles differ most, measured by how far pictures of one style spread.

    Solved and not learned, so that it keeps what tells styles apart that no training has seen.
    """

    def __init__(self, x, styles):
        between, within, weight = [], 0, 0
        for own in styles:
            mean = x[own].mean(0)
            spread, share = x[own] - mean, min(1, FAIR / len(own))
            between.append(mean)
            within, weight = within + share * (spread.T @ spread), weight + share * len(own)
        within, between, n = (within / weight).astype(np.float64), np.stack(between), x.shape[1]
        within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / n * np.eye(n)
        _, axes = eigh(np.cov(between.T), within, subset_by_index=[n - LINEAR, n - 1])
        self.means, self.axes = torch.from_numpy(between), axes.astype(np.float32)
        self.centre = between.mean(0)
        self.axes /= np.sqrt((self(x) ** 2).sum(1).mean())

    def __call__(self, x):
        return (x - self.centre) @ self.axes


def contrast(z, labels):
    """Supervised contrast: for each picture, the mean cross-entropy of finding the others of its style."""
    own = torch.eye(len(z), dtype=torch.bool)
    scores = (z @ z.T / TEMPERATURE).masked_fill(own, -1e9)
    same = (labels[:, None] == labels[None]) & ~own
    found = scores - scores.logsumexp(1, keepdim=True)
    return -((found * same).sum(1) / same.sum(1)).mean()


def moved_styles(x, labels, means, rng):
    """Styles that nobody drew: some of the step's, each moved some way along the difference of two other styles."""
    moved, moved_labels = [], []
    count = int(labels.max()) + 1
    for i, style in enumerate(rng.choice(count, MOVED, replace=False)):
        one, two = rng.choice(len(means), 2, replace=False)
        way = rng.uniform(FURTHEST / 3, FURTHEST) * (means[one] - means[two])
        moved.append((x[labels == style] + way).clamp(-CLAMP, CLAMP))
        moved_labels.append(torch.full((len(moved[-1]),), count + i))
    return torch.cat(moved), torch.cat(moved_labels)


def train(pictures, seed=0):
    torch.manual_seed(seed)
    head = Head(pictures.x.mean(0), pictures.x.std(0) + 1e-4)
    x, steps = head.standardised(pictures.x), Steps(pictures, np.random.default_rng(seed))
    linear = Discriminants(x.numpy(), [own for styles in steps.styles.values() for own, _ in styles])
    lengths = torch.from_numpy(linear(x.numpy())).norm(dim=1)
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS, pct_start=0.1)
    start, average = time.time(), None
    for step in range(1, STEPS + 1):
        chosen, labels = steps.next()
        more, more_labels = moved_styles(x[chosen], labels, linear.means, steps.rng)
        labels = torch.cat([labels, more_labels])
        y = head(torch.cat([x[chosen], more]))
        # For each picture as long as the linear part, so that neither rules its vector.
        uneven = (y[: len(chosen)].norm(dim=1) / lengths[chosen]).log().pow(2).mean()
        loss = contrast(F.normalize(y, dim=1), labels) + EVEN * uneven
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rates.step()
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        if step % 200 == 0:
            print(f"step {step}, loss {average:.3f}, {time.time() - start:.0f} s", flush=True)
    return joined(head.eval(), linear, x)


@torch.no_grad()
def joined(head, linear, x):
    """One network of both parts: their vectors side by side, reduced to their main directions."""
    y = torch.from_numpy(linear(x.numpy()))
    reach = y.abs().amax(0) * 2 / FAR
    own, first, second = head(x), *head.layers
    scale = 1 / own.pow(2).sum(1).mean().sqrt()
    both = torch.cat([own * scale, y * SHARE], 1)
    turn = torch.linalg.eigh(both.T @ both)[1][:, -DIMENSION:].T
    whole = Head(head.mean.numpy(), head.std.numpy(), HIDDEN + LINEAR, DIMENSION)
    axes = torch.from_numpy(linear.axes) / reach
    whole.layers[0].weight.data = torch.cat([first.weight, axes.T])
    whole.layers[0].bias.data = torch.cat([first.bias, FAR - torch.from_numpy(linear.centre) @ axes])
    back = turn[:, OWN:] * reach * SHARE
    whole.layers[1].weight.data = torch.cat([turn[:, :OWN] @ second.weight * scale, back], 1)
    whole.layers[1].bias.data = turn[:, :OWN] @ second.bias * scale - FAR * back.sum(1)
    return whole.eval()


def save_head(head, path):
    """16-bit weights; mean and deviation stay 32-bit, since some deviations are small."""
    tensors = dict(mean=head.mean.numpy(), std=head.std.numpy())
    for i, layer in enumerate(head.layers):
        tensors[f"{i}.weight"] = layer.weight.detach().numpy().astype(np.float16)
        tensors[f"{i}.bias"] = layer.bias.detach().numpy().astype(np.float16)
    about = dict(
        format="clippy-style-head",
        version="1",
        layers=",".join(LAYERS),
        statistics="mean,std",
        correlations=",".join(CORRELATIONS),
        clamp=str(CLAMP),
        activation="gelu",
    )
    save_file(tensors, path, metadata=about)


def load_head(path):
    with safe_open(path, "numpy") as f:
        outputs, hidden = f.get_slice("1.weight").get_shape()
        head = Head(f.get_tensor("mean"), f.get_tensor("std"), hidden, outputs)
        for i, layer in enumerate(head.layers):
            for name, value in layer.named_parameters():
                value.data = torch.from_numpy(f.get_tensor(f"{i}.{name}")).float()
    return head


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--features", required=True, help="folder that training.style_features wrote")
    p.add_argument("--gallery", required=True, help="gallery folder")
    p.add_argument("--head", default="clippy-small/style_head.safetensors", help="file to write")
    p.add_argument("--fold", help="leave this set of the gallery out and measure on it alone")
    p.add_argument("--measure", action="store_true", help="measure the file instead of training")
    args = p.parse_args()
    torch.set_num_threads(1)
    gallery = read_features(os.path.join(args.features, "gallery.npz"))
    unseen = np.isin(gallery.subject, list(never_seen(args.gallery)))
    drawn = read_features(os.path.join(args.features, "training.npz"))
    drawn = drawn[~np.isin(drawn.sets, list(BRANDS))]
    kept = drawn[np.isin(drawn.sets, list(KEPT)) & (drawn.made < 0)]
    seen = gallery[~unseen] + drawn[~np.isin(drawn.sets, list(KEPT))]
    if args.fold:
        head = train(seen[seen.sets != args.fold])
        own = gallery.sets == args.fold
        print_figures(f"without {args.fold}", shares(head.vectors(gallery.x), gallery, own))
        return
    if not args.measure:
        print(f"{len(seen.x)} pictures in {len(set(zip(seen.kind, seen.style, seen.made)))} styles")
        save_head(train(seen), args.head)
    head = load_head(args.head)
    vectors = head.vectors(gallery.x)
    print_figures("never seen, whole gallery", shares(vectors, gallery, unseen))
    print_figures("never seen among themselves", shares(vectors[unseen], gallery[unseen]))
    print(clusters(vectors, gallery.style))
    for name, among in (
        ("gallery and kept sets", gallery),
        ("all sets", gallery + drawn[(drawn.made < 0) & ~np.isin(drawn.sets, list(KEPT))]),
    ):
        both = kept + among
        own = np.arange(len(both.x)) < len(kept.x)
        print_figures(f"kept sets among {name}", shares(head.vectors(both.x), both, own))


if __name__ == "__main__":
    main()
