"""The wheel: installed into an empty environment, `clippy demo` starts in an empty folder."""

import os
import sys
import tempfile
import time
from pathlib import Path

from .ports import free_port
from .processes import answer, run, running, wait_until


def check(packages: Path) -> None:
    [wheel] = packages.glob("clippy_studio-*.whl")
    with tempfile.TemporaryDirectory() as scratch:
        environment = Path(scratch) / "environment"
        run([sys.executable, "-m", "venv", str(environment)])
        install(environment, wheel)
        empty = Path(scratch) / "empty"
        empty.mkdir()
        demo(environment / "bin" / "clippy", empty)


def install(environment: Path, wheel: Path) -> None:
    pip = [
        str(environment / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    if os.environ.get("CLIPPY_PACKAGING_FULL") == "1":
        run([*pip, str(wheel)])
        return
    run([*pip, "--no-deps", str(wheel)])
    shown = run(
        [
            str(environment / "bin" / "python"),
            "-m",
            "pip",
            "show",
            "--disable-pip-version-check",
            "clippy-studio",
        ]
    )
    assert "Requires: torch" in shown, shown
    link_libtorch(environment)


def link_libtorch(environment: Path) -> None:
    """Links the build's libtorch where PyTorch's wheel would install it."""
    [packages] = environment.glob("lib/python3.*/site-packages")
    libtorch = Path(os.environ["LIBTORCH"])
    for name in ("torch", "nvidia"):
        if (libtorch.parent / name).is_dir():
            (packages / name).symlink_to(libtorch.parent / name)


def demo(program: Path, folder: Path) -> None:
    """Starts `clippy demo`, and waits for its page and its gallery."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    begun = time.monotonic()
    with running([str(program), "demo", "--bind", f"127.0.0.1:{port}"], cwd=folder, env=clean):
        address = f"http://127.0.0.1:{port}"
        wait_until("the demo's page", lambda: answer(address + "/")[0] == 200)
        page = time.monotonic() - begun
        wait_until(
            "the demo's gallery",
            lambda: answer(address + "/api/preparing")[1].strip() == b'{"preparing":null}',
            300,
        )
        print(
            f"packaging: the installed demo's page after {page:.1f} s, its gallery after {time.monotonic() - begun:.0f} s"
        )
        status, body = answer(address + "/")
        assert status == 200 and b"<script" in body, body[:300]
