"""Reports of test runs, as a check orders them: read without trust, for the tested code wrote them.

A command's `report` is `FORMAT:FILE`; the file lies in the log folder. `lines` is what our own
runners write while tests run, `junit` is JUnit's XML. Of a command that writes its `reports` into
the work tree, the name is that of a folder with copies of them.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from codex_orchestrator.adapters.junit import class_path_of, parse_junit
from codex_orchestrator.model.check import LOG_DIR, CheckCommand
from codex_orchestrator.model.suite_run import Outcome, SuiteRun, add_outcome
from codex_orchestrator.system.files import UnusableFileError, read_file
from codex_orchestrator.text.globs import matching_glob

LINES, JUNIT = "lines", "junit"
LINES_SCHEMA = "test-report.v1"
RUNNER = Path(__file__).with_name("test_runner.py")
TEST_REPORT = "report-test.jsonl"
"""The file in the log folder that our runners write."""
LOADED = "loaded-code.jsonl"
"""The file in the log folder that says which code was loaded from where."""
MAX_BYTES = 64 * 1024 * 1024
_AT_ONCE = 1000
MISSING = "there is no report of the tests, which was ordered"
_OUTCOMES = {str(outcome): outcome for outcome in Outcome}


def read_report(folder: Path, command: CheckCommand) -> SuiteRun:
    """Return what a command's report says; a problem when it is missing or cannot be used.

    Args:
        folder: the log folder.
        command: it orders a report.
    """
    form, _, name = command.report.partition(":")
    if command.reports:
        return _read_copies(folder / name, command.reports)
    try:
        data = read_file(folder / name, max_bytes=MAX_BYTES)
    except FileNotFoundError:
        return SuiteRun({}, MISSING)
    except UnusableFileError as error:
        return SuiteRun({}, f"the report of the tests {error.problem}")
    return parse_junit(data) if form == JUNIT else parse_lines(data)


def _read_copies(folder: Path, globs: Sequence[str]) -> SuiteRun:
    """Return what copied JUnit reports say together.

    What `**/` at the start of a glob stands for, a module of the project, comes before the names of
    the tests: two modules may have tests of one name. So may two files; the order of their names is
    that of the tests' numbers.
    """
    outcomes: dict[str, Outcome] = {}
    numbers: Counter[str] = Counter()
    problems = []
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in paths:
        name = path.relative_to(folder).as_posix()
        glob = matching_glob(name, globs)
        module, *rest = name.rsplit("/", glob.count("/")) if glob.startswith("**/") else ("",)
        is_below = len(rest) == glob.count("/") > 0
        prefix = f"{module}::" if module and is_below else ""
        data = read_file(path, max_bytes=MAX_BYTES)
        suite = parse_junit(data, prefix=prefix, numbers=numbers)
        problems += [f"{name}: {suite.problem}"] if suite.problem else []
        for test, outcome in suite.outcomes.items():
            add_outcome(outcomes, test, outcome)
    return SuiteRun(outcomes, "; ".join(problems[:3]) if paths else MISSING)


def read_loaded(folder: Path, name: str) -> dict[str, str]:
    """Return which code a check loaded, as its processes wrote it down, see `judge_code`."""
    return {line["loaded"]: str(line.get("instead", "")) for line in _loaded_lines(folder / name)}


def read_modules(folder: Path, command: CheckCommand) -> dict[str, tuple[str, ...]]:
    """Return the files of the work tree that modules were loaded from, by the modules' names."""
    found: dict[str, dict[str, None]] = {}
    top = f"{command.trees[0]}/"
    for line in _loaded_lines(folder / command.loaded):
        if line["loaded"].startswith(top) and isinstance(line.get("module"), str):
            path = line["loaded"].removeprefix(top)
            found.setdefault(line["module"], {})[path] = None
    return {name: tuple(paths) for name, paths in found.items()}


def _loaded_lines(path: Path) -> list[dict[str, Any]]:
    try:
        data = read_file(path, max_bytes=MAX_BYTES)
    except (FileNotFoundError, UnusableFileError):
        return []
    lines = _parsed(data.split(b"\n")[:-1])
    return [one for one in lines if isinstance(one, dict) and isinstance(one.get("loaded"), str)]


def read_class_path(folder: Path, command: CheckCommand) -> dict[str, str]:
    """Return which code Java could load, as copied reports have its class path.

    Of the work tree one place is enough. A module of the tree that was installed lies in a local
    repository, and stands there in place of its folder.
    """
    places: dict[str, None] = {}
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        places |= dict.fromkeys(class_path_of(read_file(path, max_bytes=MAX_BYTES)))
    tree, *others = command.trees
    found: dict[str, str] = {}
    for place in map(os.path.realpath, places):
        if place.startswith(f"{tree}/"):
            found = found or {place: ""}
            continue
        # With and without the version, which a variable may set.
        above = os.path.dirname(place)
        ends = (above, os.path.dirname(above)) if place.endswith(".jar") else ()
        copies = (at for end, at in command.modules if any(one.endswith(f"/{end}") for one in ends))
        if copy := next(copies, ""):
            found[place] = os.path.normpath(os.path.join(tree, copy))
        elif any(place.startswith(f"{other}/") for other in others):
            found[place] = ""
    return found


def parse_lines(data: bytes) -> SuiteRun:
    """Return what a report of JSON lines says. Without its last line tests may have been lost."""
    outcomes: dict[str, Outcome] = {}
    header, *lines = data.split(b"\n")
    if _line(header) != {"schema": LINES_SCHEMA}:
        return SuiteRun({}, "the report of the tests is not in our format")
    plugins: dict[str, None] = {}
    has_end = False
    for line in _parsed(lines[:-1]):
        match line:
            case {"test": str(name), "outcome": str(outcome)} if outcome in _OUTCOMES:
                add_outcome(outcomes, name, _OUTCOMES[outcome])
            case {"plugin": str(path)}:
                plugins[path] = None
            case {"end": True}:
                has_end = True
            case _:
                return SuiteRun(outcomes, "the report of the tests has a line that is not ours")
    problem = "" if has_end else "the report of the tests has no end: the process ended before it"
    return SuiteRun(outcomes, problem, tuple(plugins))


def _parsed(lines: Sequence[bytes]) -> Iterator[Any]:
    """Yield the values of lines, many at once: that is three times as fast."""
    for start in range(0, len(lines), _AT_ONCE):
        chunk = lines[start : start + _AT_ONCE]
        try:
            # The line ends stay, so that no text goes on from one line to the next.
            yield from json.loads(b"[%b]" % b"\n,".join(chunk))
        except (ValueError, RecursionError):
            yield from map(_line, chunk)


def _line(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def read_output(
    runner: str, arguments: Sequence[str], shown: Sequence[str], **facts: Any
) -> CheckCommand:
    """Return the check `test` of a command whose output `command_runner` reads.

    Args:
        runner: how it is read.
        arguments: the runner's own.
        shown: the command as records show it.
        facts: other fields of the check; `read` is added to.
    """
    program = (sys.executable, "-I", "-m", "codex_orchestrator.adapters.command_runner")
    own = (sys.prefix, sys.base_prefix, str(Path(__file__).parents[1]))
    return CheckCommand(
        name="test",
        argv=(*program, runner, f"{LOG_DIR}/{TEST_REPORT}", *arguments),
        shown=tuple(shown),
        report=f"{LINES}:{TEST_REPORT}",
        **{**facts, "read": (*own, *facts.get("read", ()))},
    )
