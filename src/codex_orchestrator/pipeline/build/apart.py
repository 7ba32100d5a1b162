"""Build items at once, each in a work tree of its own with an agent team of its own.

The main thread opens and closes the trees and writes the record. A thread per item does nothing
but ask its team, and returns what came of it.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, suppress
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.build import BuildReport
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import (
    ApprovalRequiredError,
    InterruptedRunError,
    LimitReachedError,
    OrchestratorError,
)
from codex_orchestrator.model.pattern import PatternUse
from codex_orchestrator.model.plan import PlanItem
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.pipeline.checks import choose_checks
from codex_orchestrator.pipeline.rails_of import rails_of
from codex_orchestrator.pipeline.run import Work

if TYPE_CHECKING:
    from codex_orchestrator.agents.team import SdkAgentTeam
    from codex_orchestrator.workspace.tree import GitWorkTree


def build_apart(work: Work, items: Sequence[PlanItem], *, base: str, most: int) -> dict[str, str]:
    """Build items that all start from one state; return why items failed.

    Each is recorded as built when it is done. When one fails or waits for a person, nothing new
    is begun and what is at work goes on; any other trouble ends what is at work.

    Args:
        work: the run.
        items: what to build.
        base: the recorded state that each work tree starts from.
        most: how many may be at work at once.

    Raises:
        ApprovalRequiredError: some wait for a person; names all that is asked for.
        OrchestratorError: what stopped one of them stops the run.
    """
    shop = _Shop(work, base)
    waiting = deque(items)
    try:
        with ThreadPoolExecutor(most, thread_name_prefix="item") as threads:
            try:
                while (waiting and shop.goes_on) or shop.at_work:
                    while waiting and shop.goes_on and len(shop.at_work) < most:
                        shop.begin(waiting.popleft(), threads)
                    for future in wait(shop.at_work, return_when=FIRST_COMPLETED).done:
                        shop.end(future)
            finally:
                shop.crew.stop()
    finally:
        shop.close()
    shop.raise_troubles()
    return shop.failures


class _Told(NamedTuple):
    """What a thread returns: a report, or the trouble that stopped its item."""

    report: BuildReport | None
    patterns: tuple[PatternUse, ...]
    trouble: OrchestratorError | None


class _Place(NamedTuple):
    """An item and its work tree, which is removed when the stack is closed."""

    item: PlanItem
    tree: "GitWorkTree"
    checks: tuple[CheckCommand, ...]
    stack: ExitStack


class _Crew:
    """The teams at work; all of them can be told to stop from another thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._teams: list[SdkAgentTeam] = []
        self._is_stopped = False

    @property
    def is_stopped(self) -> bool:
        with self._lock:
            return self._is_stopped

    def add(self, team: "SdkAgentTeam") -> None:
        with self._lock:
            self._teams.append(team)
        if self.is_stopped:
            team.stop()

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            teams = tuple(self._teams)
        for team in teams:
            team.stop()


class _Shop:
    """What is at work now. All of it runs in the main thread, except `_ask`."""

    def __init__(self, work: Work, base: str) -> None:
        self._work = work
        self._base = base
        self._troubles: list[OrchestratorError] = []
        self._asked: dict[str, ApprovalRequiredError] = {}
        self.crew = _Crew()
        self.at_work: dict[Future[_Told], _Place] = {}
        self.failures: dict[str, str] = {}

    @property
    def goes_on(self) -> bool:
        """Say whether something new may be begun."""
        return not (self.failures or self._asked or self._troubles)

    def begin(self, item: PlanItem, threads: ThreadPoolExecutor) -> None:
        """Open a work tree at the state to start from, and put a thread to work in it."""
        work = self._work
        stack = ExitStack()
        tree = stack.enter_context(self._open_tree(item))
        tree.restore(self._base)
        # Asked again: what tools a check needs may lie in the work tree.
        adapter, commands = work.rooms.adapters.commands(
            tree.root, wanted=work.task.adapter, checks=work.task.checks
        )
        checks = choose_checks(work.request, commands, adapter=adapter)
        work.say("build", f"{item.id}: {item.title}")
        work.record.item(item.id, ItemState.RUNNING)
        place = _Place(item, tree, checks, stack)
        self.at_work[threads.submit(self._ask, place)] = place

    def end(self, future: Future[_Told]) -> None:
        """Record what came of an item, and remove its work tree."""
        place, work = self.at_work.pop(future), self._work
        told = future.result()
        work.add_patterns(told.patterns)
        work.save_usage()
        name = place.item.id
        if told.trouble is not None:
            self._take(told.trouble, place)
        elif told.report is not None and told.report.is_done:
            tree = place.tree.snapshot()
            work.tree.keep(tree)
            work.record.item(name, ItemState.BUILT, tree=tree)
            work.say("build", f"{name}: built")
        elif told.report is not None:
            work.record.item(name, ItemState.FAILED)
            work.say("build", f"{name}: not done")
            self.failures[name] = told.report.summary[:1000]
        place.stack.close()

    def close(self) -> None:
        """Keep what was done when the work was stopped, and remove every work tree."""
        work = self._work
        try:
            for future in [one for one in self.at_work if one.done()]:
                self.end(future)
        finally:
            work.rooms.workspace.forget_items(work.record.manifest.run.id)

    def raise_troubles(self) -> None:
        """Raise what stops the run, if something does.

        A limit and a failed item end it for good; what a person is asked for comes before what
        may pass by itself.
        """
        limits = [one for one in self._troubles if isinstance(one, LimitReachedError)]
        if limits:
            raise limits[0]
        if self.failures:
            return
        if self._asked:
            raise _all_asked(self._asked)
        if self._troubles:
            raise self._troubles[0]

    def _take(self, trouble: OrchestratorError, place: _Place) -> None:
        if isinstance(trouble, ApprovalRequiredError):
            # For the person who is asked; a change that is too large is no reason not to ask.
            with suppress(LimitReachedError):
                trouble.patch = trouble.patch or place.tree.change().patch
            self._asked[place.item.id] = trouble
        elif not (isinstance(trouble, InterruptedRunError) and self.crew.is_stopped):
            self._troubles.append(trouble)
            self.crew.stop()

    def _open_tree(self, item: PlanItem) -> "AbstractContextManager[GitWorkTree]":
        manifest = self._work.record.manifest
        planned = manifest.plan.items if manifest.plan else ()
        place = f"{manifest.run.id}.item-{planned.index(item)}"
        return self._work.rooms.workspace.open(place, base_sha=manifest.run.base_sha)

    def _ask(self, place: _Place) -> _Told:
        """Build one item with a team of its own; runs in a thread and touches no record."""
        work = self._work
        if self.crew.is_stopped:
            return _Told(None, (), InterruptedRunError("stopped before it was begun"))
        base_sha = work.record.manifest.run.base_sha

        def send(kind: str, facts: Mapping[str, str | int | bool]) -> None:
            work.record.events.send(kind, {**facts, "item": place.item.id})

        try:
            with work.rooms.engine.open(
                root=place.tree.root,
                log_dir=work.record.folder / "tests" / f"item-{place.item.id}",
                policy=work.policy,
                checks=place.checks,
                rails=rails_of(
                    work.request, work.rooms, place.tree, work.policy, base_sha=base_sha
                ),
                spending=work.spending,
                on_event=send,
            ) as team:
                self.crew.add(team)
                report = team.build(work.task, place.item, feedback="")
                return _Told(report, team.patterns_used, None)
        except OrchestratorError as trouble:
            return _Told(None, (), trouble)


def _all_asked(asked: Mapping[str, ApprovalRequiredError]) -> ApprovalRequiredError:
    """Return one error that names all that builders ask for, by item."""
    wanted = dict.fromkeys(one for error in asked.values() for one in error.wanted)
    return ApprovalRequiredError(
        "; ".join(f"item {name}: {error.message}" for name, error in asked.items()),
        wanted=tuple(wanted),
        patch=b"".join(error.patch for error in asked.values()),
    )
