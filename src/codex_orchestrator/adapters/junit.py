"""JUnit reports: which tests failed, read from untrusted XML that a test run wrote."""

from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from codex_orchestrator.system.files import UnusableFileError, read_file
from codex_orchestrator.text.shown import shortened, shows

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64
MAX_FAILURES = 500
MAX_NAME = 300


class JunitReport(NamedTuple):
    """How many tests a report holds, and the names of those that failed, in order.

    `left_out` counts failing tests beyond the first 500.
    """

    tests: int
    skipped: int
    failures: tuple[str, ...]
    left_out: int = 0


class JunitError(ValueError):
    """The report cannot be used; the text says why."""


def read_junit(path: Path) -> JunitReport:
    """Read a JUnit report.

    Raises:
        JunitError: it is missing, a link, too large, or not plain XML.
    """
    try:
        return parse_junit(read_file(path, max_bytes=MAX_BYTES))
    except FileNotFoundError as error:
        raise JunitError(f"the report cannot be read: {error.strerror}") from error
    except UnusableFileError as error:
        raise JunitError(f"the report {error.problem}") from error


def parse_junit(data: bytes) -> JunitReport:
    """Parse a JUnit report. A document type, and with it every entity, is refused.

    Raises:
        JunitError: it is too large, too deep, or not plain XML.
    """
    if len(data) > MAX_BYTES:
        raise JunitError(f"the report is larger than {MAX_BYTES} bytes")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    is_final = True
    try:
        parser.Parse(data, is_final)
    except expat.ExpatError as error:
        raise JunitError(f"the report is not XML: {error}") from error
    # LookupError and ValueError: an encoding that Python does not know or that is not one byte.
    except (LookupError, UnicodeError) as error:
        raise JunitError(f"the report has an unusable encoding: {error}") from error
    return JunitReport(reader.tests, reader.skipped, tuple(reader.failures), reader.left_out)


class _Reader:
    def __init__(self) -> None:
        self.tests = 0
        self.skipped = 0
        self.failures: list[str] = []
        self.left_out = 0
        self._case = ""
        self._is_failed = False
        self._depth = 0

    def refuse(self, *_facts: object) -> None:
        raise JunitError("the report has a document type or entities")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise JunitError(f"the report is nested deeper than {MAX_DEPTH}")
        if tag == "testcase":
            self.tests += 1
            self._is_failed = False
            parts = (attributes.get("classname", ""), attributes.get("name", ""))
            self._case = _name("::".join(part for part in parts if part))
        elif tag == "skipped":
            self.skipped += 1
        elif tag in ("failure", "error") and self._case:
            self._is_failed = True

    def end(self, tag: str) -> None:
        self._depth -= 1
        if tag != "testcase":
            return
        if self._is_failed and len(self.failures) < MAX_FAILURES:
            self.failures.append(self._case)
        elif self._is_failed:
            self.left_out += 1
        self._case = ""


def _name(text: str) -> str:
    return shortened(
        "".join(char if shows(char) else f"\\u{ord(char):04x}" for char in text), MAX_NAME
    )


def failing_tests(path: Path) -> tuple[str, ...]:
    """Return the names of the failing tests in a report.

    The exit code decides whether a check passed; the report only explains it. So a report that
    cannot be used has no names, and more names than fit end in a line that counts the rest.
    """
    try:
        report = read_junit(path)
    except JunitError:
        return ()
    rest = (f"and {report.left_out} more",) if report.left_out else ()
    return report.failures + rest
