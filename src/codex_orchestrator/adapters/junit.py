"""JUnit's XML: what became of each test, from a file that a test run wrote."""

from xml.parsers import expat

from codex_orchestrator.model.suite_run import Outcome, SuiteRun, add_outcome

MAX_DEPTH = 64


class _ReportError(ValueError):
    """The report cannot be used; the text says why."""


def parse_junit(data: bytes) -> SuiteRun:
    """Return what a JUnit report says. A document type, and with it every entity, is refused.

    The counters in its header are not used: runners write other numbers than they ran.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    is_final = True
    try:
        parser.Parse(data, is_final)
    except _ReportError as error:
        problem = str(error)
    except expat.ExpatError as error:
        problem = f"the report of the tests is not XML: {error}"
    # LookupError and ValueError: an encoding that Python does not know or that is not one byte.
    except (LookupError, UnicodeError) as error:
        problem = f"the report of the tests has an unusable encoding: {error}"
    else:
        problem = ""
    return SuiteRun(reader.outcomes, problem)


class _Reader:
    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._case = ""
        self._outcome: Outcome | None = None
        self._failure = Outcome.FAILED
        self._depth = 0

    def refuse(self, *_facts: object) -> None:
        raise _ReportError("the report of the tests has a document type or entities")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _ReportError(f"the report of the tests is nested deeper than {MAX_DEPTH}")
        if tag == "testcase":
            parts = (attributes.get("classname", ""), attributes.get("name", ""))
            self._case = "::".join(part for part in parts if part) or "a test without a name"
            self._outcome = Outcome.PASSED
            # Maven's report of a class that cannot be set up has the class only.
            self._failure = Outcome.FAILED if attributes.get("name") else Outcome.BROKEN
        elif self._outcome is None:
            return
        elif tag in ("failure", "error"):
            self._outcome = self._failure
        elif tag == "skipped" and self._outcome is Outcome.PASSED:
            self._outcome = Outcome.SKIPPED

    def end(self, tag: str) -> None:
        self._depth -= 1
        if tag == "testcase" and self._outcome is not None:
            add_outcome(self.outcomes, self._case, self._outcome)
            self._outcome = None
