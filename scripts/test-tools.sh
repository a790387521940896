#!/usr/bin/env bash
# Installs what the tests need beside the build: a browser, which opens the page, and redis-server, which the tests of
# jobs start on free ports. As root on Debian they are installed with apt; otherwise one line says what to install.
# Two cargo commands of the gates are built once into the user's cache: cargo-machete and cargo-deny.
set -euo pipefail

install() { # NAME PACKAGES…: what the packages are for, and their names
    local purpose=$1
    shift
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "clippy: installing $* ($purpose)" >&2
        log=$(mktemp)
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 || {
            tail -n 20 "$log" >&2
            echo "clippy: apt-get could not install $*" >&2
            exit 1
        }
    else
        echo "clippy: the tests need $purpose; on Debian: apt-get install $*" >&2
        exit 1
    fi
}

cargo_tools="${XDG_CACHE_HOME:-$HOME/.cache}/clippy/tools"

install_cargo() { # NAME VERSION: not optimised, since it runs for a second and is compiled for minutes otherwise
    command -v "$1" >/dev/null && return
    [ -e "$cargo_tools/bin/$1" ] && grep -qs "\"$1 $2 " "$cargo_tools/.crates.toml" && return
    echo "clippy: building $1 $2 into $cargo_tools (once)" >&2
    CARGO_TARGET_DIR="$cargo_tools/target" cargo install --quiet --locked --debug --root "$cargo_tools" --version "$2" "$1"
    rm -rf "$cargo_tools/target"
}

for tool in "$@"; do
    case $tool in
    browser)
        command -v chromium >/dev/null || command -v google-chrome >/dev/null ||
            install "a browser that opens the page" chromium fonts-dejavu-core
        ;;
    redis)
        command -v redis-server >/dev/null || install "redis-server, which the tests of jobs start" redis-server
        ;;
    machete) install_cargo cargo-machete 0.9.2 ;;
    deny) install_cargo cargo-deny 0.20.2 ;;
    folder) echo "$cargo_tools/bin" ;;
    *)
        echo "clippy: $0 knows browser, redis, machete, deny and folder, not $tool" >&2
        exit 2
        ;;
    esac
done
