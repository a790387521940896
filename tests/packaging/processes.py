"""Runs programs and waits for them."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager


def run(command: list[str], **options) -> str:
    """Runs a command to its end, and returns its standard output. An error contains what it
    printed."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=600, **options
    )
    if done.returncode != 0:
        raise AssertionError(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        )
    return done.stdout


def wait_until(what: str, condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: timed out after {seconds:.0f} s")
        time.sleep(0.1)


def answer(url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Returns the status and body of a GET request; status 0 without an answer."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers or {}), timeout=5
        ) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()
    except OSError:
        return 0, b""


def says_ok(url: str) -> bool:
    status, body = answer(url)
    return status == 200 and json.loads(body).get("ok") is True


@contextmanager
def running(command: list[str], **options):
    """Starts a process that must run until the end of the block and then stop when asked to."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    try:
        yield process
        assert process.poll() is None, (
            f"{command} exited early: {process.communicate()[0][-3000:]}"
        )
        process.terminate()
        process.wait(timeout=30)
    except BaseException:
        process.kill()
        print(process.communicate()[0][-3000:])
        raise
