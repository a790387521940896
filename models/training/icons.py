"""Subjects from openly licensed icon sets: one name, drawn by many hands. `python -m training.icons --packages DIR --gallery DIR --out DIR`.

The sets are npm packages of Iconify (`npm pack @iconify-json/NAME`, unpacked side by side below DIR). A name that several sets
draw is a subject; its drawings are written as a gallery folder that `load_icons` reads. Training never sees a subject that it is
judged on: a name that shares a word with any left-out subject's names, or is one of its keywords, is left out, too. So are the
subjects of the same emoji sets that the gallery's makers kept for themselves.
"""

import argparse
import glob
import hashlib
import json
import multiprocessing
import os
import re

import cv2
import numpy as np

from .gallery import (
    FULL,
    Item,
    fitted,
    name,
    never_seen,
    read_manifest,
    read_rgb,
    subjects,
    thicken,
    thin,
)

LICENCES = {"MIT", "Apache-2.0", "ISC", "CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "Unlicense"}
# Words of an icon's name that say how it is drawn, or that a badge sits in its corner, and not what it shows.
MANNERS = set(
    """fill filled outline outlined solid line linear bold broken duotone twotone two tone thin light regular rounded round
sharp fat alt icon ui flat color colored variant sm lg md small big large off add plus minus remove edit search settings check checked
x slash cancel block disabled on badge circle square rtl ltr sparkle dashed bulk 1 2 3 4 5 6 7 8 9 10 12 16 20 24 28 32 48 o e""".split()
)
# Words that many unlike subjects' names hold; two names that share one of these alone are not the same subject.
COMMON = set(
    """a an and at by down for from half in inside left new no not of off old on open or out over right sign the through to
under up upside with without""".split()
)
GALLERY_SETS = {"openmoji", "noto"}  # drawings that the gallery has already
DRAWINGS = 6  # of one subject, at most


def stem(word):
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def words(text):
    return [stem(w) for w in re.split(r"[^a-z0-9]+", text.lower()) if w]


def left_out(gallery, emoji):
    """Whole names and single words that no subject may have."""
    by, whole, single = subjects(gallery), set(), set()
    names, keywords = [], []
    for code in never_seen(gallery):
        for row in by[code].values():
            styles = len(row["matched_tags"])
            tags = [name(t) for t in row["tags_all"][: len(row["tags_all"]) - styles - 2]]
            names += tags[:2]
            keywords += tags[2:]
    for one in emoji:
        if kept_by_the_makers(one["hexcode"].lower()):
            names.append(one["label"])
            keywords += one.get("tags", [])
    for n in names:
        single |= set(words(n)) - COMMON
    whole = {" ".join(words(n)) for n in names + keywords}
    return whole, single


def kept_by_the_makers(code):
    """The gallery's own split: these emoji are in none of its folders."""
    return "-" not in code and int(hashlib.sha256(code.encode()).hexdigest(), 16) % 5 == 0


def subject_of(icon):
    return [w for w in words(icon) if w not in MANNERS]


def picture(icon, sheet, colour="#000"):
    """The icon on white, FULL x FULL, with a small margin."""
    import resvg_py  # here, since training reads the drawings without it

    w, h = (icon.get(k, sheet.get(k, 16)) for k in ("width", "height"))
    x, y, side = (
        icon.get("left", sheet.get("left", 0)),
        icon.get("top", sheet.get("top", 0)),
        max(w, h),
    )
    box = f"{x + w / 2 - side * 0.56} {y + h / 2 - side * 0.56} {side * 1.12} {side * 1.12}"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box}" '
        f'width="{FULL}" height="{FULL}" color="{colour}">{icon["body"]}</svg>'
    )
    png = resvg_py.svg_to_bytes(svg_string=svg, background="white", skip_system_fonts=True)
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


def read_packages(folder):
    """Set, its sheet of icons, and whether it draws emoji, of every package whose licence is open."""
    for path in sorted(glob.glob(os.path.join(folder, "*", "info.json"))):
        info, sheet = (
            json.load(open(os.path.join(os.path.dirname(path), f)))
            for f in ("info.json", "icons.json")
        )
        if info["license"].get("spdx") in LICENCES and info["prefix"] not in GALLERY_SETS:
            yield info["prefix"], sheet, info.get("category") == "Emoji"


def plan(packages, gallery, emoji):
    """Subject -> (words, drawings as (set, icon, sheet)). Emoji are those of the gallery that training may see, by their names."""
    whole, single = left_out(gallery, emoji)
    by, unseen = subjects(gallery), never_seen(gallery)
    seen = {}
    for code in by.keys() - unseen:
        row = next(iter(by[code].values()))
        seen[" ".join(words(row["tags_all"][0]))] = row["tags_all"][: -len(row["matched_tags"])]
    by_name, refused = {}, set()
    for prefix, sheet, draws_emoji in read_packages(packages):
        for icon, body in sheet["icons"].items():
            about = words(icon) if draws_emoji else subject_of(icon)
            key, called = " ".join(sorted(about)), " ".join(about)
            if body.get("hidden") or (draws_emoji and called not in seen):
                continue
            if draws_emoji:
                by_name.setdefault("emoji " + called, (seen[called], []))[1].append(
                    (prefix, icon, sheet)
                )
            elif not about or len(about) > 3 or all(len(w) < 3 for w in about):
                continue
            elif single & set(about) or called in whole:
                refused.add(key)
            else:
                by_name.setdefault(key, ([called] + key.split(), []))[1].append(
                    (prefix, icon, sheet)
                )
    out = {
        key: (tags, drawings)
        for key, (tags, drawings) in by_name.items()
        if len({d[0] for d in drawings}) >= 2
    }
    emoji_count = sum(key.startswith("emoji ") for key in out)
    print(
        f"{emoji_count} emoji and {len(out) - emoji_count} names that two sets or more draw; {len(refused)} names refused"
    )
    return out


def write_subject(job):
    key, (tags, drawings), out = job
    by_set = {}
    for prefix, icon, sheet in drawings:
        by_set.setdefault(prefix, []).append((icon, sheet))
    # Sets take turns, so that the drawings of a subject come from as many hands as possible.
    turns = [
        (prefix, i, *by_set[prefix][i])
        for prefix in by_set
        for i in range(min(2, len(by_set[prefix])))
    ]
    turns.sort(key=lambda t: (t[1], hashlib.md5((key + t[0]).encode()).hexdigest()))
    lines, seen = [], set()
    folder = hashlib.md5(key.encode()).hexdigest()[:12]
    for prefix, _, icon, sheet in turns:
        try:
            p = picture(sheet["icons"][icon], sheet)
        except Exception as e:  # some bodies hold what the renderer does not draw
            print("left out", prefix, icon, e)
            continue
        small = cv2.resize(p, (32, 32), interpolation=cv2.INTER_AREA)
        mark = (small.mean(-1) < 200).tobytes()
        ink = (p.min(-1) < 200).mean()
        if mark in seen or not 0.01 < ink < 0.8:
            continue
        seen.add(mark)
        os.makedirs(os.path.join(out, folder), exist_ok=True)
        path = f"{folder}/{len(lines)}.png"
        cv2.imwrite(os.path.join(out, path), p)
        lines.append(
            dict(subject=key, style=prefix, local_path=path, tags_all=tags, matched_tags=[])
        )
        if len(lines) == DRAWINGS:
            break
    return lines if len(lines) >= 2 else []


def coloured(rgb):
    """A drawing in one colour, painted as in a colouring book: its lines in one colour, each closed field in another."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if np.ptp(rgb.astype(np.int16), axis=-1).max() > 12 or np.random.rand() < 0.4:
        return rgb
    ink = (255 - grey)[:, :, None].astype(np.float32) / 255
    count, fields = cv2.connectedComponents((grey > 128).astype(np.uint8), connectivity=4)
    colours = np.random.uniform(0, 255, (count + 1, 3))
    colours[[0, fields[0, 0]]] = 255
    colours[np.random.rand(count + 1) < 0.2] = 255
    line = np.random.uniform(0, 170, 3) if np.random.rand() < 0.7 else np.zeros(3)
    inside = cv2.medianBlur(fields.astype(np.uint8), 5) if count < 250 else fields
    return (colours[inside] * (1 - ink) + line * ink).astype(np.uint8)


def load_icons(folder):
    """The subjects that `write` stored. The thinnest drawing in black stands for the line drawing."""
    items = []
    for rows in subjects_of(folder).values():
        pictures = [fitted(read_rgb(os.path.join(folder, r["local_path"]))) for r in rows]
        greys = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in pictures]
        thickness = [
            cv2.distanceTransform((g < 128).astype(np.uint8), cv2.DIST_L2, 3).max() for g in greys
        ]
        line = greys[int(np.argmin(thickness))]
        if min(thickness) < 14:
            bones = thin(line < 128)
            inks = [
                255 - line,
                thicken(bones, 2),
                thicken(bones, 3),
                thicken(bones, 4),
                thicken(bones, 6),
            ]
        else:
            edge = cv2.Canny(line, 60, 140)
            inks = [thicken(edge // 255, w) for w in (3, 2, 4, 6)]
        items.append(Item([coloured(p) for p in pictures], inks, [rows[0]["tags_all"]], None))
    return items


def subjects_of(folder):
    by = {}
    for r in read_manifest(folder):
        by.setdefault(r["subject"], []).append(r)
    return by


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--packages", required=True, help="folder of unpacked @iconify-json packages")
    p.add_argument(
        "--emoji",
        required=True,
        help="emojibase-data's en/data.json: names of the emoji that the gallery's makers keep",
    )
    p.add_argument("--gallery", required=True, help="gallery folder")
    p.add_argument("--out", required=True, help="folder for the drawings")
    args = p.parse_args()
    with open(args.emoji) as f:
        jobs = plan(args.packages, args.gallery, json.load(f))
    os.makedirs(args.out, exist_ok=True)
    with multiprocessing.Pool() as pool, open(os.path.join(args.out, "manifest.jsonl"), "w") as f:
        kept = 0
        for lines in pool.imap_unordered(
            write_subject, ((k, v, args.out) for k, v in sorted(jobs.items())), 32
        ):
            kept += bool(lines)
            f.writelines(json.dumps(line) + "\n" for line in lines)
    print(f"{kept} subjects written")


if __name__ == "__main__":
    main()
