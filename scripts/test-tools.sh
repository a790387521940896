#!/usr/bin/env bash
# Installs what the tests need beside the build: Chromium, which opens the page. As root on Debian it is installed
# with apt; otherwise one line says what to install.
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

command -v chromium >/dev/null || command -v google-chrome >/dev/null || install "a browser that opens the page" chromium fonts-dejavu-core
