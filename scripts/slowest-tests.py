#!/usr/bin/env python3
"""Prints the slowest twenty tests of the last run, and how much of all time they took."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# nextest writes its reports into the repository, wherever the target folder is (`store.dir`).
report = Path(__file__).resolve().parents[1] / "target/nextest/default/junit.xml"
if not report.exists():
    sys.exit(f"{report} is not there: run `make test-rust` with cargo-nextest")
suites = ElementTree.parse(report).getroot().iter("testsuite")
tests = sorted(
    (
        (float(test.get("time", 0)), f"{suite.get('name')} {test.get('name')}")
        for suite in suites
        for test in suite.iter("testcase")
    ),
    reverse=True,
)
together = sum(seconds for seconds, _ in tests)
for seconds, name in tests[:20]:
    print(f"{seconds:7.1f} s  {name}")
print(
    f"{sum(seconds for seconds, _ in tests[:20]):7.1f} s of {together:.0f} s in {len(tests)} tests"
)
