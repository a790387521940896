#!/usr/bin/env bash
# Makes sure that libtorch 2.11.0 is there and prints the folder to use as LIBTORCH.
#
# An existing LIBTORCH, or LIBTORCH_USE_PYTORCH, wins: then nothing is installed. Otherwise the CPU part of
# PyTorch's own wheel goes into a virtual environment in the user's cache, which every checkout shares. The wheel
# is installed without its CUDA libraries (4 GB less); a machine with a GPU sets LIBTORCH_USE_PYTORCH=1 and
# brings its own PyTorch 2.11.0.
set -euo pipefail
version=2.11.0

if [ -n "${LIBTORCH:-}" ]; then
    echo "$LIBTORCH"
    exit
fi

venv="${XDG_CACHE_HOME:-$HOME/.cache}/clippy/libtorch-$version"
find_torch() { for folder in "$venv"/lib/python3*/site-packages/torch; do [ -e "$folder/lib/libtorch_cpu.so" ] && echo "$folder"; done; }

if [ ! -e "$venv/.complete" ]; then
    echo "clippy: installing libtorch $version into $venv (1.2 GB, once)" >&2
    rm -rf "$venv"
    python3 -m venv "$venv" || {
        echo "clippy: python3 cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2
        exit 1
    }
    packages=("torch==$version")
    # torch's own CPU libraries link these two; the other CUDA packages are only needed on a GPU.
    [ "$(uname -sm)" = "Linux x86_64" ] && packages+=('nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cupti==13.0.*')
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "${packages[@]}" >&2
    touch "$venv/.complete"
fi
find_torch
