"""Run `go test`, and write what became of each test to a report."""

import json
import subprocess
import sys
from typing import Any

from codex_orchestrator.adapters.test_runner import (
    BROKEN,
    FAILED,
    PASSED,
    SKIPPED,
    Report,
    note_loaded,
)

# What is no part of the project, and not replaced by a folder, was fetched for its version.
_GO_MODULES = "{{with .Module}}{{if or .Main .Replace}}{{.Dir}}{{end}}{{end}}"


def run_go(report: Report, arguments: list[str]) -> int:
    """Run `go test`, print what it prints for people, and return its exit code."""
    command = ["go", "test", "-json", "-count=1", *arguments]
    look_up = ["go", "list", "-e", "-deps", "-test", "-f", _GO_MODULES, *arguments]
    reading: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True, "errors": "replace"}
    running, failing = set(), set()
    listing = subprocess.Popen(look_up, **reading)
    with subprocess.Popen(command, **reading) as process:
        for line in process.stdout or ():
            event = _go_event(line)
            package, test = event.get("Package", ""), event.get("Test", "")
            sys.stdout.write(event.get("Output", ""))
            action = event.get("Action")
            if action == "start":
                running.add(package)
            outcome = {"pass": PASSED, "fail": FAILED, "skip": SKIPPED}.get(str(action))
            if outcome and test:
                report.result(f"{package}::{test}", outcome)
                failing |= {package} if outcome == FAILED else set()
            elif outcome:
                running.discard(package)
                if outcome == FAILED and package not in failing:
                    report.result(package, BROKEN)
    if not running:
        report.end()
    listed = listing.communicate()[0]
    if not listing.returncode:
        note_loaded(filter(None, listed.split("\n")))
    return process.returncode


def _go_event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    return event if isinstance(event, dict) else {"Output": line}
