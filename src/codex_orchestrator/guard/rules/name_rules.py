"""Rules about file names."""

from collections.abc import Iterable

from codex_orchestrator.guard.case import Case
from codex_orchestrator.guard.coverage import Coverage
from codex_orchestrator.guard.rules.base import Rule
from codex_orchestrator.model.finding import Finding, Severity


class DeceptiveName(Rule):
    """A name that shows other than it is."""

    code = "NAME001"
    name = "deceptive-name"
    what = "A changed code or spec path has control, invisible or text-reordering characters."
    why = "A reviewer sees another name than the one that git stores."
    fix = "rename the file with plain letters"

    def check(self, case: Case, coverage: Coverage) -> Iterable[Finding]:
        """Look at names that are new or changed."""
        if case.is_audit:
            return
        for change in case.changes:
            if change.path.isascii() and change.path.isprintable():
                continue
            if change.status == "D" or not (case.is_code(change.path) or case.is_spec(change.path)):
                continue
            problem, severity = _problem(change.path)
            if problem:
                yield self.finding(change.path, 0, problem, severity=severity)


def _problem(path: str) -> tuple[str, Severity]:
    from codex_orchestrator.text.names import is_invisible

    for char in path:
        if "\udc80" <= char <= "\udcff":
            return "the name is not UTF-8; GitHub and other tools cannot show it", Severity.WARNING
        if (
            is_invisible(char)
            or (not char.isprintable() and not char.isspace())
            or char in "\n\r\t"
        ):
            return f"the name holds the hidden character U+{ord(char):04X}", Severity.ERROR
    return "", Severity.NOTE
