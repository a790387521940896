"""The archive: the program starts in any folder, and uses its own libtorch."""

import tempfile
from pathlib import Path

from .processes import run


def check(packages: Path) -> None:
    [archive] = packages.glob("clippy-*.tar.gz")
    with tempfile.TemporaryDirectory() as scratch:
        run(["tar", "-C", scratch, "-xzf", str(archive)])
        [folder] = Path(scratch).iterdir()
        program = folder / "bin" / "clippy"
        clean = {"PATH": "/usr/bin:/bin", "HOME": scratch}
        assert run([str(program), "--version"], env=clean, cwd=scratch).startswith("clippy ")
        loaded = run(["ldd", str(program)], env=clean)
        torch = [line for line in loaded.splitlines() if "libtorch" in line]
        assert torch and all(
            str(folder.resolve()) in line or "/../lib/clippy/" in line for line in torch
        ), loaded
