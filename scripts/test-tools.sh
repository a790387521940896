#!/usr/bin/env bash
# Installs what the tests need beside the build: a browser, which opens the page, and redis-server, which the tests of
# jobs start on free ports. As root on Debian they are installed with apt; otherwise one line says what to install.
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

for tool in "$@"; do
    case $tool in
    browser)
        command -v chromium >/dev/null || command -v google-chrome >/dev/null ||
            install "a browser that opens the page" chromium fonts-dejavu-core
        ;;
    redis)
        command -v redis-server >/dev/null || install "redis-server, which the tests of jobs start" redis-server
        ;;
    *)
        echo "clippy: $0 knows browser and redis, not $tool" >&2
        exit 2
        ;;
    esac
done
