"""Pictures by style, for the style head: `python -m training.style_sets --gallery DIR --packages DIR --emoji FILE --avatars DIR --drawings DIR --out DIR`.

A style is one artist's set, or one variant of it (outline and solid are two). The pictures come from the gallery's styles, from the
project's own drawings, from icon and emoji sets (npm packages of Iconify, as training.icons reads them) and from avatars
(`avatars.mjs`). Pictures that have to be drawn are written below `--out`; the manifest there lists all of them.
Subjects that training leaves out are left out here, too, by the same rules as in training.icons.
"""

import argparse
import glob
import hashlib
import json
import multiprocessing
import os

import cv2
import numpy as np

from . import icons
from .gallery import FULL, name, never_seen, read_manifest, subjects

PICTURES = 150  # of one style, at most
FEWEST = 24  # a variant with fewer pictures is no style
# Words that tell the variants of a set apart where its package does not list them.
VARIANTS = {
    "fill": "fill",
    "filled": "fill",
    "solid": "fill",
    "outline": "outline",
    "outlined": "outline",
    "line": "outline",
    "linear": "outline",
    "duotone": "duotone",
    "twotone": "duotone",
    "bold": "bold",
    "broken": "broken",
    "thin": "thin",
    "light": "light",
    "sharp": "sharp",
    "rounded": "rounded",
    "round": "rounded",
}
LICENCES = icons.LICENCES | {"CC-BY-SA-4.0"}
EMOJI = {"fluent-emoji"}  # sets of emoji that their package does not call so
# The gallery has these sets already.
LEFT_OUT = {"openmoji", "noto", "twemoji", "fluent-emoji-flat", "fluent-emoji-high-contrast"}


def digest(text):
    return hashlib.md5(text.encode()).hexdigest()


def gallery_lines(folder, left_out):
    for row in read_manifest(folder):
        if row["subject"] not in left_out:
            path = os.path.abspath(os.path.join(folder, row["local_path"]))
            yield dict(kind="gallery", style=row["style"], subject=row["subject"], path=path)


def drawing_lines(folder, gallery, left_out):
    """The project's own drawings, without those that are called as a subject that training leaves out."""
    by = subjects(gallery)
    held = {name(t) for c in left_out for r in by[c].values() for t in r["tags_all"][:2]}
    for row in read_manifest(folder):
        if name(row["subject"]) not in held:
            path = os.path.abspath(os.path.join(folder, row["local_path"]))
            yield dict(kind="drawings", style=row["style"], subject=row["subject"], path=path)


def variant(icon, listed):
    """Which of a set's variants an icon is, by the package's own list of name parts or else by the words of its name."""
    prefixes, suffixes = (listed.get(k) or {} for k in ("prefixes", "suffixes"))
    for part in sorted(prefixes, key=len, reverse=True):
        if part and icon.startswith(part + "-"):
            return part
    for part in sorted(suffixes, key=len, reverse=True):
        if part and icon.endswith("-" + part):
            return part
    if prefixes or suffixes:
        return ""
    return " ".join(sorted({VARIANTS[w] for w in icon.split("-") if w in VARIANTS}))


def package_jobs(folder, gallery, emoji):
    """(style, subject, icon, sizes) of every icon that training may see; the same subjects first in every set."""
    whole, single = icons.left_out(gallery, emoji)
    by, unseen = subjects(gallery), never_seen(gallery)
    called = lambda c: " ".join(icons.words(next(iter(by[c].values()))["tags_all"][0]))
    seen = {called(c): c for c in sorted(by.keys() - unseen)}
    for code in unseen:  # "houses" is read as "house", which must not be seen
        seen.pop(called(code), None)
    for path in sorted(glob.glob(os.path.join(folder, "*", "info.json"))):
        here = os.path.dirname(path)
        info, sheet = (json.load(open(os.path.join(here, f))) for f in ("info.json", "icons.json"))
        if info["license"].get("spdx") not in LICENCES or info["prefix"] in LEFT_OUT:
            continue
        meta = os.path.join(here, "metadata.json")
        listed = json.load(open(meta)) if os.path.exists(meta) else {}
        draws_emoji = info.get("category") == "Emoji" or info["prefix"] in EMOJI
        styles = {}
        for icon, body in sheet["icons"].items():
            about = icons.words(icon) if draws_emoji else icons.subject_of(icon)
            text = " ".join(about)
            if body.get("hidden") or (draws_emoji and text not in seen):
                continue
            if not draws_emoji and (not about or single & set(about) or text in whole):
                continue
            subject = seen[text] if draws_emoji else " ".join(sorted(about))
            kind = "" if draws_emoji else variant(icon, listed)
            styles.setdefault(kind, {}).setdefault(subject, icon)
        for kind, drawings in sorted(styles.items()):
            if len(drawings) < FEWEST:
                continue
            style = info["prefix"] + (":" + kind if kind else "")
            for subject in sorted(drawings, key=digest)[: PICTURES * 5 // 4]:
                own = {k: v for k, v in sheet.items() if k in ("width", "height", "left", "top")}
                yield style, subject, sheet["icons"][drawings[subject]], own


def draw_icon(job):
    (style, subject, icon, sheet), out = job
    try:
        picture = icons.picture(icon, sheet)
    except Exception:  # some bodies hold what the renderer does not draw
        return None
    return stored(picture, out, "icons", style, subject)


def draw_avatar(job):
    import resvg_py  # here, since training reads the drawings without it

    (style, file), out = job
    png = resvg_py.svg_to_bytes(
        svg_string=open(file).read(), background="white", skip_system_fonts=True, width=FULL, height=FULL
    )
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    return stored(picture, out, "avatars", style, os.path.basename(file).split(".")[0])


def stored(picture, out, kind, style, subject):
    ink = (picture.min(-1) < 200).mean()
    if ink < 0.01:
        return None
    folder = os.path.join(out, digest(style)[:12])
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, digest(subject)[:16] + ".png")
    cv2.imwrite(path, picture)
    return dict(kind=kind, style=style, subject=subject, path=os.path.abspath(path))


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--gallery", required=True, help="gallery folder")
    p.add_argument("--packages", required=True, help="folder of unpacked @iconify-json packages")
    p.add_argument("--emoji", required=True, help="emojibase-data's en/data.json")
    p.add_argument("--avatars", required=True, help="folder that avatars.mjs wrote")
    p.add_argument("--drawings", required=True, help="folder that `clippy demo` drew")
    p.add_argument("--out", required=True, help="folder for drawn pictures and the manifest")
    args = p.parse_args()
    left_out = never_seen(args.gallery)
    lines = list(gallery_lines(args.gallery, left_out))
    lines += drawing_lines(args.drawings, args.gallery, left_out)
    with open(args.emoji) as f:
        jobs = list(package_jobs(args.packages, args.gallery, json.load(f)))
    files = sorted(glob.glob(os.path.join(args.avatars, "*", "*.svg")))
    avatars = [(os.path.basename(os.path.dirname(f)), f) for f in files]
    with multiprocessing.Pool() as pool:
        drawn = pool.map(draw_icon, [(j, args.out) for j in jobs], 64)
        drawn += pool.map(draw_avatar, [(a, args.out) for a in avatars], 64)
    count = {}
    for line in filter(None, drawn):
        count[line["style"]] = count.get(line["style"], 0) + 1
        if count[line["style"]] <= PICTURES:
            lines.append(line)
    with open(os.path.join(args.out, "manifest.jsonl"), "w") as f:
        f.writelines(json.dumps(line) + "\n" for line in lines)
    print(f"{len(lines)} pictures in {len({(l['kind'], l['style']) for l in lines})} styles")


if __name__ == "__main__":
    main()
