"""Writes queries on subjects that the model has never seen, for `clippy eval`: `python -m training.queries --gallery DIR --out DIR`.

Three kinds: `line` (the black line drawing of a subject), `hand` (the same as from a drawing pad, by training.evaluate's simulation
and, where the gallery has one, its own hand-like sketch) and `text` (the subject's name). The line drawing itself is left out of the answers.
"""
import argparse
import json
import os

import cv2

from .evaluate import hand_like
from .gallery import LINE_STYLE, is_held_out, read_rgb, subjects


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gallery", required=True)
    p.add_argument("--out", required=True)
    args = p.parse_args()
    os.makedirs(os.path.join(args.out, "hand"), exist_ok=True)
    by = subjects(args.gallery)
    own = {}
    with open(os.path.join(args.gallery, "sketches", "sketches.jsonl")) as f:
        for line in map(json.loads, f):
            own[line["subject"]] = os.path.join(args.gallery, "sketches", line["image"])
    with open(os.path.join(args.out, "queries.jsonl"), "w") as f:
        for code in sorted(c for c in by if is_held_out(c)):
            black = by[code][LINE_STYLE]
            ids = sorted(r["id"] for r in by[code].values())
            path = os.path.abspath(os.path.join(args.gallery, black["local_path"]))
            drawing = {"relevant": [i for i in ids if i != black["id"]], "exclude": [black["id"]], "subject": code}
            lines = [{"kind": "line", "image": path, **drawing}]
            file = os.path.join("hand", f"{code}.png")
            cv2.imwrite(os.path.join(args.out, file), hand_like(read_rgb(path), int(code, 16))[:, :, ::-1])
            lines.append({"kind": "hand", "image": file, **drawing})
            if code in own:
                lines.append({"kind": "hand", "image": os.path.abspath(own[code]), **drawing})
            lines.append({"kind": "text", "text": black["tags_all"][0].replace("_", " "), "relevant": ids, "subject": code})
            f.writelines(json.dumps(line) + "\n" for line in lines)


if __name__ == "__main__":
    main()
