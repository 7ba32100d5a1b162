"""What the workspace server decided and did, read back from the files that it writes.

Tool results pass through the model's eyes and hold text from the repository, so they prove
nothing. The server writes its decisions and pattern uses to files that no tool can reach.
"""

from pathlib import Path

from codex_orchestrator.model.decision import DecisionKind, parse_decision
from codex_orchestrator.model.errors import ApprovalRequiredError, NotCheckedError
from codex_orchestrator.model.pattern import PatternUse
from codex_orchestrator.text.shown import one_line


class DecisionLog:
    """Reads the decisions file and the uses file of one workspace server."""

    def __init__(self, decisions: Path, uses: Path) -> None:
        self._decisions = decisions
        self._uses = uses
        self._seen = 0

    def raise_if_approval_is_needed(self) -> None:
        """Stop the run when the server refused something that a person could grant.

        Raises:
            ApprovalRequiredError: names what is asked for and how to grant it.
            NotCheckedError: a line is no decision.
        """
        lines = _lines(self._decisions)
        fresh, self._seen = lines[self._seen :], len(lines)
        for line in fresh:
            try:
                decision = parse_decision(line)
            except (ValueError, RecursionError) as error:
                raise _damaged(self._decisions, error) from error
            if decision.kind is DecisionKind.APPROVAL_REQUIRED:
                wanted = decision.escalation
                raise ApprovalRequiredError(
                    f"the builder asks for {one_line(wanted)}: {one_line(decision.rule)}",
                    wanted=(wanted,),
                )

    def uses(self) -> tuple[PatternUse, ...]:
        """Return what every apply_pattern call did, in order.

        Raises:
            NotCheckedError: a line is no use of a pattern.
        """
        try:
            return tuple(PatternUse.model_validate_json(line) for line in _lines(self._uses))
        except ValueError as error:
            raise _damaged(self._uses, error) from error


def _damaged(path: Path, error: Exception) -> NotCheckedError:
    return NotCheckedError(
        f"{path.name} of the workspace server is damaged: {one_line(str(error))[:200]}",
        fix="run the task again",
    )


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    text = path.read_text("utf-8")
    # A line without its newline is still being written.
    return text[: text.rfind("\n") + 1].splitlines()
