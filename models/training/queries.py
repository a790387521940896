"""Writes queries on subjects that the model has never seen, for `clippy eval`: `python -m training.queries --gallery DIR --out DIR`.

Four kinds: `line` (the black line drawing of a subject), `simulated` (the same as from a drawing pad, by training.evaluate), `text` (the subject's
name), and `hand` (the gallery's own hand-like sketches, all of subjects that training left out). The line drawing itself is left out of the answers;
where another subject has the same one (red heart and growing heart), its pictures are answers too.
"""

import argparse
import json
import os

import cv2
import numpy as np

from .evaluate import hand_like
from .gallery import LINE_STYLE, is_held_out, read_rgb, sketched, small, subjects


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--gallery", required=True)
    p.add_argument("--out", required=True)
    args = p.parse_args()
    os.makedirs(os.path.join(args.out, "hand"), exist_ok=True)
    by = subjects(args.gallery)
    same = same_drawings(args.gallery, by)
    with open(os.path.join(args.out, "queries.jsonl"), "w") as f:
        for code in sorted(c for c in by if is_held_out(c)):
            black, drawing = by[code][LINE_STYLE], answers(by, same, code)
            path = os.path.abspath(os.path.join(args.gallery, black["local_path"]))
            file = os.path.join("hand", f"{code}.png")
            cv2.imwrite(
                os.path.join(args.out, file), hand_like(read_rgb(path), int(code, 16))[:, :, ::-1]
            )
            everything = sorted(r["id"] for r in by[code].values())
            lines = [
                {"kind": "line", "image": path, **drawing},
                {"kind": "simulated", "image": file, **drawing},
                {
                    "kind": "text",
                    "text": black["tags_all"][0].replace("_", " "),
                    "relevant": everything,
                    "subject": code,
                },
            ]
            f.writelines(json.dumps(line) + "\n" for line in lines)
        for own in sketched(args.gallery):
            path = os.path.abspath(os.path.join(args.gallery, "sketches", own["image"]))
            f.write(
                json.dumps({"kind": "hand", "image": path, **answers(by, same, own["subject"])})
                + "\n"
            )


def same_drawings(gallery, by):
    """The subjects that share a line drawing, by subject: small, two of them differ by the noise of their rendering."""
    codes = sorted(by)
    grey = lambda code: cv2.cvtColor(
        read_rgb(os.path.join(gallery, by[code][LINE_STYLE]["local_path"])), cv2.COLOR_RGB2GRAY
    )
    drawings = np.float32([small(grey(code), 56).ravel() for code in codes])
    return {
        code: [codes[i] for i in np.where(((drawings - drawing) ** 2).mean(1) < 4)[0]]
        for code, drawing in zip(codes, drawings)
    }


def answers(by, same, code):
    """The pictures that a drawing of the subject should find, without the line drawings that it is made from."""
    ids = lambda line: sorted(
        r["id"] for c in same[code] for r in by[c].values() if (r["style"] == LINE_STYLE) == line
    )
    return {"relevant": ids(False), "exclude": ids(True), "subject": code}


if __name__ == "__main__":
    main()
