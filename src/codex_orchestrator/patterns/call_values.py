"""The variables of a test that hold what a call gave."""

import re

from codex_orchestrator.patterns.nodes import Node
from codex_orchestrator.patterns.strength import is_same

_CALL_VALUE = re.compile(r"(?:const |let )?(\w+) :?= ((?:await )?[\w.]+\([^()]*\));?")
_MOST = 5


class CallValues:
    """The variables that hold what a call gave, up to one place in a test."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._values: dict[str, tuple[str, int]] = {}

    def note(self, assignment: Node) -> None:
        """Note a variable, if an assignment gives it what a call gave."""
        self._values.pop(re.split(r"[ :=]", assignment.text, maxsplit=1)[0], None)
        found = _CALL_VALUE.fullmatch(assignment.text)
        if found is not None:
            self._values[found[1]] = found[2], assignment.end
            if len(self._values) > _MOST:
                del self._values[next(iter(self._values))]

    def is_repeated(self, code: str, start: int) -> bool:
        """Say whether a comparison is of a call with what the same call gave just before.

        Args:
            code: the comparison.
            start: where the assertion starts in the file. A call between the two may have changed
                what the second one gives, so that the comparison says something.
        """
        for name, (value, end) in self._values.items():
            if name not in code:
                continue
            between = re.sub(r"\bassert\w*\(", "", self._source[end:start].replace(value, ""))
            if "(" not in between:
                code = re.sub(rf"(?<![\w.]){name}\b", value.replace("\\", r"\\"), code)
        return is_same(" ".join(code.split()))
