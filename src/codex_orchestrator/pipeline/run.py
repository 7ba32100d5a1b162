"""The run in progress: what its stages share, and how its work trees and teams are opened."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.pattern import PatternUse
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.model.suite_run import SuiteChange
from codex_orchestrator.pipeline.guardrails import rails_of
from codex_orchestrator.pipeline.prerequisites import choose_checks
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.request import RunRequest

if TYPE_CHECKING:
    from codex_orchestrator.agents.team import SdkAgentTeam
    from codex_orchestrator.pipeline.baseline import BaseChecks
    from codex_orchestrator.pipeline.services import Services
    from codex_orchestrator.workspace.provided import Provided
    from codex_orchestrator.workspace.tree import GitWorkTree


class OpenTree(NamedTuple):
    """A work tree that stands open, the checks of the project in it, and what set-up put there."""

    tree: "GitWorkTree"
    checks: tuple[CheckCommand, ...]
    provided: "Provided"


@contextmanager
def open_tree(
    request: RunRequest,
    services: "Services",
    place: str,
    *,
    base_sha: str,
    log_dir: Path,
    state: str = "",
) -> Iterator[OpenTree]:
    """Open a work tree, set it up, and ask the project's adapter for the task's checks in it.

    It is asked in each tree, as the base has it: what tools a check needs may lie there.

    Args:
        request: what was asked.
        services: what it is done with.
        place: the id of the work tree: the run's own, or one that begins with it and a dot.
        base_sha: the commit that the tree is made from.
        log_dir: where the logs of set-up go.
        state: a recorded state that it is brought to; "" leaves it as it is.

    Raises:
        InputError: the task names no check, or one that the adapter has no command for.
        NotCheckedError: something that the checks need is missing.
    """
    with services.rooms.workspace.open(place, base_sha=base_sha) as tree:
        if request.resume:
            # It may hold the work of an earlier attempt, and the base says how that is checked.
            state = state or tree.snapshot()
            tree.restore(base_sha)
        deadline_s = 60.0 * request.task.task.limits.minutes
        config = request.settings.config.setup
        work, provided = services.rooms.workspace.set_up(
            tree, config, log_dir=log_dir, deadline_s=deadline_s
        )
        checks = checks_in(request, services, work.root, provided)
        if state:
            work.restore(state)
        yield OpenTree(work, checks, provided.with_interpreter(services.rooms.adapters.interpreter))


def checks_in(
    request: RunRequest, services: "Services", root: Path, provided: "Provided"
) -> tuple[CheckCommand, ...]:
    """Return the commands of the task's checks, with what set-up lets them see and read.

    Raises:
        InputError: the task names no check, or one that the adapter has no command for.
        NotCheckedError: a tool of one of the checks is missing.
    """
    passed = services.rooms.workspace.variables(request.settings.config.setup.pass_env)
    return tuple(
        command.model_copy(
            update={
                "env": (*passed.items(), *command.env),
                "read": (*command.read, *provided.read),
            }
        )
        for command in choose_checks(request.task, services.rooms.adapters, root)
    )


def open_team(
    request: RunRequest,
    services: "Services",
    work: OpenTree,
    *,
    policy: Policy,
    spending: Spending,
    log_dir: Path,
    on_event: Callable[[str, Mapping[str, str | int | bool]], None],
    known_failures: Mapping[str, Sequence[str]] | None = None,
) -> "AbstractContextManager[SdkAgentTeam]":
    """Start a team of agents that work in an open work tree; all of it ends with the context.

    Args:
        request: what was asked.
        services: what it is done with.
        work: where the agents work.
        policy: what they may do.
        spending: what they may use, and have used.
        log_dir: where the logs of the checks that they run go.
        on_event: takes what happens, its kind and its facts.
        known_failures: the tests that fail at the base, by check; the agents are told.
    """
    rails = rails_of(request, services, work.tree, policy)
    return services.rooms.engine.open(
        root=work.tree.root,
        git_dir=work.tree.git_dir,
        log_dir=log_dir,
        policy=policy,
        checks=work.checks,
        rails=rails._replace(known_failures=known_failures or {}),
        spending=spending,
        on_event=on_event,
    )


class Run:
    """One run at work: what was asked, what it is done with, its record, work tree and agents."""

    def __init__(
        self,
        request: RunRequest,
        services: "Services",
        record: RunRecord,
        work: OpenTree,
        team: "SdkAgentTeam",
        policy: Policy,
        spending: Spending,
        base: "BaseChecks",
    ) -> None:
        self.request = request
        self.task = request.task.task
        self.services = services
        self.record = record
        self.tree, self.checks, self.provided = work
        self.team = team
        self.policy = policy
        self.spending = spending
        self.base = base
        self.round = 0
        # What the checks did not see, and which file of the work which check changed.
        self.hidden: tuple[str, ...] = ()
        self.rewritten: dict[str, str] = {}
        # How the tests differ from the base's by check, and settings that are the base's.
        self.compared: dict[str, SuiteChange] = {}
        self.settings: dict[str, str] = {}
        # Files that modules are newly loaded from, each with the one that it replaces.
        self.replaced: dict[str, str] = {}
        # The files of the work that hook into the test runner.
        self.plugins: set[str] = set()
        self.git_settings = base.git_settings
        # What earlier attempts of this run did.
        self._patterns_before = record.manifest.patterns
        self._patterns_apart: tuple[PatternUse, ...] = ()

    def save_usage(self, *, tested: str = "", reviewed: str = "") -> None:
        """Record what models and patterns did, and how far the run came; see `RunRecord.spent`."""
        patterns = self._patterns_before + self._patterns_apart + self.team.patterns_used
        self.record.spent(self.spending.usage, patterns, tested=tested, reviewed=reviewed)

    def add_patterns(self, uses: tuple[PatternUse, ...]) -> None:
        """Add uses of patterns by another team than the run's own."""
        self._patterns_apart += uses

    def say(self, stage: str, text: str) -> None:
        """Report the progress of the run to people and the event stream."""
        self.services.terminal.progress(f"{stage:<7} {text}")
        self.record.events.send("stage", {"stage": stage, "text": text})
