#!/usr/bin/env python3
"""Checks the direction of dependencies between Clippy's own crates, from `cargo metadata`.

A crate may use those that are listed for it below, and no others (ARCHITECTURE.md). libtorch stands in
one manifest, the clip crate's, and the queue's engine in one, the jobs crate's.
"""

import json
import subprocess
import sys

ALLOWED = {
    "clippy-common": set(),
    "clippy-core": {"clippy-common"},
    "clippy-drawings": {"clippy-common"},
    "clippy-fake-qdrant": {"clippy-common"},
    "clippy-layout": set(),
    "clippy-fetch": {"clippy-common", "clippy-http"},
    "clippy-http": set(),
    "clippy-watch": {"clippy-common"},
    "clippy-imaging": {"clippy-core"},
    "clippy-library": {"clippy-common", "clippy-core", "clippy-imaging"},
    "clippy-gallery-contract": {"clippy-core", "clippy-testing"},
    "clippy-jobs-contract": {"clippy-core", "clippy-jobs", "clippy-testing"},
    "clippy-testing": {"clippy-core", "clippy-http"},
    "clippy-clip": {"clippy-common", "clippy-core", "clippy-http"},
    "clippy-jobs": {"clippy-common", "clippy-core"},
    "clippy-remote": {"clippy-core", "clippy-http"},
    "clippy-painter": {"clippy-imaging"},
    "clippy-generate": {
        "clippy-common",
        "clippy-core",
        "clippy-http",
        "clippy-imaging",
        "clippy-painter",
    },
    "clippy-search": {"clippy-core", "clippy-imaging"},
    "clippy-tagging": {"clippy-common", "clippy-core"},
    "clippy-keeping": {"clippy-core", "clippy-tagging"},
    "clippy-gallery": {"clippy-common", "clippy-core", "clippy-imaging"},
    "clippy-transfer": {"clippy-common", "clippy-core"},
    "clippy-history": {"clippy-core", "clippy-generate", "clippy-jobs"},
    "clippy-worker": {
        "clippy-history",
        "clippy-common",
        "clippy-watch",
        "clippy-core",
        "clippy-fetch",
        "clippy-imaging",
        "clippy-jobs",
        "clippy-layout",
        "clippy-library",
        "clippy-search",
        "clippy-keeping",
        "clippy-tagging",
        "clippy-generate",
    },
    "clippy-api": {
        "clippy-history",
        "clippy-common",
        "clippy-core",
        "clippy-imaging",
        "clippy-jobs",
        "clippy-library",
        "clippy-search",
        "clippy-keeping",
        "clippy-tagging",
        "clippy-generate",
        "clippy-remote",
        "clippy-transfer",
    },
    "clippy-cli": {
        "clippy-history",
        "clippy-common",
        "clippy-core",
        "clippy-imaging",
        "clippy-clip",
        "clippy-search",
        "clippy-keeping",
        "clippy-tagging",
        "clippy-gallery",
        "clippy-drawings",
        "clippy-fetch",
        "clippy-http",
        "clippy-jobs",
        "clippy-library",
        "clippy-generate",
        "clippy-remote",
        "clippy-watch",
        "clippy-transfer",
        "clippy-worker",
        "clippy-api",
    },
}
ONLY_IN = {
    "tch": {"clippy-clip"},
    "torch-sys": {"clippy-clip"},
    "qdrant-edge": {"clippy-gallery", "clippy-fake-qdrant"},
    "qdrant-client": {"clippy-gallery", "clippy-fake-qdrant"},
    "sqlx": {"clippy-gallery", "clippy-jobs"},
    "redis": {"clippy-jobs"},
    "apalis": {"clippy-jobs"},
    "apalis-core": {"clippy-jobs", "clippy-jobs-contract"},
    "apalis-redis": {"clippy-jobs"},
    "apalis-sqlite": {"clippy-jobs"},
    "axum": {"clippy-api"},
}

metadata = json.loads(
    subprocess.check_output(
        ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"]
    )
)
faults = []
for package in metadata["packages"]:
    name = package["name"]
    if name not in ALLOWED:
        faults.append(
            f"{name} is not listed in scripts/dependency-direction.py: say there what it may use"
        )
        continue
    for dependency in package["dependencies"]:
        used, kind = dependency["name"], dependency["kind"]
        if (
            used.startswith("clippy-")
            and used != name
            and used not in ALLOWED[name]
            and kind != "dev"
        ):
            faults.append(
                f"{name} uses {used}, against the direction of dependencies (ARCHITECTURE.md)"
            )
        if used in ONLY_IN and name not in ONLY_IN[used] and kind != "dev":
            faults.append(
                f"{name} uses {used}, which belongs to {' and '.join(sorted(ONLY_IN[used]))} alone"
            )
for fault in faults:
    print(fault, file=sys.stderr)
sys.exit(bool(faults))
