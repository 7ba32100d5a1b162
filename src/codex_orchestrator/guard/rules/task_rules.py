"""Rules about tasks: each names the spec that allows it."""

from collections.abc import Iterable

from codex_orchestrator.guard.case import Case
from codex_orchestrator.guard.config import folders
from codex_orchestrator.guard.coverage import Coverage
from codex_orchestrator.guard.rules.base import Rule
from codex_orchestrator.model.finding import Finding
from codex_orchestrator.system.git_output import REGULAR, Entry
from codex_orchestrator.text.globs import path_matcher


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
