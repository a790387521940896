"""Trains Clippy's small CLIP on a gallery folder by the clock: `python -m training.train --gallery DIR --out DIR --minutes 70`.

Each step shows five views of 64 subjects (48 of the gallery, 16 made up): a sketch, its edge map, the edge map of a picture and
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
from .gallery import is_held_out, load_items
from .views import KINDS, Views

CONTEXT, VOCAB = 32, 49408
MODEL = dict(embed_dim=224,
             vision_cfg=dict(image_size=96, layers=[1, 1, 2, 1], width=32, patch_size=None),
             text_cfg=dict(context_length=CONTEXT, vocab_size=VOCAB, width=128, heads=2, layers=3))
PREPROCESS = dict(mean=[0.48145466, 0.4578275, 0.40821073], std=[0.26862954, 0.26130258, 0.27577711],
                  interpolation="bicubic", resize_mode="shortest")
REAL, MADE_UP, WORDS = 48, 16, 48       # subjects of the gallery, made-up subjects and made-up names a step
POOL = 6000                             # made-up subjects kept


def words_of(item):
    """A name and a tag list, as a searcher and the engine would write them."""
    tags = [t.replace("_", " ") for t in random.choice(item.words)]
    name = tags[0] if random.random() < .7 else random.choice(tags[:3])
    keep = [tags[0]] * (random.random() < .85) + random.sample(tags[1:], min(len(tags) - 1, random.randint(3, 14)))
    return name, "an illustration with " + ", ".join(keep)


def made_up_words(prompt, comma):
    """A name of random tokens, and a tag list that holds it among other random tokens; both as token rows."""
    some = lambda: [random.randrange(256, VOCAB - 2) for _ in range(random.choice([1, 1, 1, 2, 2, 3]))]
    name, tags = some(), [some() for _ in range(random.randint(2, 7))]
    if len(name) > 1 and random.random() < .3:
        query = random.sample(name, len(name) - 1)
    else:
        query = name
    tags.insert(0 if random.random() < .5 else random.randrange(len(tags) + 1), name)
    text = prompt + [t for tag in tags for t in tag + [comma]][:-1]
    row = lambda ids: np.pad(np.int64([VOCAB - 2] + ids[:CONTEXT - 2] + [VOCAB - 1]), (0, CONTEXT))[:CONTEXT]
    return row(query), row(text)


class Batches:
    """Draws the subjects of a step; a third of the steps takes many of one kind, which are hard to tell apart."""

    def __init__(self, gallery):
        self.items = load_items(gallery, lambda code: not is_held_out(code))
        self.groups = {}
        for i in self.items:
            self.groups.setdefault(i.group, []).append(i)
        self.views, self.made_up = Views(), []
        self.tokens = open_clip.SimpleTokenizer(context_length=CONTEXT)
        self.prompt, self.comma = self.tokens.encode("an illustration with"), self.tokens.encode(",")[0]
        self.grow(150, 100)

    def grow(self, figures, collages):
        new = [figure() for _ in range(figures)] + [collage(*random.sample(self.items, 2)) for _ in range(collages)]
        for item in new:
            if len(self.made_up) < POOL:
                self.made_up.append(item)
            else:
                self.made_up[random.randrange(POOL)] = item

    def subjects(self):
        chosen = []
        if random.random() < .4:
            for name in random.sample(list(self.groups), len(self.groups)):
                chosen += random.sample(self.groups[name], min(len(self.groups[name]), 16))
                if len(chosen) >= REAL * 2 // 3:
                    break
        chosen = chosen[:REAL * 2 // 3]
        taken = set(map(id, chosen))
        return chosen + random.sample([i for i in self.items if id(i) not in taken], REAL - len(chosen))

    def next(self):
        self.grow(2, 1)
        real = self.subjects()
        views = [self.views.five(i) for i in real + random.sample(self.made_up, MADE_UP)]
        pictures = np.stack([v[k] for k in range(len(KINDS)) for v in views])
        names, texts = zip(*(words_of(i) for i in real))
        more = [made_up_words(self.prompt, self.comma) for _ in range(WORDS)]
        tokens = torch.cat([self.tokens(list(names + texts)), torch.from_numpy(np.stack([m[j] for j in (0, 1) for m in more]))])
        return pictures, tokens.numpy()


def worker(gallery, seed, queue):
    random.seed(seed)
    np.random.seed(seed)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    batches = Batches(gallery)
    while True:
        queue.put(batches.next())


def contrast(z, scale, pairs):
    """Cross-entropy of finding, from view u of a subject, its view v among all views of all other subjects, both ways."""
    views, n, _ = z.shape
    sims = torch.einsum("uid,vjd->uivj", z, z) * scale
    own = torch.eye(n, dtype=torch.bool)[None, :, None, :]
    others = sims.masked_fill(own, float("-inf")).flatten(2).logsumexp(-1)              # view, subject
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
    image = contrast(z[[0, 3, 4]], scale, [(0, 1, 1.), (0, 2, 1.), (1, 2, .6)])
    edge = contrast(z[[1, 2]], scale, [(0, 1, 1.)])
    across = contrast(z[[1, 2, 0, 3]], scale, [(0, 3, 1.), (1, 3, 1.), (1, 2, 1.)])
    parts = dict(image=image, edge=edge, across=across)
    loss = image + .6 * edge + .25 * across
    if w is not None:
        name, text, name2, text2 = w[:REAL], w[REAL:2 * REAL], w[2 * REAL:2 * REAL + WORDS], w[2 * REAL + WORDS:]
        parts["words"] = (pairs_loss(z[3, :REAL], text, scale) + pairs_loss(z[4, :REAL], name, scale)
                          + .5 * pairs_loss(z[0, :REAL], name, scale)) / 2.5
        parts["text"] = pairs_loss(torch.cat([name, name2]), torch.cat([text, text2]), scale)
        loss = loss + .3 * parts["words"] + .5 * parts["text"]
    return loss, parts


def resized_positions(state, size):
    """The attention pool's position table, stretched to another picture size."""
    key = "visual.attnpool.positional_embedding"
    old, side = state[key], size // 32
    was = int(math.sqrt(len(old) - 1))
    if was == side:
        return state
    grid = F.interpolate(old[1:].T.reshape(1, -1, was, was), size=(side, side), mode="bilinear", align_corners=True)
    return {**state, key: torch.cat([old[:1], grid[0].flatten(1).T])}


def build(size):
    model = dict(MODEL, vision_cfg=dict(MODEL["vision_cfg"], image_size=size))
    return CLIP(**model)


def save_model(state, folder, scale):
    """open_clip's two files; weights as 16-bit floats."""
    os.makedirs(folder, exist_ok=True)
    state = dict(resized_positions(state, MODEL["vision_cfg"]["image_size"]), logit_scale=torch.tensor(float(scale)))
    state = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in state.items() if k != "attn_mask"}
    save_file(state, os.path.join(folder, "part.safetensors"))
    os.replace(os.path.join(folder, "part.safetensors"), os.path.join(folder, "open_clip_model.safetensors"))
    with open(os.path.join(folder, "open_clip_config.json"), "w") as f:
        json.dump(dict(model_cfg=MODEL, preprocess_cfg=PREPROCESS), f, indent=2)
        f.write("\n")


class Run:
    def __init__(self, args):
        self.args, self.size, self.step = args, None, 0
        self.log_scale = torch.nn.Parameter(torch.tensor(math.log(14.)))
        self.mean, self.std = (torch.tensor(PREPROCESS[k]).view(1, 3, 1, 1) * 255 for k in ("mean", "std"))
        self.model, self.ema = None, None

    def use_size(self, size):
        """Moves model, average and optimiser to another picture size; the first call makes them."""
        state = None if self.model is None else resized_positions(self.model.state_dict(), size)
        if state is None and self.args.start:
            state = {k: v.float() if v.is_floating_point() else v for k, v in load_file(self.args.start).items()}
            self.log_scale.data.fill_(float(state["logit_scale"]))
            state = resized_positions(state, size)
        self.model = build(size).to(memory_format=torch.channels_last)
        if state is not None:
            self.model.load_state_dict(state, strict=False)
        self.ema = {k: v.detach().clone() for k, v in self.model.state_dict().items()} if self.ema is None else resized_positions(self.ema, size)
        decay = [p for k, p in self.model.named_parameters() if p.ndim > 1 and "token_embedding" not in k and k != "logit_scale"]
        rest = [p for k, p in self.model.named_parameters() if (p.ndim <= 1 or "token_embedding" in k) and k != "logit_scale"]
        self.optimiser = torch.optim.AdamW([dict(params=decay, weight_decay=.05), dict(params=rest + [self.log_scale], weight_decay=0)],
                                           lr=1e-3, betas=(.9, .98), fused=True)
        self.size, self.since = size, self.step
        self.model.train()

    def pixels(self, pictures):
        x = ((torch.from_numpy(pictures).permute(0, 3, 1, 2).float() - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        if self.size != x.shape[-1]:
            x = F.interpolate(x, size=(self.size, self.size), mode="bilinear", antialias=True)
        return x

    def update(self, pictures, tokens, done):
        rate = self.args.lr * min(1, (self.step - self.since + 1) / 100) * (.01 + .99 * .5 * (1 + math.cos(math.pi * done)))
        for g in self.optimiser.param_groups:
            g["lr"] = rate
        with torch.autocast("cpu", dtype=torch.bfloat16):
            z = self.model.encode_image(self.pixels(pictures))
            w = self.model.encode_text(torch.from_numpy(tokens)) if self.step % 2 == 0 else None
        z = F.normalize(z.float(), dim=-1).view(len(KINDS), REAL + MADE_UP, -1)
        w = None if w is None else F.normalize(w.float(), dim=-1)
        loss, parts = losses(z, w, self.log_scale.exp().clamp(max=50))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 2.)
        self.optimiser.step()
        self.step += 1
        if self.step % 2 == 0:
            keep = min(.998 ** 2, (1 + self.step) / (20 + self.step))
            with torch.no_grad():
                for k, v in self.model.state_dict().items():
                    if v.is_floating_point():
                        self.ema[k].lerp_(v.detach(), 1 - keep)
                    else:
                        self.ema[k].copy_(v)
        return {k: v.item() for k, v in parts.items()}

    def save(self):
        save_model(self.ema, os.path.join(self.args.out), self.log_scale.item())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gallery", required=True, help="gallery folder")
    p.add_argument("--out", required=True, help="folder for the model")
    p.add_argument("--minutes", type=float, default=70, help="how long to train")
    p.add_argument("--small-until", type=float, default=.45, help="part of the time that is spent on 64-pixel pictures")
    p.add_argument("--lr", type=float, default=1.5e-3)
    p.add_argument("--start", help="safetensors file to go on from")
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    torch.manual_seed(args.seed)
    if args.threads:
        torch.set_num_threads(args.threads)
    begin = time.time()
    queue = multiprocessing.get_context("spawn").Queue(4)
    helper = multiprocessing.get_context("spawn").Process(target=worker, args=(args.gallery, args.seed + 1, queue), daemon=True)
    helper.start()
    run, last, seen, waited = Run(args), -1, 0, 0.
    run.use_size(64 if args.small_until > 0 else 96)
    while (done := (time.time() - begin) / (args.minutes * 60)) < 1:
        if run.size == 64 and done >= args.small_until:
            run.use_size(96)
        t = time.time()
        batch = queue.get()
        waited += time.time() - t
        parts = run.update(*batch, done)
        if run.step % 50 == 0:
            print(f"{done:6.1%} step {run.step} size {run.size} scale {run.log_scale.exp().item():.1f} waited {waited:.0f} s, "
                  f"{(time.time() - begin) / run.step:.2f} s/step", {k: round(v, 3) for k, v in parts.items()}, flush=True)
        if int(done * 20) > last:
            last = int(done * 20)
            run.save()
    run.save()
    helper.terminate()


if __name__ == "__main__":
    main()
