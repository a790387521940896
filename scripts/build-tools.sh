#!/usr/bin/env bash
# Looks for what a build needs, and says in one line what is missing and how to get it.
set -euo pipefail
missing() { echo "clippy: $1" >&2; exit 1; }
command -v cargo >/dev/null || missing "cargo is not installed: see https://rustup.rs (Rust 1.95 or newer)"
command -v python3 >/dev/null || missing "python3 is not installed; on Debian: apt-get install python3 python3-venv"
command -v c++ >/dev/null || missing "no C++ compiler is installed; on Debian: apt-get install g++"
