"""What commands of a run did to the refs of the user's repository, as findings."""

from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING

from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.shown import one_line

if TYPE_CHECKING:
    from codex_orchestrator.pipeline.run import Run

RULE = "run/refs-changed"


def ref_findings(run: "Run") -> Iterator[Finding]:
    """Take back what commands did to branches, tags and other refs; yield a finding for each."""
    changed = run.services.rooms.workspace.take_back_refs(
        run.record.folder / "tests", ours=run.request.settings.config.branch_prefix
    )
    for change, is_back in changed:
        name = one_line(change.name)
        values = f"was {change.before or 'not there'}, became {change.after or 'nothing'}"
        if is_back:
            message = f"a command of the run changed the ref {name} ({values}); it is taken back"
            fix = "let the step or the check work in a repository of its own"
            if change.after and not change.after.startswith("ref: "):
                fix += f"; to have the ref: git update-ref {quote(change.name)} {change.after}"
            yield Finding(RULE, Severity.ERROR, "", 0, message, fix)
            continue
        message = f"the ref {name} changed while a command of the run was at work ({values})"
        message += "; somebody may have worked in the checkout, so it is left as it is"
        yield Finding(RULE, Severity.WARNING, "", 0, message, "take it back if you did not do it")
