"""The Dockerfile: linted, each instruction run, and the result started as its own user with a
read-only root."""

import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile_parse import DockerfileParser

from .ignored import Ignored
from .processes import run, running, wait_until
from .roots import Root, Roots

# The root that stands in for each base image. Add a new base image to one of them.
MACHINE = ("node:20-bookworm-slim", "rust:1.95-bookworm", "python:3.12-slim-bookworm")
DEBIAN = ("debian:bookworm-slim",)

# The instructions that are replaced, found by these words; the check fails if one is missing.
COMPILES = "scripts/package.sh"
INSTALLS_TORCH = "pip install"


@dataclass
class Stage:
    name: str
    root: Root
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def lint(repository: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    run([str(hadolint), "--failure-threshold", "info", "Dockerfile"], cwd=repository)


def check(repository: Path, packages: Path, roots: Roots) -> None:
    lint(repository)
    stages = build(repository, packages, roots)
    assert set(stages) == {"client", "build", "cuda", "cpu"}, set(stages)
    assert list(stages)[-1] == "cpu", (
        "a build without a target makes the last stage, which should be cpu"
    )
    for name in ("cpu", "cuda"):
        start(stages[name])
    compilers = [
        name
        for name in ("gcc", "c++", "cargo", "node", "python3")
        if shutil.which(name, path=search_path(stages["cpu"]))
    ]
    assert not compilers, f"the image cpu holds {compilers}"


def search_path(stage: Stage) -> str:
    return os.pathsep.join(
        str(stage.root.path / folder.lstrip("/")) for folder in stage.env["PATH"].split(":")
    )


def build(repository: Path, packages: Path, roots: Roots) -> dict[str, Stage]:
    """Runs all instructions, and returns the stages in their order."""
    stages: dict[str, Stage] = {}
    replaced = set()
    for instruction in DockerfileParser(
        path=str(repository / "Dockerfile"), cache_content=True
    ).structure:
        kind, value = instruction["instruction"], instruction["value"]
        if kind == "COMMENT":
            continue
        if kind == "FROM":
            image, name = re.fullmatch(r"(\S+) AS (\S+)", value, re.IGNORECASE).groups()
            stage = stages[name] = begin(image, name, roots)
        elif kind == "RUN" and COMPILES in value:
            replaced.add(COMPILES)
            package(stage, value, packages)
        elif kind == "RUN" and INSTALLS_TORCH in value:
            replaced.add(INSTALLS_TORCH)
            execute(
                stage, value.replace("install --no-cache-dir", "install --no-cache-dir --no-deps")
            )
            bind_libtorch(stage.root)
        else:
            apply(stage, kind, value, repository, stages)
    assert replaced == {COMPILES, INSTALLS_TORCH}, (
        f"no instruction contains { ({COMPILES, INSTALLS_TORCH} - replaced) }"
    )
    return stages


def bind_libtorch(root: Root) -> None:
    """Puts the build's libtorch where PyTorch's wheel would put it, readable by the image's user."""
    [packages] = root.path.glob("opt/clippy/lib/python3.*/site-packages")
    libtorch = Path(os.environ["LIBTORCH"])
    for name in ("torch", "nvidia"):
        if (libtorch.parent / name).is_dir():
            root.bind(libtorch.parent / name, packages / name)


def begin(image: str, name: str, roots: Roots) -> Stage:
    assert image in MACHINE + DEBIAN, (
        f"nothing stands in for {image}: add it to tests/packaging/images.py"
    )
    root = roots.debian() if image in DEBIAN else roots.machine()
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    home = {"HOME": "/root"}
    return Stage(name, root, {"PATH": path if image in DEBIAN else os.environ["PATH"], **home})


def apply(stage: Stage, kind: str, value: str, repository: Path, stages: dict[str, Stage]) -> None:
    match kind:
        case "WORKDIR":
            stage.workdir = value
            (stage.root.path / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case "COPY":
            copy(stage, value, repository, stages)
        case "RUN":
            execute(stage, value)
        case "ENV":
            for pair in shlex.split(value):
                name, text = pair.split("=", 1)
                stage.env[name] = re.sub(
                    r"\$(\w+)", lambda found: stage.env.get(found[1], ""), text
                )
        case "ARG":
            name, _, text = value.partition("=")
            stage.env[name] = text
        case "USER":
            stage.user = value
        case "ENTRYPOINT":
            stage.entrypoint = json.loads(value)
        case "CMD":
            stage.command = json.loads(value)
        case "HEALTHCHECK":
            stage.health = json.loads(value[value.index("CMD") + 3 :].strip())
        case "VOLUME" | "EXPOSE":
            pass
        case _:
            raise AssertionError(f"tests/packaging does not support {kind}")


def execute(stage: Stage, command: str) -> None:
    run(stage.root.enter(["sh", "-c", command], stage.env, stage.workdir))


def copy(stage: Stage, value: str, repository: Path, stages: dict[str, Stage]) -> None:
    *sources, target = shlex.split(value)
    source_root = repository
    if sources[0].startswith("--from="):
        source_root = stages[sources.pop(0).removeprefix("--from=")].root.path
    ignored = Ignored(repository / ".dockerignore") if source_root == repository else None
    destination = (
        stage.root.path / target.lstrip("/")
        if target.startswith("/")
        else stage.root.path / stage.workdir.lstrip("/") / target
    )
    for pattern in sources:
        found = [Path(path) for path in glob.glob(str(source_root / pattern.lstrip("/")))]
        assert found, f"COPY {value}: there is no {pattern}"
        for path in found:
            if path.is_dir():
                skip = ignored.skip_below(repository) if ignored else None
                shutil.copytree(path, destination, dirs_exist_ok=True, ignore=skip, symlinks=True)
            elif not ignored or not ignored.matches(path.relative_to(repository)):
                into = (
                    destination / path.name
                    if target.endswith("/") or len(found) > 1 or target == "."
                    else destination
                )
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, into)


def package(stage: Stage, command: str, packages: Path) -> None:
    """Runs the instruction with scripts for cargo and maturin that copy what was built before."""
    folder = stage.root.path / stage.workdir.lstrip("/")
    for left_out in (".env", ".git", "target", "node_modules"):
        assert not (folder / left_out).exists(), (
            f"the build sees {left_out}: .dockerignore should keep it out"
        )
    assert (folder / "web/dist/client/index.html").is_file(), (
        "the client is not in the folder that the program reads"
    )
    shims = stage.root.path / "shims"
    shims.mkdir()
    [program] = packages.glob("clippy-*/bin/clippy")
    shutil.copy(program, shims / "program")
    [wheel] = packages.glob("*.whl")
    shutil.copy(wheel, shims)
    cargo = f"""#!/bin/sh
case "$1" in
metadata) echo '{{"target_directory": "{stage.workdir}/target"}}' ;;
build)
    [ "$*" = "build --locked --workspace --profile $CLIPPY_PROFILE --bin clippy" ] || {{ echo "cargo $*: not what is expected" >&2; exit 1; }}
    mkdir -p target/release && cp /shims/program target/release/clippy ;;
*) echo "cargo $*: not what is expected" >&2; exit 1 ;;
esac
"""
    maturin = f"""#!/bin/sh
[ -d target/wheel-data/data/share/clippy/models/clippy-small ] || {{ echo "the model is not in the wheel's data" >&2; exit 1; }}
mkdir -p dist && cp /shims/{wheel.name} dist/
"""
    for name, text in (("cargo", cargo), ("maturin", maturin)):
        (shims / name).write_text(text)
        (shims / name).chmod(0o755)
    version = re.search(
        r"^maturin_version=(\S+)$", (folder / "scripts/package.sh").read_text(), re.MULTILINE
    )[1]
    tools = stage.root.path / f"root/.cache/clippy/maturin-{version}/bin"
    tools.mkdir(parents=True, exist_ok=True)
    shutil.copy(shims / "maturin", tools / "maturin")
    env = {
        **stage.env,
        "PATH": f"/shims:{stage.env['PATH']}",
        "XDG_CACHE_HOME": "/root/.cache",
        "LIBTORCH": os.environ["LIBTORCH"],
    }
    run(stage.root.enter(["bash", "-c", command], env, stage.workdir))
    assert (
        list((folder / "dist").glob("*.whl"))
        and (folder / "dist/clippy/lib/clippy/libtorch_cpu.so").is_file()
    )


def start(stage: Stage) -> None:
    """Starts the entry point as the image's user in its own network, and waits until the health check
    passes."""
    assert stage.user not in ("0", "root"), f"{stage.name} runs as root"
    read_only = ["unshare", "--net", "--mount", "sh", "-c", LOCKED, "sh", str(stage.root.path)]
    env = {**stage.env, "API_KEYS": "reader", "ADMIN_KEYS": "owner"}
    refused = subprocess.run(
        stage.root.enter(
            ["sh", "-c", "touch /opt/clippy/written"], env, "/", stage.user, read_only
        ),
        capture_output=True,
        check=False,
    )
    assert refused.returncode != 0, f"{stage.name} can write into its own root"
    with running(
        stage.root.enter(
            [*stage.entrypoint, *stage.command], env, stage.workdir, stage.user, read_only
        )
    ) as process:
        inside = ["nsenter", f"--net=/proc/{process.pid}/ns/net"]
        health = stage.root.enter(stage.health, env, "/", stage.user, inside)
        wait_until(
            f"{stage.name}'s health check",
            lambda: subprocess.run(health, check=False, capture_output=True).returncode == 0,
        )


# Run by `unshare`: starts the loopback interface, makes the root read-only except for the folders
# that an image may write to, and runs the command.
LOCKED = r"""
set -e
root=$1; shift
ip link set lo up
mkdir -p "$root/tmp"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --bind "$root/data" "$root/data"
mount -o remount,ro,bind "$root" 2>/dev/null || mount -o remount,ro "$root"
exec "$@"
"""
