"""Compares Clippy's encoder of pictures with open_clip in Python and with OpenVINO: the same machine, the same
random weights of ViT-B-32, the same threads, in one run. Prints a table: pictures a second, and the share of
the speed of one large matrix product (torch.matmul of 2048 x 2048 in that precision).

    cargo build --profile dev --workspace --bench encoder   # prints nothing; see target/debug/deps/encoder-*
    pip install torch==2.11.0 open_clip_torch==3.3.0 openvino safetensors
    python3 benches/encoder.py --bench target/debug/deps/encoder-XXXX [--threads 1]
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import open_clip
import openvino
import torch
from safetensors.torch import save_file

MODEL = "ViT-B-32"
BATCHES = (1, 2, 4, 16, 32)
SIDE = 2048
SECONDS = 3.0
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def fastest(run: Callable[[], object]) -> float:
    """Seconds of the fastest of the runs in a few seconds, three at least."""
    run()
    begin, best, runs = time.perf_counter(), float("inf"), 0
    while runs < 3 or time.perf_counter() - begin < SECONDS:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
        runs += 1
    return best


def product(kind: torch.dtype) -> float:
    left, right = (torch.randn(SIDE, SIDE).to(kind) for _ in range(2))
    return 2 * SIDE**3 / fastest(lambda: left @ right) / 1e9


def operations() -> float:
    """Products and sums for one picture: all tokens in all blocks."""
    patches, width, layers = 49, 768, 12
    tokens = patches + 1
    blocks = layers * (12 * tokens * width * width + 2 * tokens * tokens * width)
    return 2 * (patches * 3 * 32 * 32 * width + blocks)


def save(model: torch.nn.Module, folder: Path) -> None:
    """Writes the model as Clippy reads it."""
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    tensors.pop("attn_mask", None)
    save_file(tensors, folder / "open_clip_model.safetensors")
    config = {"model_cfg": open_clip.get_model_config(MODEL), "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))


def python_rates(model: torch.nn.Module, kind: torch.dtype) -> dict[int, float]:
    visual = model.visual.to(kind)
    rates = {}
    with torch.inference_mode():
        for batch in BATCHES:
            pictures = torch.randn(batch, 3, 224, 224).to(kind)
            rates[batch] = batch / fastest(lambda pictures=pictures: visual(pictures))
    model.visual.float()
    return rates


def openvino_rates(model: torch.nn.Module, precision: str, threads: int) -> dict[int, float]:
    rates = {}
    for batch in BATCHES:
        pictures = torch.randn(batch, 3, 224, 224)
        with torch.no_grad():
            traced = torch.jit.trace(model.visual, pictures, check_trace=False)
        converted = openvino.convert_model(traced, input=[batch, 3, 224, 224])
        hint = {"fp32": "f32", "bf16": "bf16"}[precision]
        options = {
            "INFERENCE_PRECISION_HINT": hint,
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        compiled = openvino.compile_model(converted, "CPU", options)
        request, values = compiled.create_infer_request(), pictures.numpy()
        rates[batch] = batch / fastest(lambda: request.infer({0: values}))
    return rates


def clippy_rates(bench: Path, folder: Path, threads: int) -> dict[str, dict[int, float]]:
    environment = dict(
        os.environ, CLIPPY_ENCODER_MODEL=str(folder), CLIPPY_ENCODER_THREADS=str(threads)
    )
    output = subprocess.run(
        [bench, "--bench"], check=True, capture_output=True, text=True, env=environment
    ).stdout
    rates: dict[str, dict[int, float]] = {}
    for line in map(json.loads, output.splitlines()):
        if line["measure"] == "encoder":
            rates.setdefault(line["precision"], {})[line["batch"]] = line["pictures_per_second"]
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(7)
    model = open_clip.create_model(MODEL).eval()
    with tempfile.TemporaryDirectory() as base:
        save(model, Path(base))
        of_clippy = clippy_rates(options.bench.resolve(), Path(base), options.threads)
    for precision, kind in PRECISIONS.items():
        if precision not in of_clippy:
            continue
        speed = product(kind)
        print(f"{precision}: the product has {speed:.0f} GFLOP/s")
        programs = {
            "clippy": of_clippy[precision],
            "open_clip": python_rates(model, kind),
            "OpenVINO": openvino_rates(model, precision, options.threads),
        }
        print("| batch |", " | ".join(programs), "|")
        for batch in BATCHES:
            cells = [
                f"{rates[batch]:.1f} ({rates[batch] * operations() / 1e9 / speed:.2f})"
                for rates in programs.values()
            ]
            print(f"| {batch} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
