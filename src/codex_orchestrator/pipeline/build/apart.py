"""Build items at once, each in a work tree of its own with an agent team of its own.

The main thread opens and closes the trees and writes the record. A thread per item does nothing
but ask its team, and returns what came of it.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.model.build import BuildReport
from codex_orchestrator.model.errors import (
    ApprovalRequiredError,
    InterruptedRunError,
    LimitReachedError,
    OrchestratorError,
)
from codex_orchestrator.model.pattern import PatternUse
from codex_orchestrator.model.plan import PlanItem
from codex_orchestrator.model.run import ItemState
from codex_orchestrator.model.validation import SETUP_LOGS
from codex_orchestrator.pipeline.approve import showing_change
from codex_orchestrator.pipeline.run import OpenTree, Run, open_team, open_tree

if TYPE_CHECKING:
    from codex_orchestrator.agents.team import SdkAgentTeam


def build_apart(run: Run, items: Sequence[PlanItem], *, base: str, most: int) -> dict[str, str]:
    """Build items that all start from one state; return why items failed.

    Each is recorded as built when it is done. When one fails or waits for a person, nothing new
    is begun and what is at work goes on; any other error stops what is at work.

    Args:
        run: the run.
        items: what to build.
        base: the recorded snapshot that each work tree starts from.
        most: how many may run at the same time.

    Raises:
        ApprovalRequiredError: some items wait for approvals; names all of them.
        OrchestratorError: an error that stopped one of them stops the run.
    """
    work = _ParallelWork(run, base)
    waiting = deque(items)
    try:
        with ThreadPoolExecutor(most, thread_name_prefix="item") as threads:
            try:
                while (waiting and work.may_begin) or work.open_items:
                    while waiting and work.may_begin and len(work.open_items) < most:
                        work.begin(waiting.popleft(), threads)
                    for future in wait(work.open_items, return_when=FIRST_COMPLETED).done:
                        work.end(future)
            finally:
                work.stop()
    finally:
        work.close()
    work.raise_errors()
    return work.failures


_Result = tuple[BuildReport, tuple[PatternUse, ...]]


class _OpenItem(NamedTuple):
    """An item and its work tree, which is removed when the stack is closed."""

    item: PlanItem
    work: OpenTree
    stack: ExitStack


class _ParallelWork:
    """The items at work now. All of it runs in the main thread, except `_build`."""

    def __init__(self, run: Run, base: str) -> None:
        self._run = run
        self._base = base
        self._errors: list[OrchestratorError] = []
        self._asked: dict[str, ApprovalRequiredError] = {}
        self._teams: list[SdkAgentTeam] = []
        self._is_stopped = False
        self.open_items: dict[Future[_Result], _OpenItem] = {}
        self.failures: dict[str, str] = {}

    @property
    def may_begin(self) -> bool:
        """Return whether a new item may start."""
        return not (self.failures or self._asked or self._errors)

    def begin(self, item: PlanItem, threads: ThreadPoolExecutor) -> None:
        """Open a work tree at the start snapshot, and start a thread that builds in it."""
        run = self._run
        manifest = run.record.manifest
        planned = manifest.plan.items if manifest.plan else ()
        place = f"{manifest.run.id}.item-{planned.index(item)}"
        stack = ExitStack()
        base_sha = manifest.run.base_sha
        work = stack.enter_context(
            open_tree(
                *(run.request, run.services, place),
                base_sha=base_sha,
                log_dir=run.record.folder / SETUP_LOGS / f"item-{item.id}",
                state=self._base,
            )
        )
        run.say("build", f"{item.id}: {item.title}")
        run.record.item(item.id, ItemState.RUNNING)
        opened = _OpenItem(item, work, stack)
        self.open_items[threads.submit(self._build, opened)] = opened

    def end(self, future: Future[_Result]) -> None:
        """Record the result of an item, and remove its work tree."""
        opened, run = self.open_items.pop(future), self._run
        name = opened.item.id
        try:
            with showing_change(opened.work.tree):
                report, patterns = future.result()
        except OrchestratorError as error:
            run.save_usage()
            self._keep_error(error, opened)
        else:
            run.add_patterns(patterns)
            run.save_usage()
            if report.is_done:
                tree = opened.work.tree.snapshot()
                run.tree.keep(tree)
                run.record.item(name, ItemState.BUILT, tree=tree)
                run.say("build", f"{name}: built")
            else:
                run.record.item(name, ItemState.FAILED)
                run.say("build", f"{name}: not done")
                self.failures[name] = report.summary[:1000]
        opened.stack.close()

    def stop(self) -> None:
        """End what is at work; what a thread begins later sees that it is stopped."""
        self._is_stopped = True
        for team in tuple(self._teams):
            team.stop()

    def close(self) -> None:
        """Record what was done when the work was stopped, and remove every work tree."""
        run = self._run
        try:
            for future in [one for one in self.open_items if one.done()]:
                self.end(future)
        finally:
            run.services.rooms.workspace.forget_items(run.record.manifest.run.id)

    def raise_errors(self) -> None:
        """Raise what stops the run, if something does.

        A limit and a failed item end it for good; what a person is asked for comes before what
        may pass by itself.
        """
        limits = [one for one in self._errors if isinstance(one, LimitReachedError)]
        if limits:
            raise limits[0]
        if self.failures:
            return
        if self._asked:
            raise _all_asked(self._asked)
        if self._errors:
            raise self._errors[0]

    def _keep_error(self, error: OrchestratorError, opened: _OpenItem) -> None:
        if isinstance(error, ApprovalRequiredError):
            self._asked[opened.item.id] = error
        elif not (isinstance(error, InterruptedRunError) and self._is_stopped):
            self._errors.append(error)
            self.stop()

    def _build(self, opened: _OpenItem) -> _Result:
        """Build one item with its own team; runs in a thread and does not write the record."""
        run, item = self._run, opened.item
        if self._is_stopped:
            raise InterruptedRunError("stopped before it was begun")

        def send(kind: str, facts: Mapping[str, str | int | bool]) -> None:
            run.record.events.send(kind, {**facts, "item": item.id})

        with open_team(
            run.request,
            run.services,
            opened.work,
            policy=run.policy,
            spending=run.spending,
            log_dir=run.record.folder / "tests" / f"item-{item.id}",
            on_event=send,
            known_failures=run.base.known_failures(),
        ) as team:
            self._teams.append(team)
            # Whoever stops the teams has seen this one, or has said so before we look.
            if self._is_stopped:
                team.stop()
            return team.build(run.task, item, feedback=""), team.patterns_used


def _all_asked(asked: Mapping[str, ApprovalRequiredError]) -> ApprovalRequiredError:
    """Return one error with everything that builders ask for, by item."""
    wanted = dict.fromkeys(one for error in asked.values() for one in error.wanted)
    return ApprovalRequiredError(
        "; ".join(f"item {name}: {error.message}" for name, error in asked.items()),
        wanted=tuple(wanted),
        patch=b"".join(error.patch for error in asked.values()),
    )
