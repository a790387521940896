"""What the scripts that measure the program on a gallery share: a copy of it, and a server for it."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def read_rows(file: Path) -> list[dict]:
    """The lines of a JSON Lines file."""
    return [json.loads(line) for line in file.read_text().splitlines() if line.strip()]


def ingest(program: str, gallery: Path, manifest: Path, rows: list[dict], data: Path) -> None:
    """Writes a manifest of these rows, and ingests it into a data folder."""
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pictures = ["--manifest", str(manifest), "--images-root", str(gallery)]
    subprocess.check_call([program, "ingest", *pictures, "--data-dir", str(data)])


def once(folder: Path, work: Callable[[], None]) -> None:
    """Does the work unless an earlier run has done it in this folder."""
    done = folder / "complete"
    if not done.exists():
        work()
        done.touch()


class Server:
    """A running server. Paths are below its address."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=300) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict) -> dict:
        request = urllib.request.Request(
            f"http://{self.address}{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)


@contextmanager
def serving(program: str, data: Path) -> Iterator[Server]:
    """Serves a data folder on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Server(f"127.0.0.1:{free.getsockname()[1]}")
    command = [program, "serve", "--bind", server.address, "--data-dir", str(data)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(process, server)
            yield server
        finally:
            process.terminate()


def wait_for(process: subprocess.Popen, server: Server) -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{server.address}/readyz", timeout=10):
                return
        except OSError:
            time.sleep(0.2)
    sys.exit("the server ended before it was ready")
