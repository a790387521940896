#!/usr/bin/env bash
# Makes a release: `release.sh 0.4.0` sets the version everywhere, checks, makes the packages, commits, and tags v0.4.0.
# Nothing is pushed: it ends with the commands that do.
set -euo pipefail
cd "$(dirname "$0")/.."

version="${1:-}"
[[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || {
    echo "usage: scripts/release.sh MAJOR.MINOR.PATCH" >&2
    exit 2
}
stop() {
    echo "release: $1" >&2
    exit 1
}
[ -z "$(git status --porcelain)" ] || stop "there are uncommitted changes"
[ -z "$(git tag --list "v$version")" ] || stop "v$version is tagged already"
grep -q '^## Unreleased$' CHANGELOG.md || stop "CHANGELOG.md has no section '## Unreleased'"

sed -i "/^\[workspace.package\]/,/^\[/s/^version = \".*\"/version = \"$version\"/" Cargo.toml
sed -i "s/^## Unreleased$/## Unreleased\n\n## $version ($(date -u +%Y-%m-%d))/" CHANGELOG.md
# The lock file follows; nothing else of it changes.
cargo metadata --format-version 1 --offline >/dev/null
make openapi
.ci/run
scripts/package.sh archive wheel
git commit --quiet --all --message "Release $version"
git tag --annotate "v$version" --message "Clippy $version"
echo "release: v$version is tagged. To publish: git push origin main v$version, and upload the files of dist/"
