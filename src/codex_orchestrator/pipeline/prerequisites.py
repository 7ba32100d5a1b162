"""What a task needs before it is run: known patterns, a mode that fits, and checks."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from codex_orchestrator.model.approval import ApprovalKind, Grant
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import ApprovalRequiredError, InputError
from codex_orchestrator.model.mode import Mode, ModeName
from codex_orchestrator.pipeline.request import TaskFile
from codex_orchestrator.text.shown import one_line

if TYPE_CHECKING:
    from codex_orchestrator.adapters.choose import LanguageAdapters
    from codex_orchestrator.model.config import SetupConfig
    from codex_orchestrator.patterns.library import Library


def require_known_patterns(file: TaskFile, library: "Library") -> None:
    """Check that the library holds the patterns of all steps.

    Raises:
        InputError: names the first step whose pattern it does not hold.
    """
    for number, step in enumerate(file.task.steps):
        if step.pattern is not None:
            try:
                library.get(step.pattern)
            except InputError as error:
                raise InputError(
                    error.message,
                    path=file.source,
                    field=f"steps.{number}.pattern",
                    fix=error.fix,
                ) from error


def require_granted_secrets(setup: "SetupConfig", granted: Iterable[Grant]) -> None:
    """Check that a person granted the secrets that the commands of set-up get.

    Raises:
        ApprovalRequiredError: names those that nobody granted.
    """
    wanted = [Grant(ApprovalKind.SECRET, name) for name in setup.secrets] if setup.run else []
    missing = [grant for grant in wanted if grant not in tuple(granted)]
    if missing:
        commands = "; ".join(one_line(" ".join(command), limit=200) for command in setup.run)
        names = ", ".join(grant.value for grant in missing)
        raise ApprovalRequiredError(
            f"set-up hands {names} to its commands: {commands}", wanted=tuple(map(str, missing))
        )


def require_mode_fits(file: TaskFile, mode: Mode) -> None:
    """Check that the mode of a new run suits the task.

    Raises:
        InputError: the task has steps, which are carried out on this machine, and the mode is
            cloud.
    """
    if file.task.steps and mode.selected is ModeName.CLOUD:
        is_forced = mode.requested == ModeName.CLOUD
        raise InputError(
            f"a task with steps is carried out on this machine, in MCP mode ({mode.reason})",
            path="" if is_forced else file.source,
            field="--mode" if is_forced else "execution",
            fix="run it with --mode mcp, or describe the work in the brief and drop `steps`",
        )


def choose_checks(
    file: TaskFile, adapters: "LanguageAdapters", root: Path
) -> tuple[CheckCommand, ...]:
    """Return the commands of the checks that the task names, for all projects of a work tree.

    Raises:
        InputError: the task names no check, or one for which the adapter has no command.
    """
    task = file.task
    adapter, commands = adapters.commands(root, wanted=task.adapter, checks=task.checks)
    if not task.checks:
        raise InputError(
            "a task needs at least one check; without one no verdict is possible",
            path=file.source,
            field="checks",
            fix="checks: [test]",
        )
    missing = [name for name in task.checks if all(one.kind != name for one in commands.values())]
    if missing:
        known = dict.fromkeys(command.kind for command in commands.values())
        raise InputError(
            f"adapter {adapter} has no command for {', '.join(missing)}",
            path=file.source,
            field="checks",
            fix=f"it has {', '.join(known) or 'none'}; name those, or another adapter",
        )
    return tuple(
        command.within(task.limits)
        for name in task.checks
        for command in commands.values()
        if command.kind == name
    )
