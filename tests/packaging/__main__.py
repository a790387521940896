"""Runs all checks in order, and prints how long each took."""

import os
import sys
import time
from pathlib import Path

from . import archive, compose, images, wheel
from .roots import Roots, why_no_roots

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> int:
    packages = Path(os.environ["CLIPPY_DIST"])
    checks = [
        ("wheel", lambda: wheel.check(packages)),
        ("archive", lambda: archive.check(packages)),
    ]
    with Roots(REPOSITORY) as roots:
        reason = why_no_roots()
        if reason is None:
            checks.append(("images", lambda: images.check(REPOSITORY, packages, roots)))
            checks.append(("compose", lambda: compose.check(REPOSITORY, roots)))
        else:
            print(
                f"packaging: SKIPPED: the images are linted but not run, since {reason}",
                file=sys.stderr,
            )
            checks.append(("images", lambda: images.lint(REPOSITORY)))
            checks.append(("compose", lambda: compose.check(REPOSITORY, None)))
        for name, check in checks:
            begun = time.monotonic()
            check()
            print(f"packaging: {name} passed ({time.monotonic() - begun:.0f} s)", flush=True)
    return 0


sys.exit(main())
