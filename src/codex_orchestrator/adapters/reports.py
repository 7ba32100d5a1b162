"""Reports of test runs, as a check orders them: read without trust, for the tested code wrote them.

A command's `report` is `FORMAT:FILE`; the file lies in the log folder. `lines` is what our own
runners write while tests run, `junit` is JUnit's XML.
"""

import json
from pathlib import Path
from typing import Any

from codex_orchestrator.adapters.junit import parse_junit
from codex_orchestrator.model.suite_run import Outcome, SuiteRun, add_outcome
from codex_orchestrator.system.files import UnusableFileError, read_file

LINES, JUNIT = "lines", "junit"
LINES_SCHEMA = "test-report.v1"
RUNNER = Path(__file__).with_name("test_runner.py")
TEST_REPORT = "report-test.jsonl"
"""The file in the log folder that our runners write."""
MAX_BYTES = 64 * 1024 * 1024
_OUTCOMES = {str(outcome): outcome for outcome in Outcome}


def read_report(folder: Path, report: str) -> SuiteRun:
    """Return what a report says; a problem when it is missing or cannot be used."""
    form, _, name = report.partition(":")
    try:
        data = read_file(folder / name, max_bytes=MAX_BYTES)
    except FileNotFoundError:
        return SuiteRun({}, "there is no report of the tests, which was ordered")
    except UnusableFileError as error:
        return SuiteRun({}, f"the report of the tests {error.problem}")
    return parse_junit(data) if form == JUNIT else parse_lines(data)


def parse_lines(data: bytes) -> SuiteRun:
    """Return what a report of JSON lines says. Without its last line tests may have been lost."""
    outcomes: dict[str, Outcome] = {}
    header, *lines = data.split(b"\n")
    if _line(header).get("schema") != LINES_SCHEMA:
        return SuiteRun({}, "the report of the tests is not in our format")
    has_end = False
    for line in lines[:-1]:
        match _line(line):
            case {"test": str(name), "outcome": str(outcome)} if outcome in _OUTCOMES:
                add_outcome(outcomes, name, _OUTCOMES[outcome])
            case {"end": True}:
                has_end = True
            case _:
                return SuiteRun(outcomes, "the report of the tests has a line that is not ours")
    problem = "" if has_end else "the report of the tests has no end: the process ended before it"
    return SuiteRun(outcomes, problem)


def _line(data: bytes) -> dict[str, Any]:
    try:
        line = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return line if isinstance(line, dict) else {}
