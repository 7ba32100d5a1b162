"""JUnit's XML: what became of each test, from a file that a test run wrote."""

import os
from collections import Counter

from codex_orchestrator.adapters.xml_reader import read_xml
from codex_orchestrator.model.suite_run import Outcome, SuiteRun, add_outcome

_CLASS_PATHS = ("java.class.path", "surefire.test.class.path")


def parse_junit(data: bytes, *, prefix: str = "", numbers: Counter[str] | None = None) -> SuiteRun:
    """Return what a JUnit report says.

    The counters in its header are not used: runners write other numbers than they ran. Two tests
    may have one name, in one suite or in two: the second and later ones get a number.

    Args:
        data: the report.
        prefix: stands before the names of all tests.
        numbers: how often each name occurred in reports of the same run; it is added to.
    """
    reader = _Reader(prefix, Counter() if numbers is None else numbers)
    problem = read_xml(data, reader)
    return SuiteRun(reader.outcomes, problem and f"the report of the tests {problem}")


def class_path_of(data: bytes) -> tuple[str, ...]:
    """Return the places on the class path that Maven's report has, () where it has none."""
    reader = _Reader("", Counter())
    read_xml(data, reader)
    return tuple(dict.fromkeys(filter(None, reader.class_path.split(os.pathsep))))


class _Reader:
    def __init__(self, prefix: str, numbers: Counter[str]) -> None:
        self._prefix = prefix
        self._numbers = numbers
        self.outcomes: dict[str, Outcome] = {}
        self._case = ""
        self._outcome: Outcome | None = None
        self._failure = Outcome.FAILED
        self.class_path = ""
        self._is_of_bun = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "testsuites":
            self._is_of_bun = attributes.get("name") == "bun test"
        elif tag == "testcase":
            self._case = self._name_of(attributes) or "a test without a name"
            self._outcome = Outcome.PASSED
            # Maven's report of a class that cannot be set up has the class only.
            self._failure = Outcome.FAILED if attributes.get("name") else Outcome.BROKEN
        elif tag == "property" and attributes.get("name") in _CLASS_PATHS:
            self.class_path = attributes.get("value", "") or self.class_path
        elif self._outcome is None:
            return
        elif tag in ("failure", "error"):
            self._outcome = self._failure
        elif tag == "skipped" and self._outcome is Outcome.PASSED:
            self._outcome = Outcome.SKIPPED

    def _name_of(self, attributes: dict[str, str]) -> str:
        place, name = attributes.get("classname", ""), attributes.get("name", "")
        if self._is_of_bun:
            # The file is in an attribute, and the innermost title comes first.
            titles = reversed(place.split(" > "))
            return " > ".join(filter(None, (attributes.get("file", ""), *titles, name)))
        return "::".join(filter(None, (place.removeprefix("./"), name)))

    def end(self, tag: str) -> None:
        if tag == "testcase" and self._outcome is not None:
            name = self._prefix + self._case
            # Several lines may say that one class is broken.
            numbers = None if self._outcome is Outcome.BROKEN else self._numbers
            add_outcome(self.outcomes, name, self._outcome, numbers=numbers)
            self._outcome = None
