"""What the stages of one run share."""

from typing import TYPE_CHECKING

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.pattern import PatternUse
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.model.spending import Spending
from codex_orchestrator.pipeline.record import RunRecord
from codex_orchestrator.pipeline.run_rooms import RunRequest, RunRooms

if TYPE_CHECKING:
    from codex_orchestrator.agents.team import SdkAgentTeam
    from codex_orchestrator.codex.cloud import RunCloud
    from codex_orchestrator.workspace.tree import GitWorkTree


class Work:
    """One run at work: its rooms, record, work tree, agents, and Codex Cloud in cloud mode."""

    def __init__(
        self,
        request: RunRequest,
        rooms: RunRooms,
        record: RunRecord,
        tree: "GitWorkTree",
        team: "SdkAgentTeam",
        checks: tuple[CheckCommand, ...],
        policy: Policy,
        spending: Spending,
        *,
        cloud: "RunCloud | None" = None,
    ) -> None:
        self.request = request
        self.task = request.task
        self.rooms = rooms
        self.record = record
        self.tree = tree
        self.team = team
        self.checks = checks
        self.policy = policy
        self.spending = spending
        self.cloud = cloud
        self.round = 0
        self.git_settings = rooms.workspace.git_settings()
        # An earlier attempt of this run has done something already.
        self._patterns_before = record.manifest.patterns
        self._patterns_apart: tuple[PatternUse, ...] = ()

    def save_usage(self, **reached: str) -> None:
        """Write what the models were asked for, what the patterns did, and how far the run came."""
        self.record.save(
            run=self.record.manifest.run.model_copy(update=reached),
            usage=self.spending.usage,
            patterns=self._patterns_before + self._patterns_apart + self.team.patterns_used,
        )

    def add_patterns(self, uses: tuple[PatternUse, ...]) -> None:
        """Count what patterns did in the hands of another team than the run's own."""
        self._patterns_apart += uses

    def say(self, stage: str, text: str) -> None:
        """Tell people and the event stream where the run stands."""
        self.rooms.progress(f"{stage:<7} {text}")
        self.record.events.send("stage", {"stage": stage, "text": text})
