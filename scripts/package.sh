#!/usr/bin/env bash
# Makes what is installed without Rust, into dist/:
#
#   package.sh archive   clippy-VERSION-SYSTEM/ and .tar.gz: the program, its model and libtorch for CPUs
#   package.sh wheel     clippy_studio-VERSION-….whl: the program and its model; PyTorch's wheel brings libtorch
#
# CLIPPY_PROFILE names the cargo profile (release). The client is built first; without Node the plain page is served.
set -euo pipefail
cd "$(dirname "$0")/.."

profile="${CLIPPY_PROFILE:-release}"
maturin_version=1.16.0
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
system="$(uname -m)-$(uname -s | tr '[:upper:]' '[:lower:]')"
dist="${CLIPPY_DIST:-dist}"

LIBTORCH="$(scripts/libtorch.sh)"
export LIBTORCH
# Run paths that hold wherever it is unpacked; see cli/build.rs.
export CLIPPY_PORTABLE=1

target_folder() { cargo metadata --format-version 1 --no-deps --offline | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])'; }

# The libraries of libtorch's own wheels that a program needs on a CPU: found by walking what each one asks for.
copy_libtorch() { # PROGRAM FOLDER
    local root="${LIBTORCH%/torch}" names
    names=$(ldd "$1" | awk '/not found/ {print $1 > "/dev/stderr"; bad = 1} /=>/ {print $3} END {exit bad}')
    while read -r library; do
        case $library in "$root"/*) cp --dereference "$library" "$2/" ;; esac
    done <<<"$names"
}

make_archive() {
    scripts/client.sh optional
    cargo build --locked --workspace --profile "$profile" --bin clippy
    local folder name="clippy-$version-$system"
    folder=$(target_folder)/$([ "$profile" = dev ] && echo debug || echo "$profile")
    rm -rf "$dist/$name"
    mkdir -p "$dist/$name"/{bin,lib/clippy,share/clippy/models}
    install -m 755 "$folder/clippy" "$dist/$name/bin/"
    cp -r models/clippy-small "$dist/$name/share/clippy/models/"
    cp LICENSE README.md "$dist/$name/share/clippy/"
    LD_LIBRARY_PATH="$LIBTORCH/lib" copy_libtorch "$folder/clippy" "$dist/$name/lib/clippy"
    "$dist/$name/bin/clippy" --version
    tar -C "$dist" -czf "$dist/$name.tar.gz" "$name"
    echo "$dist/$name.tar.gz"
}

make_wheel() {
    scripts/client.sh optional
    local tools glibc data=target/wheel-data/data/share/clippy/models
    tools="${XDG_CACHE_HOME:-$HOME/.cache}/clippy/maturin-$maturin_version"
    [ -x "$tools/bin/maturin" ] || {
        python3 -m venv "$tools"
        "$tools/bin/python" -m pip install --quiet --disable-pip-version-check "maturin==$maturin_version"
    }
    rm -rf target/wheel-data
    mkdir -p "$data"
    cp -r models/clippy-small "$data/"
    # What this system's C library is, and not more: the wheel does not install where it could not start.
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | awk '{print $2}' | tr . _)
    "$tools/bin/maturin" build --locked --manifest-path cli/Cargo.toml --profile "$profile" --out "$dist" \
        --strip ${glibc:+--compatibility "manylinux_$glibc"}
}

[ $# -gt 0 ] || set -- archive wheel
for product in "$@"; do
    case $product in
    archive) make_archive ;;
    wheel) make_wheel ;;
    *)
        echo "package.sh makes archive and wheel, not $product" >&2
        exit 2
        ;;
    esac
done
