#!/usr/bin/env bash
# Measures the encoder on a GPU: ViT-B-32, ViT-H-14 and ViT-bigG-14 with random weights, in fp16 and bf16, as a
# share of a large matrix product, beside open_clip in Python, as it is and compiled. Takes less than ten minutes.
#
#     LIBTORCH_USE_PYTORCH=1 benches/gpu.sh [cuda:0]
#
# Needs PyTorch 2.11 with CUDA and open_clip_torch 3.3 in `python3`. `benches/gpu.sh cpu ViT-B-32` rehearses it on
# the CPU.
set -euo pipefail
cd "$(dirname "$0")/.."
device="${1:-cuda:0}"
models=("${@:2}")
[ ${#models[@]} -gt 0 ] || models=(ViT-B-32 ViT-H-14 ViT-bigG-14)
[ "$device" = cpu ] && batches=1,4 || batches=1,16,64,256
[ "$device" = cpu ] || nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader

cargo build --workspace --bins --tests --bench encoder
target="${CARGO_TARGET_DIR:-target}"
bench="$(find "$target/debug/deps" -name 'encoder-*' -type f -executable -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2)"
libraries="$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')"
for model in "${models[@]}"; do
    echo "== $model: Clippy"
    LD_LIBRARY_PATH="${LIBTORCH:+$LIBTORCH/lib:}$libraries" CLIPPY_ENCODER_MODEL="$model" \
        CLIPPY_ENCODER_DEVICE="$device" CLIPPY_ENCODER_BATCHES="$batches" "$bench" --bench
    echo "== $model: open_clip"
    python3 benches/open_clip_rates.py --model "$model" --device "$device" --batches "$batches"
done
