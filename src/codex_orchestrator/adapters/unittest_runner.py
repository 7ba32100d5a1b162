"""Run unittest's discovery and write a JUnit report. A program of its own: standard library only.

Unlike `python -m unittest`, no test at all is a failure (exit 5), and what failed is in the report.
"""

import argparse
import os
import sys
import time
import unittest
import xml.etree.ElementTree as ET
from typing import Any


class _Result(unittest.TextTestResult):
    """Keeps the time and the result of each test."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cases: list[ET.Element] = []
        self.started = 0.0

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's name
        super().startTest(test)
        self.started = time.perf_counter()
        self.cases.append(self._case(test))

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's name
        super().stopTest(test)
        self.cases[-1].set("time", f"{time.perf_counter() - self.started:.6f}")

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802 - unittest's name
        super().addError(test, err)
        self._note(test, "error", self.errors[-1][1])

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802 - unittest's name
        super().addFailure(test, err)
        self._note(test, "failure", self.failures[-1][1])

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802 - as above
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, "failure", str(err[1]))

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802 - unittest's name
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)

    def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802 - unittest's name
        super().addUnexpectedSuccess(test)
        self._note(test, "failure", "unexpected success")

    def _note(self, test: Any, kind: str, text: str) -> None:
        # A module or class that cannot be set up has no test of its own.
        wanted = self._case(test)
        if not self.cases or not set(wanted.items()) <= set(self.cases[-1].items()):
            self.cases.append(wanted)
        ET.SubElement(self.cases[-1], kind).text = _clean(text)[-20_000:]

    @staticmethod
    def _case(test: Any) -> ET.Element:
        # A set-up that failed is called "setUpClass (module.Class)" and belongs to no test.
        full = str(test.id())
        owner, name = ("", full) if " (" in full else full.rpartition(".")[::2]
        return ET.Element("testcase", {"classname": _clean(owner), "name": _clean(name)})


def _clean(text: str) -> str:
    """Remove characters that XML cannot hold."""
    return "".join(char for char in text if char in "\t\n" or char.isprintable())


def main() -> int:
    """Run the tests and return the exit code: 0 passed, 1 failed, 5 there were none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--start", default=".")
    parser.add_argument("--top", default=".")
    parser.add_argument("--junit", required=True)
    options = parser.parse_args()
    # Tests must not be imported from this file's own folder.
    sys.path[0] = os.path.abspath(os.curdir)
    suite = unittest.TestLoader().discover(options.start, top_level_dir=options.top)
    runner = unittest.TextTestRunner(resultclass=_Result, buffer=True)
    result = runner.run(suite)
    cases = result.cases if isinstance(result, _Result) else []
    report = ET.Element("testsuite", {"name": "unittest", "tests": str(result.testsRun)})
    report.extend(cases)
    ET.ElementTree(report).write(options.junit, encoding="utf-8", xml_declaration=True)
    if result.testsRun == 0 and not result.errors:
        print("no test was found", file=sys.stderr)  # noqa: T201 - a program of its own
        return 5
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
