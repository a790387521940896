"""docker-compose.yml: the services that each profile starts, and two of them started as processes
on this machine."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from .processes import answer, run, running, wait_until
from .ports import free_port
from .roots import Roots

SECRETS = {
    "API_KEYS": "reader",
    "ADMIN_KEYS": "owner",
    "REDIS_PASSWORD": "pass-word",
    "QDRANT_API_KEY": "qdrant-key",
}

# The services that `docker compose --profile P up NAMES` should start, with their dependencies.
STARTED = {
    ("", "clippy"): {"clippy"},
    ("redis", "redis-api"): {"redis-api", "redis"},
    ("qdrant", "qdrant-api worker"): {"qdrant-api", "worker", "redis", "qdrant"},
    ("gpu", "gpu-api gpu-worker"): {"gpu-api", "gpu-worker", "redis", "qdrant"},
}


def check(repository: Path, roots: Roots | None) -> None:
    services = read(repository, SECRETS)
    for (profile, names), expected in STARTED.items():
        started = closure(services, names.split())
        assert started == expected, f"up {names} starts {started}, not {expected}"
        for name in started:
            profiles = services[name].get("profiles", [])
            assert not profiles or profile in profiles, (
                f"{name} is needed by profile {profile!r}, but does not belong to it"
            )
    usage = (repository / "docker-compose.yml").read_text()
    for profile, names in STARTED:
        command = f"docker compose {f'--profile {profile} ' if profile else ''}up {names}"
        assert command in usage, f"docker-compose.yml does not mention `{command}`"
    for secret in ("API_KEYS", "ADMIN_KEYS"):
        without = {name: value for name, value in SECRETS.items() if name != secret}
        assert secret in refusal(repository, without), f"compose starts without {secret}"
    check_hardening(services)
    if roots is not None and shutil.which("redis-server"):
        start_natively(services)


def compose(repository: Path, secrets: dict[str, str]) -> subprocess.CompletedProcess:
    """Runs `podman-compose config`, which calls podman only to ask for its version."""
    with tempfile.TemporaryDirectory() as scratch:
        podman = Path(scratch) / "podman"
        podman.write_text("#!/bin/sh\necho podman version 5.0.0\n")
        podman.chmod(0o755)
        program = str(Path(sys.executable).parent / "podman-compose")
        env = {"PATH": f"{scratch}:{os.environ['PATH']}", "HOME": scratch, **secrets}
        profiles = [word for profile, _ in STARTED if profile for word in ("--profile", profile)]
        command = [program, "-f", str(repository / "docker-compose.yml"), *profiles, "config"]
        return subprocess.run(
            command, env=env, capture_output=True, text=True, check=False, cwd=scratch
        )


def read(repository: Path, secrets: dict[str, str]) -> dict:
    done = compose(repository, secrets)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["services"]


def refusal(repository: Path, secrets: dict[str, str]) -> str:
    done = compose(repository, secrets)
    assert done.returncode != 0
    return done.stdout + done.stderr


def closure(services: dict, names: list[str]) -> set[str]:
    """Returns these services and all their dependencies; compose starts a dependency only if its
    profile is active."""
    started: set[str] = set()
    while names:
        name = names.pop()
        if name not in started:
            started.add(name)
            names.extend(services[name].get("depends_on", {}))
    return started


def check_hardening(services: dict) -> None:
    for name, service in services.items():
        image = service["image"]
        if image.startswith("clippy:"):
            assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
            assert any(
                str(volume).startswith(("clippy", "shared")) for volume in service["volumes"]
            ), f"{name} has no volume"
        else:
            tag = image.rpartition(":")[2]
            assert tag not in ("", "latest"), f"{name} uses {image}, without a fixed version"
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), f"{name} is published to the network: {port}"
    assert "gpu" in str(services["gpu-worker"]["deploy"]), (
        "the worker of profile gpu asks for no device"
    )


def environment(service: dict) -> dict[str, str]:
    given = service.get("environment") or {}
    pairs = given.items() if isinstance(given, dict) else (pair.split("=", 1) for pair in given)
    return {name: "" if value is None else str(value) for name, value in pairs}


def start_natively(services: dict) -> None:
    """Starts `clippy` and `redis-api` with their own commands and settings. Addresses of services
    become ports of this machine."""
    [program] = Path(os.environ["CLIPPY_DIST"]).glob("clippy-*/bin/clippy")
    redis = free_port()
    shell = services["redis"]["command"]
    assert shell[:2] == ["sh", "-c"], shell
    script = shell[2].replace("$$", "$").replace("redis-server ", f"redis-server --port {redis} ")
    with tempfile.TemporaryDirectory() as scratch:
        serve(services["clippy"], program, Path(scratch) / "embedded", {})
        without_password = subprocess.run(
            ["sh", "-c", script],
            cwd=scratch,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            check=False,
        )
        assert without_password.returncode != 0, "Redis starts without a password"
        redis_env = {"PATH": os.environ["PATH"], **environment(services["redis"])}
        with running(["sh", "-c", script], cwd=scratch, env=redis_env):
            ping = ["redis-cli", "-p", str(redis), "ping"]
            asked = lambda: (
                subprocess.run(
                    ping,
                    env={**redis_env, "REDISCLI_AUTH": SECRETS["REDIS_PASSWORD"]},
                    capture_output=True,
                    text=True,
                    check=False,
                ).stdout
            )
            wait_until("Redis", lambda: "PONG" in asked())
            assert "NOAUTH" in run(ping, env=redis_env), "Redis answers without its password"
            serve(
                services["redis-api"],
                program,
                Path(scratch) / "redis-api",
                {"redis:6379": f"127.0.0.1:{redis}"},
            )


def serve(service: dict, program: Path, data: Path, addresses: dict[str, str]) -> None:
    port = free_port()
    data.mkdir()
    (data / "pictures").mkdir()
    paths = {"/data": str(data), "/pictures": str(data / "pictures")}
    env = {"PATH": os.environ["PATH"], "HOME": str(data)}
    for name, value in environment(service).items():
        for there, here in addresses.items():
            value = value.replace(there, here)
        env[name] = paths.get(value, value)
    command = [
        str(program),
        *(word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in service["command"]),
    ]
    with running(command, env=env, cwd=data):
        address = f"http://127.0.0.1:{port}"
        wait_until("the API", lambda: answer(f"{address}/readyz")[0] == 200)
        assert answer(f"{address}/api/jobs")[0] == 401, "the API answers without a key"
        assert answer(f"{address}/api/jobs", {"X-Api-Key": "reader"})[0] == 200
        assert answer(f"{address}/api/admin/queues", {"X-Api-Key": "owner"})[0] == 200
