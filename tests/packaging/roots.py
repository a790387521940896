"""Separate root folders for the instructions of an image: overlays over this machine or over a bare
Debian."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .processes import run

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "clippy"


def why_no_roots() -> str | None:
    """Returns why roots cannot be made here, or None. Some sandboxes do not let root mount, or reach
    no package server."""
    if os.geteuid() != 0:
        return "only the user root can make them"
    for program in ("debootstrap", "unshare", "chroot"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    with tempfile.TemporaryDirectory() as scratch:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "tmpfs", scratch], capture_output=True, text=True, check=False
        )
        if mounted.returncode != 0:
            return f"mounting is not allowed on this machine: {mounted.stderr.strip()}"
        subprocess.run(["umount", scratch], check=False)
    try:
        bare_debian()
    except AssertionError as refused:
        return f"no bare Debian can be made: {str(refused)[-300:]}"
    return None


def bare_debian() -> Path:
    """Returns a folder like the content of `debian:bookworm-slim`, made by debootstrap; cached for the
    user."""
    folder = CACHE / "debian-bookworm"
    if not (folder / ".complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run(["debootstrap", "--variant=minbase", "bookworm", str(folder), mirror()])
        (folder / ".complete").touch()
    return folder


def mirror() -> str:
    """Returns the package server of this machine's Debian."""
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for file in files:
        text = file.read_text() if file.is_file() else ""
        for found in re.finditer(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(\S+)", text, re.MULTILINE):
            if found[1].rstrip("/").endswith("/debian"):
                return found[1]
    return "http://deb.debian.org/debian"


class Root:
    """One root. Changes go to an upper layer, which is removed at the end."""

    def __init__(self, folder: Path, lower: Path) -> None:
        self.path = folder / "root"
        for name in ("root", "upper", "work"):
            (folder / name).mkdir(parents=True)
        options = f"lowerdir={lower},upperdir={folder / 'upper'},workdir={folder / 'work'}"
        run(["mount", "-t", "overlay", "overlay", "-o", options, str(self.path)])
        self.mounted = [self.path]
        for name in ("proc", "dev", "sys"):
            (self.path / name).mkdir(exist_ok=True)
            run(["mount", "--rbind", f"/{name}", str(self.path / name)])
            run(["mount", "--make-rslave", str(self.path / name)])
            self.mounted.append(self.path / name)

    def bind(self, source: Path, target: Path) -> None:
        """Mounts a folder of this machine into the root."""
        target.mkdir(parents=True, exist_ok=True)
        run(["mount", "--bind", str(source), str(target)])
        self.mounted.append(target)

    def enter(
        self,
        command: list[str],
        env: dict[str, str],
        workdir: str = "/",
        user: str = "0",
        prefix: list[str] | None = None,
    ) -> list[str]:
        """Returns the command line that runs `command` in this root."""
        variables = [f"{name}={value}" for name, value in env.items()]
        change = ["chroot", f"--userspec={user}:{user}", str(self.path), "env", "-i", *variables]
        return [
            *(prefix or []),
            *change,
            "sh",
            "-c",
            'cd "$1" && shift && exec "$@"',
            "sh",
            workdir,
            *command,
        ]

    def unmount(self) -> None:
        for path in reversed(self.mounted):
            subprocess.run(
                ["umount", "--recursive", "--lazy", str(path)], check=False, capture_output=True
            )


class Roots:
    """All roots of a run; they are unmounted and removed at the end."""

    def __init__(self, repository: Path) -> None:
        self.folder = Path(
            tempfile.mkdtemp(prefix="clippy-packaging-", dir=os.environ.get("TMPDIR", "/tmp"))
        )
        self.made: list[Root] = []
        self.repository = repository

    def __enter__(self) -> "Roots":
        return self

    def __exit__(self, *_: object) -> None:
        for root in reversed(self.made):
            root.unmount()
        shutil.rmtree(self.folder, ignore_errors=True)

    def machine(self) -> Root:
        """Makes a root with the content of this machine's."""
        return self._make(Path("/"))

    def debian(self) -> Root:
        """Makes a root with a bare Debian that uses this machine's package servers."""
        root = self._make(bare_debian())
        for name in (
            "apt/sources.list",
            "apt/sources.list.d",
            "apt/apt.conf.d",
            "resolv.conf",
            "hosts",
            "ssl/certs",
        ):
            source, target = Path("/etc") / name, root.path / "etc" / name
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
            elif source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        return root

    def _make(self, lower: Path) -> Root:
        root = Root(self.folder / f"stage-{len(self.made)}", lower)
        self.made.append(root)
        return root
