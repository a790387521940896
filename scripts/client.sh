#!/usr/bin/env bash
# Builds the artist's client into web/dist, where the server's build takes it from. Does nothing while it is as new as
# what it is made from. Without Node 20, `client.sh optional` says so and leaves the plain page; `client.sh` alone fails.
set -euo pipefail
cd "$(dirname "$0")/../web"

fit() { command -v npm >/dev/null && node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'; }
if ! fit; then
    echo "clippy: the artist's client needs Node 20.19 or newer (https://nodejs.org)${1:+; without it the server shows its plain page}" >&2
    [ "${1:-}" = optional ] && exit 0
    exit 1
fi

packages=node_modules/.package-lock.json
if [ ! -e "$packages" ] || [ package-lock.json -nt "$packages" ]; then
    npm ci --no-audit --no-fund --loglevel=error >&2
    touch "$packages"
fi
built=dist/client/index.html
if [ ! -e "$built" ] || [ -n "$(find src public scripts index.html openapi.json package.json package-lock.json vite.config.ts tsconfig.json -newer "$built" -not -name schema.d.ts -type f -print -quit)" ]; then
    npm run --silent build >&2
fi
