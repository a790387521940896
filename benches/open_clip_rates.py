"""Measures open_clip's encoder of pictures with random weights on a device, as it is and compiled with
torch.compile: `python3 benches/open_clip_rates.py --model ViT-B-32 --device cuda:0 --batches 1,16,64`. Prints
JSON lines."""

import argparse
import json
import time
from collections.abc import Callable

import open_clip
import torch

SECONDS = 3.0


def fastest(device: torch.device, run: Callable[[], object]) -> float:
    """Seconds of the fastest of the runs in a few seconds, three at least."""

    def finished() -> None:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    finished()
    begin, best, runs = time.perf_counter(), float("inf"), 0
    while runs < 3 or time.perf_counter() - begin < SECONDS:
        start = time.perf_counter()
        finished()
        best = min(best, time.perf_counter() - start)
        runs += 1
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--device", type=torch.device, required=True)
    parser.add_argument("--batches", required=True)
    options = parser.parse_args()
    device = options.device
    kinds = {"bf16": torch.bfloat16}
    if device.type == "cuda":
        kinds["fp16"] = torch.float16
    side = open_clip.get_model_config(options.model)["vision_cfg"]["image_size"]
    with torch.device(device):
        visual = open_clip.create_model(options.model, device=device).visual.eval()
    for precision, kind in kinds.items():
        plain = visual.to(kind)
        for program, encoder in (("eager", plain), ("compiled", torch.compile(plain))):
            for batch in map(int, options.batches.split(",")):
                pictures = torch.randn(batch, 3, side, side, device=device).to(kind)
                with torch.inference_mode():
                    seconds = fastest(device, lambda: encoder(pictures))
                row = {"precision": precision, "program": program, "batch": batch}
                print(json.dumps({**row, "pictures_per_second": round(batch / seconds, 1)}), flush=True)


if __name__ == "__main__":
    main()
