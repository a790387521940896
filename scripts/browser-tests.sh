#!/usr/bin/env bash
# Works with the program that was built, in a real browser. CLIPPY_SCREENSHOTS=FOLDER keeps pictures of each view.
# CLIPPY_DATA=FOLDER keeps the demo gallery between runs.
set -euo pipefail
cd "$(dirname "$0")/.."
CLIPPY_PROGRAM="${CLIPPY_PROGRAM:-$(scripts/program.sh)}"
export CLIPPY_PROGRAM
cd tests/browser
npm ci --no-audit --no-fund --loglevel=error >&2
exec npm test --silent
