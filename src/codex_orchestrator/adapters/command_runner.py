"""Run a command, read from its stdout what became of each test, and write that to a report.

It is started by our own interpreter, and loads nothing of the project.

    python -I -m codex_orchestrator.adapters.command_runner tap REPORT COMMAND...
    python -I -m codex_orchestrator.adapters.command_runner cargo REPORT [options of `cargo test`]
    python -I -m codex_orchestrator.adapters.command_runner go REPORT [arguments of `go test -json`]
"""

import re
import subprocess
import sys
from collections import Counter

from codex_orchestrator.adapters.cargo_runner import run_cargo
from codex_orchestrator.adapters.go_runner import run_go
from codex_orchestrator.adapters.test_runner import BROKEN, FAILED, PASSED, SKIPPED, Report

_TEST = re.compile(r"(not )?ok\b[ \t]*\d*(?:[ \t]+-[ \t]|[ \t]|$)[ \t]*(.*)")
_DIRECTIVE = re.compile(r"(.*?)(?:^|[ \t]+)#[ \t]*(skip|todo)\b.*", re.IGNORECASE)
_PLAN = re.compile(r"1\.\.(\d+)\s*(?:#.*)?")
_INDENT = 4


class _Level:
    """The tests of one indentation: what was planned, and what was found."""

    def __init__(self) -> None:
        self.plans: list[int] = []
        self.tests = 0
        self.names: Counter[str] = Counter()
        self.found: list[tuple[str, str]] = []

    @property
    def is_whole(self) -> bool:
        """Whether there is one plan, and as many tests as it says."""
        return self.plans == [self.tests]


class Tap:
    """Reads the Test Anything Protocol, versions 13 and 14, line by line.

    Subtests are indented by four spaces and come before the line of their test, whose name stands
    before theirs.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._levels = [_Level()]
        self._is_in_details = False
        self._is_whole = True

    @property
    def is_whole(self) -> bool:
        """Whether all that was planned was found, and the tests went to their end."""
        return self._is_whole and len(self._levels) == 1 and self._levels[0].is_whole

    def line(self, text: str) -> None:
        """Take one line; what is not of the protocol is passed over."""
        body = text.strip()
        depth = (len(text) - len(text.lstrip(" "))) // _INDENT
        if self._is_in_details or body == "---":
            self._is_in_details = body != "..."
        elif body.startswith("Bail out!"):
            self._is_whole = False
            self._report.result("Bail out!", BROKEN)
        elif plan := _PLAN.fullmatch(body):
            self._level(depth).plans.append(int(plan[1]))
        elif test := _TEST.fullmatch(body):
            self._add(depth, FAILED if test[1] else PASSED, test[2])

    def _level(self, depth: int) -> _Level:
        while len(self._levels) <= depth:
            self._levels.append(_Level())
        return self._levels[depth]

    def _add(self, depth: int, outcome: str, name: str) -> None:
        level = self._level(depth)
        level.tests += 1
        directive = _DIRECTIVE.fullmatch(name)
        if directive:
            name = directive[1]
            # A test that is still to be written may fail; one that is skipped does not.
            is_expected = outcome == PASSED or directive[2].lower() == "todo"
            outcome = SKIPPED if is_expected else FAILED
        name = name.strip() or f"test {level.tests}"
        level.names[name] += 1
        if level.names[name] > 1:
            name = f"{name} #{level.names[name]}"
        found = [(name, outcome)]
        while len(self._levels) > depth + 1:
            inner = self._levels.pop()
            self._is_whole &= inner.is_whole
            found += [(f"{name} > {test}", became) for test, became in inner.found]
        level.found += found
        if depth == 0:
            for test, became in level.found:
                self._report.result(test, became)
            level.found.clear()


def run_tap(report: Report, command: list[str]) -> int:
    """Run a command that writes TAP, print what it prints, and return its exit code."""
    tap = Tap(report)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, encoding="utf-8", errors="replace"
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            tap.line(line)
    if tap.is_whole:
        report.end()
    # What a signal ended has a negative exit code.
    return abs(int(process.returncode))


def main() -> int:
    """Run the command in the current folder and return its exit code."""
    runner, path, *arguments = sys.argv[1:]
    run = {"tap": run_tap, "cargo": run_cargo, "go": run_go}[runner]
    return run(Report(path), arguments)


if __name__ == "__main__":
    sys.exit(main())
