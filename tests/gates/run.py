#!/usr/bin/env python3
"""Tests the stages of `.ci/run`: plants one fault after another in a copy of the last commit, and
expects the stage that checks for it to fail and to name the fault.

`make gates` plants all faults; `tests/gates/run.py format circle` these two. Clippy and rustdoc
check the whole workspace of the copy, so all faults together take a few minutes.
"""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Fault:
    """One fault: the stage that must fail, the change of a file, and a part of the message."""

    stage: str
    file: str
    pattern: str
    replacement: str
    message: str


FAULTS = {
    "format": Fault(
        "format", "crates/http/src/lib.rs", r"\Z", "pub fn  planted( ) {}\n", "planted"
    ),
    "dependency": Fault(
        "unused",
        "crates/http/Cargo.toml",
        r"\[dependencies\]\n",
        "[dependencies]\nbase64.workspace = true\n",
        "base64",
    ),
    "licence": Fault("deny", "deny.toml", r'"MIT",', "", "MIT"),
    "direction": Fault(
        "direction",
        "crates/drawings/Cargo.toml",
        r"\[dependencies\]\n",
        "[dependencies]\nclippy-imaging.workspace = true\n",
        "clippy-drawings",
    ),
    "circle": Fault(
        "direction",
        "crates/http/src/lib.rs",
        r"\Z",
        "mod one;\nmod two;\n",
        "one, two use each other",
    ),
    "lint": Fault(
        "clippy",
        "crates/http/src/lib.rs",
        r"\Z",
        "\npub fn planted(a: Vec<u8>) -> bool {\n    a.len() == 0\n}\n",
        "len_zero",
    ),
    "link": Fault(
        "docs",
        "crates/http/src/lib.rs",
        r"\Z",
        "\n/// See [`planted_nowhere`].\npub fn planted() {}\n",
        "planted_nowhere",
    ),
    "types": Fault(
        "test-client",
        "web/src/main.tsx",
        r"\Z",
        "\nexport const planted: number = 'text';\n",
        "TS2322",
    ),
}
FILES_OF_THE_CIRCLE = {
    "crates/http/src/one.rs": "use crate::two::Second;\npub struct First(pub Option<Box<Second>>);\n",
    "crates/http/src/two.rs": "use crate::one::First;\npub struct Second(pub Option<Box<First>>);\n",
}


def run(folder: Path, stage: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [".ci/run", stage],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def restore(folder: Path) -> None:
    subprocess.run(["git", "checkout", "--quiet", "."], cwd=folder, check=True)
    subprocess.run(["git", "clean", "--quiet", "-fd"], cwd=folder, check=True)


def plant(folder: Path, name: str, fault: Fault) -> None:
    file = folder / fault.file
    text, count = re.subn(fault.pattern, fault.replacement, file.read_text(), count=1)
    if count == 0:
        raise SystemExit(
            f"{name}: {fault.file} no longer matches {fault.pattern!r}"
        )
    file.write_text(text)
    if name == "circle":
        for path, contents in FILES_OF_THE_CIRCLE.items():
            (folder / path).write_text(contents)


def main() -> int:
    names = sys.argv[1:] or list(FAULTS)
    if unknown := [name for name in names if name not in FAULTS]:
        raise SystemExit(f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    failures = []
    with tempfile.TemporaryDirectory(prefix="clippy-gates-") as temporary:
        folder = Path(temporary) / "clippy"
        subprocess.run(
            ["git", "clone", "--quiet", "--local", str(REPOSITORY), str(folder)], check=True
        )
        for stage in dict.fromkeys(FAULTS[name].stage for name in names):
            if (answer := run(folder, stage)).returncode != 0:
                print(answer.stdout[-2000:])
                raise SystemExit(f"{stage} already fails without a planted fault")
        for name in names:
            fault = FAULTS[name]
            plant(folder, name, fault)
            answer = run(folder, fault.stage)
            restore(folder)
            if answer.returncode == 0:
                failures.append(f"{name}: {fault.stage} passed although {fault.file} has the fault")
            elif fault.message not in answer.stdout:
                failures.append(
                    f'{name}: {fault.stage} failed, but did not name "{fault.message}":\n{answer.stdout[-2000:]}'
                )
            else:
                print(f'{name}: {fault.stage} fails and names "{fault.message}"', flush=True)
    for failure in failures:
        print(failure, file=sys.stderr)
    return bool(failures)


if __name__ == "__main__":
    os.environ.setdefault("CARGO_TERM_COLOR", "never")
    sys.exit(main())
