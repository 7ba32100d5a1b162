"""Decides by the policy what a tool may do, and writes each decision to a file."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from codex_orchestrator.model.approval import edit_of
from codex_orchestrator.model.decision import Decision, DecisionKind
from codex_orchestrator.model.errors import ApprovalRequiredError, InputError
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.system.durable import append_line
from codex_orchestrator.text.shown import shows

_LONGEST = 400
Facts = Mapping[str, str | int | bool | list[str]]


class RefusedError(InputError):
    """Something that the policy forbids and no approval can allow."""


class Gate:
    """Decides by the policy, records the decision, and raises when the answer is no.

    `decisions` is the file that gets a line for each decision; with None none is kept. Where it
    cannot be written nothing is allowed: the call ends with a ServiceError.
    """

    def __init__(self, policy: Policy, *, decisions: Path | None, clock: Callable[[], str]) -> None:
        self._policy = policy
        self._decisions = decisions
        self._clock = clock

    @property
    def output_bytes(self) -> int:
        """How much one command may print."""
        return self._policy.output_bytes

    def read(self, tool: str, path: str) -> None:
        """Allow reading a file.

        Raises:
            RefusedError: the file holds secrets.
        """
        rule = self._policy.secret_rule(path)
        self._decide(tool, {"path": path[:_LONGEST]}, refusal=rule and f"secret file: {rule}")

    def is_secret(self, path: str) -> bool:
        """Say whether a file must not be shown; for lists, where no decision is recorded."""
        return bool(self._policy.secret_rule(path))

    def look(self, tool: str, arguments: Facts) -> None:
        """Record a call that reads and is always allowed."""
        self._decide(tool, arguments)

    def edit(self, tool: str, paths: Sequence[str]) -> None:
        """Allow editing files: all of them or none.

        Raises:
            RefusedError: a file holds secrets.
            ApprovalRequiredError: a file is protected; names it and how to grant it.
        """
        arguments: Facts = {"paths": [path[:_LONGEST] for path in paths[:100]], "count": len(paths)}
        for path in paths:
            secret = self._policy.secret_rule(path)
            if secret:
                self._decide(tool, arguments, refusal=f"secret file: {secret}")
            rule = self._policy.protecting_rule(path)
            if rule:
                self._ask(tool, arguments, edit_of(path), f"protected path: {rule}")
        self._decide(tool, arguments)

    def edit_refusal(self, path: str) -> str:
        """Return why a file must not be edited, "" when it may be; records nothing."""
        return self._policy.secret_rule(path) or self._policy.protecting_rule(path)

    def run(self, tool: str, argv: Sequence[str]) -> None:
        """Allow running a command.

        Raises:
            ApprovalRequiredError: the policy does not list it; names it and how to grant it.
        """
        arguments: Facts = {"argv": [item[:_LONGEST] for item in argv[:100]]}
        if self._policy.allows_command(tuple(argv)):
            self._decide(tool, arguments)
            return
        wanted = shlex.join(argv)
        if len(wanted) > _LONGEST or not all(map(shows, wanted)):
            self._decide(
                tool, arguments, refusal="a command that cannot be shown to a person for approval"
            )
        self._ask(tool, arguments, f"run:{wanted}", "the policy does not list this command")

    def _decide(self, tool: str, arguments: Facts, *, refusal: str = "") -> None:
        kind = DecisionKind.REFUSED if refusal else DecisionKind.ALLOWED
        self._record(kind, tool, arguments, rule=refusal)
        if refusal:
            raise RefusedError(f"refused — {refusal}")

    def _ask(self, tool: str, arguments: Facts, escalation: str, rule: str) -> None:
        self._record(
            DecisionKind.APPROVAL_REQUIRED, tool, arguments, rule=rule, escalation=escalation
        )
        raise ApprovalRequiredError(
            f"approval-required {escalation} — {rule}",
            fix="stop here: a person must grant it",
        )

    def _record(
        self, kind: DecisionKind, tool: str, arguments: Facts, *, rule: str, escalation: str = ""
    ) -> None:
        if self._decisions is not None:
            facts = {"at": self._clock(), "tool": tool, "arguments": arguments}
            append_line(self._decisions, Decision(kind, rule, escalation, facts).line())
