"""Trains Clippy's small CLIP on a gallery folder by the clock: `python -m training.train --gallery DIR --out DIR --minutes 70`.

Each step shows five views of 64 subjects (26 of the gallery, 26 of icon sets, 12 made up): a sketch, its edge map, the edge map of a picture and
two pictures in different styles. Views of one subject attract each other and repel every other subject's, also in the same
style, so that what is drawn counts and not how. Words are matched with pictures, and names with tag lists; runs of random
tokens teach the text tower to match words it has never met. The learning rate follows the clock, so a run ends on time.
"""

import argparse
import json
import math
import multiprocessing
import os
import random
import time

import cv2
import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from safetensors.torch import load_file, save_file

from .drawings import collage, figure
from .gallery import load_drawings, load_items, never_seen
from .icons import load_icons
from .views import KINDS, Views

CONTEXT, VOCAB = 32, 49408
MODEL = dict(
    embed_dim=224,
    vision_cfg=dict(image_size=96, layers=[1, 1, 2, 1], width=32, patch_size=None),
    text_cfg=dict(context_length=CONTEXT, vocab_size=VOCAB, width=128, heads=2, layers=3),
)
PREPROCESS = dict(
    mean=[0.48145466, 0.4578275, 0.40821073],
    std=[0.26862954, 0.26130258, 0.27577711],
    interpolation="bicubic",
    resize_mode="shortest",
)
REAL, MADE_UP, WORDS = 52, 12, 48  # drawn subjects, made-up subjects and made-up names a step
ICONS = 26  # of the drawn subjects, those of icon sets; the others are the gallery's
POOL = 3000  # made-up subjects kept by each process
RANKS = 2  # training processes; each computes half of every step on one core


def words_of(item):
    """A name and a tag list, as a searcher and the engine would write them."""
    tags = [t.replace("_", " ") for t in random.choice(item.words)]
    name = tags[0] if random.random() < 0.7 else random.choice(tags[:3])
    keep = [tags[0]] * (random.random() < 0.85) + random.sample(
        tags[1:], min(len(tags) - 1, random.randint(3, 14))
    )
    return name, "an illustration with " + ", ".join(keep)


def made_up_words(prompt, comma):
    """A name of random tokens, and a tag list that holds it among other random tokens; both as token rows."""
    some = lambda: [
        random.randrange(256, VOCAB - 2) for _ in range(random.choice([1, 1, 1, 2, 2, 3]))
    ]
    name, tags = some(), [some() for _ in range(random.randint(2, 7))]
    if len(name) > 1 and random.random() < 0.3:
        query = random.sample(name, len(name) - 1)
    else:
        query = name
    tags.insert(0 if random.random() < 0.5 else random.randrange(len(tags) + 1), name)
    text = prompt + [t for tag in tags for t in tag + [comma]][:-1]
    row = lambda ids: np.pad(
        np.int64([VOCAB - 2] + ids[: CONTEXT - 2] + [VOCAB - 1]), (0, CONTEXT)
    )[:CONTEXT]
    return row(query), row(text)


class Batches:
    """Draws the subjects of a step; a third of the steps takes many of one kind, which are hard to tell apart."""

    def __init__(self, gallery, drawings, icons, seed, rank):
        self.seed, self.rank, self.step = seed, rank, 0
        left_out = never_seen(gallery)
        self.items = load_items(gallery, lambda code, _: code not in left_out)
        if drawings:
            self.items += load_drawings(drawings, gallery)
        self.icons = load_icons(icons) if icons else []
        self.groups = {}
        for i in self.items:
            self.groups.setdefault(i.group, []).append(i)
        self.views, self.made_up = Views(), []
        self.tokens = open_clip.SimpleTokenizer(context_length=CONTEXT)
        self.prompt, self.comma = (
            self.tokens.encode("an illustration with"),
            self.tokens.encode(",")[0],
        )
        self.grow(150, 100)

    def grow(self, figures, collages):
        new = [figure() for _ in range(figures)] + [
            collage(*random.sample(self.items, 2)) for _ in range(collages)
        ]
        for item in new:
            if len(self.made_up) < POOL:
                self.made_up.append(item)
            else:
                self.made_up[random.randrange(POOL)] = item

    def subjects(self):
        """This process's share of the real subjects of the step; all processes follow one plan, so that none comes twice."""
        plan, chosen = random.Random(f"{self.seed} {self.step}"), []
        icons = plan.sample(self.icons, ICONS) if self.icons else []
        count = REAL - len(icons)
        if plan.random() < 0.4:
            for name in plan.sample(list(self.groups), len(self.groups)):
                chosen += plan.sample(self.groups[name], min(len(self.groups[name]), 16))
                if len(chosen) >= count * 2 // 3:
                    break
        chosen = chosen[: count * 2 // 3]
        taken = set(map(id, chosen))
        chosen += plan.sample([i for i in self.items if id(i) not in taken], count - len(chosen))
        self.step += 1
        return (chosen + icons)[self.rank :: RANKS]

    def next(self):
        self.grow(1, 1 if self.step % 2 == self.rank else 0)
        real = self.subjects()
        views = [self.views.five(i) for i in real + random.sample(self.made_up, MADE_UP // RANKS)]
        pictures = np.stack([v[k] for k in range(len(KINDS)) for v in views])
        names, texts = zip(*(words_of(i) for i in real))
        more = [made_up_words(self.prompt, self.comma) for _ in range(WORDS // RANKS)]
        tokens = torch.cat(
            [
                self.tokens(list(names + texts)),
                torch.from_numpy(np.stack([m[j] for j in (0, 1) for m in more])),
            ]
        )
        return pictures, tokens.numpy()


def worker(gallery, drawings, icons, seed, rank, queue):
    random.seed(seed * 10 + rank + 1)
    np.random.seed(seed * 10 + rank + 1)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    batches = Batches(gallery, drawings, icons, seed, rank)
    while True:
        queue.put(batches.next())


def contrast(z, scale, pairs):
    """Cross-entropy of finding, from view u of a subject, its view v among all views of all other subjects, both ways."""
    views, n, _ = z.shape
    sims = torch.einsum("uid,vjd->uivj", z, z) * scale
    own = torch.eye(n, dtype=torch.bool)[None, :, None, :]
    others = sims.masked_fill(own, float("-inf")).flatten(2).logsumexp(-1)  # view, subject
    loss, total = 0, 0
    for u, v, weight in pairs:
        right = sims[u, :, v].diagonal()
        for a in (u, v):
            loss = loss + weight * (torch.logaddexp(right, others[a]) - right).mean()
        total += 2 * weight
    return loss / total


def pairs_loss(p, q, scale):
    logits, y = scale * p @ q.T, torch.arange(len(p))
    return (F.cross_entropy(logits, y) + F.cross_entropy(logits.T, y)) / 2


def losses(z, w, scale):
    """`z`: views x subjects x dimensions in the order of KINDS; `w`: names, tag lists, made-up names, made-up tag lists."""
    image = contrast(z[[0, 3, 4]], scale, [(0, 1, 1.0), (0, 2, 1.0), (1, 2, 0.6)])
    edge = contrast(z[[1, 2]], scale, [(0, 1, 1.0)])
    across = contrast(z[[1, 2, 0, 3]], scale, [(0, 3, 1.0), (1, 3, 1.0), (1, 2, 1.0)])
    parts = dict(image=image, edge=edge, across=across)
    loss = image + 0.6 * edge + 0.25 * across
    if w is not None:
        name, text, name2, text2 = (
            w[:REAL],
            w[REAL : 2 * REAL],
            w[2 * REAL : 2 * REAL + WORDS],
            w[2 * REAL + WORDS :],
        )
        parts["words"] = (
            pairs_loss(z[3, :REAL], text, scale)
            + pairs_loss(z[4, :REAL], name, scale)
            + 0.5 * pairs_loss(z[0, :REAL], name, scale)
        ) / 2.5
        parts["text"] = pairs_loss(torch.cat([name, name2]), torch.cat([text, text2]), scale)
        loss = loss + 0.3 * parts["words"] + 0.5 * parts["text"]
    return loss, parts


def resized_positions(state, size):
    """The attention pool's position table, stretched to another picture size."""
    key = "visual.attnpool.positional_embedding"
    old, side = state[key], size // 32
    was = int(math.sqrt(len(old) - 1))
    if was == side:
        return state
    grid = F.interpolate(
        old[1:].T.reshape(1, -1, was, was), size=(side, side), mode="bilinear", align_corners=True
    )
    return {**state, key: torch.cat([old[:1], grid[0].flatten(1).T])}


def build(size):
    model = dict(MODEL, vision_cfg=dict(MODEL["vision_cfg"], image_size=size))
    return CLIP(**model)


def save_model(state, folder, scale):
    """open_clip's two files; weights as 16-bit floats."""
    os.makedirs(folder, exist_ok=True)
    state = dict(
        resized_positions(state, MODEL["vision_cfg"]["image_size"]),
        logit_scale=torch.tensor(float(scale)),
    )
    state = {
        k: (v.half() if v.is_floating_point() else v).contiguous()
        for k, v in state.items()
        if k != "attn_mask"
    }
    save_file(state, os.path.join(folder, "part.safetensors"))
    os.replace(
        os.path.join(folder, "part.safetensors"),
        os.path.join(folder, "open_clip_model.safetensors"),
    )
    with open(os.path.join(folder, "open_clip_config.json"), "w") as f:
        json.dump(dict(model_cfg=MODEL, preprocess_cfg=PREPROCESS), f, indent=2)
        f.write("\n")


class Share:
    """Memory that the training processes share: embeddings, gradients and the clock."""

    def __init__(self):
        context = multiprocessing.get_context("spawn")
        self.wall = context.Barrier(RANKS)
        self.pictures = torch.zeros(
            RANKS, len(KINDS), (REAL + MADE_UP) // RANKS, MODEL["embed_dim"]
        ).share_memory_()
        self.words = torch.zeros(
            RANKS, 2 * (REAL + WORDS) // RANKS, MODEL["embed_dim"]
        ).share_memory_()
        self.gradients = torch.zeros(RANKS, 16_000_000).share_memory_()
        self.done = torch.zeros(1, dtype=torch.float64).share_memory_()


class Run:
    def __init__(self, args, share, rank):
        self.args, self.share, self.rank, self.size, self.step = args, share, rank, None, 0
        self.log_scale = torch.nn.Parameter(torch.tensor(math.log(16.0)))
        self.mean, self.std = (
            torch.tensor(PREPROCESS[k]).view(1, 3, 1, 1) * 255 for k in ("mean", "std")
        )
        self.model, self.ema = None, None

    def use_size(self, size):
        """Moves model and average to another picture size; the first call makes them."""
        state = None if self.model is None else resized_positions(self.model.state_dict(), size)
        if state is None and self.args.start:
            state = {
                k: v.float() if v.is_floating_point() else v
                for k, v in load_file(self.args.start).items()
            }
            self.log_scale.data.fill_(float(state["logit_scale"]))
            state = resized_positions(state, size)
        self.model = build(size).to(memory_format=torch.channels_last)
        if state is not None:
            self.model.load_state_dict(state, strict=False)
        if self.rank == 0:
            own = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
            self.ema = own if self.ema is None else resized_positions(self.ema, size)
        named = [(k, p) for k, p in self.model.named_parameters() if k != "logit_scale"]
        plain = lambda k, p: p.ndim <= 1 or "token_embedding" in k
        self.vision = [p for k, p in named if k.startswith("visual.")] + [self.log_scale]
        self.language = [p for k, p in named if not k.startswith("visual.")]
        self.optimiser = torch.optim.AdamW(
            [
                dict(params=[p for k, p in named if not plain(k, p)], weight_decay=0.1),
                dict(
                    params=[p for k, p in named if plain(k, p)] + [self.log_scale], weight_decay=0
                ),
            ],
            lr=1e-3,
            betas=(0.9, 0.98),
            fused=True,
        )
        self.size, self.since = size, self.step
        self.model.train()

    def pixels(self, pictures):
        x = (
            (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() - self.mean) / self.std
        ).contiguous(memory_format=torch.channels_last)
        if self.size != x.shape[-1]:
            x = F.interpolate(x, size=(self.size, self.size), mode="bilinear", antialias=True)
        return x

    def gathered(self, own, memory, dim):
        """All processes' embeddings; only this one's carry a gradient."""
        memory[self.rank].copy_(own.detach())
        self.share.wall.wait()
        rows = [own if r == self.rank else memory[r].clone() for r in range(RANKS)]
        return torch.cat(rows, dim)

    def add_gradients(self, parameters):
        """Every process has the gradient of the whole loss by its own embeddings: the sum is the gradient."""
        parameters = [p for p in parameters if p.grad is not None]
        sizes = [p.numel() for p in parameters]
        mine = self.share.gradients[self.rank]
        for p, part in zip(parameters, mine[: sum(sizes)].split(sizes)):
            part.copy_(
                p.grad.contiguous().view(-1) if p.grad.is_contiguous() else p.grad.reshape(-1)
            )
        self.share.wall.wait()
        for r in range(RANKS):
            if r != self.rank:
                for p, part in zip(parameters, self.share.gradients[r][: sum(sizes)].split(sizes)):
                    p.grad += part.view(p.shape)
        self.share.wall.wait()

    def update(self, pictures, tokens, done):
        rate = (
            self.args.lr
            * min(1, (self.step - self.since + 1) / 100)
            * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))
        )
        for g in self.optimiser.param_groups:
            g["lr"] = rate
        with_words = self.step % 2 == 0
        with torch.autocast("cpu", dtype=torch.bfloat16):
            z = self.model.encode_image(self.pixels(pictures))
            w = self.model.encode_text(torch.from_numpy(tokens)) if with_words else None
        z = F.normalize(z.float(), dim=-1).view(len(KINDS), -1, z.shape[-1])
        if with_words:
            w = self.gathered(F.normalize(w.float(), dim=-1), self.share.words, 0)
        z = self.gathered(z, self.share.pictures, 1)
        loss, parts = losses(*in_order(z, w), self.log_scale.exp().clamp(max=50))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.log_scale.grad /= RANKS
        self.add_gradients(self.vision + (self.language if with_words else []))
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        self.optimiser.step()
        self.step += 1
        if self.step % 2 == 0 and self.rank == 0:
            self.average()
        return {k: v.item() for k, v in parts.items()}

    def average(self):
        keep = min(0.998**2, (1 + self.step) / (20 + self.step))
        with torch.no_grad():
            for k, v in self.model.state_dict().items():
                if v.is_floating_point():
                    self.ema[k].lerp_(v.detach(), 1 - keep)
                else:
                    self.ema[k].copy_(v)

    def save(self):
        save_model(self.ema, self.args.out, self.log_scale.item())


def in_order(z, w):
    """From process by process to: real subjects, then made-up ones; names, tag lists, then the made-up ones."""
    real, made_up = REAL // RANKS, MADE_UP // RANKS
    z = z.view(len(KINDS), RANKS, real + made_up, -1)
    z = torch.cat([z[:, :, :real].flatten(1, 2), z[:, :, real:].flatten(1, 2)], 1)
    if w is not None:
        sizes = [real, real, WORDS // RANKS, WORDS // RANKS]
        w = torch.cat([p.flatten(0, 1) for p in w.view(RANKS, sum(sizes), -1).split(sizes, 1)])
    return z, w


def train(rank, args, share):
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    begin = time.time()
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(3)
    helper = context.Process(
        target=worker,
        args=(args.gallery, args.drawings, args.icons, args.seed, rank, queue),
        daemon=True,
    )
    helper.start()
    run, last, waited = Run(args, share, rank), -1, 0.0
    run.use_size(64 if args.small_until > 0 else 96)
    while True:
        t = time.time()
        batch = queue.get()
        waited += time.time() - t
        if rank == 0:
            share.done[0] = (time.time() - begin) / (args.minutes * 60)
        share.wall.wait()
        done = share.done.item()
        if done >= 1:
            break
        if run.size == 64 and done >= args.small_until:
            run.use_size(96)
        parts = run.update(*batch, done)
        if rank == 0 and run.step % 50 == 1:
            print(
                f"{done:6.1%} step {run.step} size {run.size} scale {run.log_scale.exp().item():.2f} waited {waited:.0f} s, "
                f"{(time.time() - begin) / run.step:.2f} s/step",
                {k: round(v, 3) for k, v in parts.items()},
                flush=True,
            )
        if rank == 0 and int(done * 20) > last:
            last = int(done * 20)
            run.save()
    if rank == 0:
        run.save()
    helper.terminate()


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--gallery", required=True, help="gallery folder")
    p.add_argument(
        "--drawings",
        help="folder of the project's own drawings, which `clippy demo` writes to DATA_DIR/demo",
    )
    p.add_argument(
        "--icons", help="folder of drawings of icon sets, which `python -m training.icons` writes"
    )
    p.add_argument("--out", required=True, help="folder for the model")
    p.add_argument("--minutes", type=float, default=70, help="how long to train")
    p.add_argument(
        "--small-until",
        type=float,
        default=0.45,
        help="part of the time that is spent on 64-pixel pictures",
    )
    p.add_argument("--lr", type=float, default=1.5e-3)
    p.add_argument("--start", help="safetensors file to go on from")
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    context, share = multiprocessing.get_context("spawn"), Share()
    others = [context.Process(target=train, args=(r, args, share)) for r in range(1, RANKS)]
    for process in others:
        process.start()
    train(0, args, share)
    for process in others:
        process.join()


if __name__ == "__main__":
    main()
