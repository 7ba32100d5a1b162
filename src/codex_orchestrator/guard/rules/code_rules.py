"""Rules about changed code and tasks: whether a spec allows them, and what their names show."""

from collections.abc import Iterable

from codex_orchestrator.guard.case import Case
from codex_orchestrator.guard.config import folders
from codex_orchestrator.guard.coverage import Coverage
from codex_orchestrator.guard.rules.base import Rule
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.system.git_output import REGULAR, Entry
from codex_orchestrator.text.globs import path_matcher


class UnownedCode(Rule):
    """Code without a spec."""

    code = "SPEC001"
    name = "unowned-code"
    what = "Changed code that no spec owns, in a change that carries no spec edit that counts."
    why = "Code without a spec cannot be reviewed against a plan."
    fix = (
        "write a spec whose `paths` match the code (codex-orchestrator spec new ID --title TITLE "
        "--paths GLOB), or edit an approved spec without `paths` in the same change"
    )

    def check(self, case: Case, coverage: Coverage) -> Iterable[Finding]:
        """Report each path, and why the spec edits of the change do not count."""
        remark = _why_edits_do_not_count(case) if coverage.uncovered else ""
        for change in coverage.uncovered:
            gone = " (deleted)" if change.status == "D" else ""
            yield self.finding(change.path, 0, f"no spec owns this code{gone}{remark}")
            remark = ""  # said once


def _why_edits_do_not_count(case: Case) -> str:
    if case.config.unowned == "error" or not case.edits:
        return ""
    reasons = []
    for edit in case.edits[:3]:
        if edit.after is None:
            reason = "a deletion is not an update"
        elif not edit.has_substance:
            reason = "only spaces, dates or approvals differ, or the text only moved"
        elif edit.after.facts.paths and not edit.is_new:
            reason = "it owns other paths"
        else:
            reason = "it is not approved and fresh"
        reasons.append(f"{edit.path}: {reason}")
    more = f"; {len(case.edits) - 3} more" if len(case.edits) > 3 else ""
    return f"; spec edits that do not count: {'; '.join(reasons)}{more}"


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


class TaskWithoutSpec(Rule):
    """A task whose spec is missing."""

    code = "TASK001"
    name = "task-without-spec"
    what = "A task file names a spec that does not exist."
    why = "A task is handed to agents under its spec; without one nothing says what is allowed."
    fix = "correct `spec:` in the task, or write the spec (codex-orchestrator spec new)"

    def check(self, case: Case, coverage: Coverage) -> Iterable[Finding]:
        """Check changed tasks; all tasks in an audit and when a spec was deleted."""
        tasks = _tasks(case)
        if not tasks:
            return
        from codex_orchestrator.guard.frontmatter import read_mapping

        for entry in tasks:
            found = read_mapping(case.source.text(entry.blob) or b"")
            if isinstance(found, str) or "spec" not in found.values:
                continue
            named = found.values["spec"]
            if not isinstance(named, str) or not _is_there(named, case):
                line = found.lines.get("spec", 0) + 1
                yield self.finding(entry.path, line, f"the spec {named!r:.120} is not there")


def _tasks(case: Case) -> list[Entry]:
    is_task = path_matcher(case.config.tasks)
    if case.is_audit or any(edit.after is None for edit in case.edits):
        entries = case.source.listing(folders(case.config.tasks))
    else:
        entries = [Entry(change.path, change.new_mode, change.new_blob) for change in case.changes]
    return [
        entry
        for entry in entries
        if entry.mode in REGULAR and is_task(entry.path) and not case.is_spec(entry.path)
    ]


def _is_there(path: str, case: Case) -> bool:
    if path in case.specs:
        return True
    # git cannot be asked for a path with control characters.
    if not path.isprintable() or path.startswith("/"):
        return False
    return any(entry.path == path for entry in case.source.listing((path,)))
