#!/usr/bin/env bash
# Prints where cargo puts the `clippy` binary of the everyday profile.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(cargo metadata --format-version 1 --no-deps --offline | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
echo "$folder/debug/clippy"
