"""The ports for recorded states of runs that go on in another clone."""

from collections.abc import Sequence
from typing import Protocol

from codex_orchestrator.model.canonical import JsonValue
from codex_orchestrator.model.manifest import Artifact, Manifest
from codex_orchestrator.model.verification import InspectedRun
from codex_orchestrator.model.work_pack import WorkPack


class StateCarrier(Protocol):
    """Knows which runs were at work in this repository, and packs what they recorded."""

    def begin(self, run_id: str, *, base_sha: str) -> None:
        """Note where no file of the run can say so that a run is at work here."""
        ...

    def has_begun(self, run_id: str) -> bool:
        """Say whether an unfinished run was at work in this repository before."""
        ...

    def missing_states(self, trees: Sequence[str]) -> tuple[str, ...]:
        """Return those of the recorded states that this repository does not have."""
        ...

    def pack_states(self, trees: Sequence[str], *, base_sha: str) -> WorkPack:
        """Pack recorded states; what holds a secret or is too large is not packed."""
        ...

    def unpack_states(
        self, data: bytes, *, run_id: str, trees: Sequence[str], base_sha: str
    ) -> None:
        """Take the states out of a pack, or raise NotCheckedError and keep nothing of it."""
        ...


class WorkPackStore(Protocol):
    """Holds the packs of runs, as files of their folders."""

    def read(self, run_id: str) -> tuple[bytes, dict[str, JsonValue]]:
        """Return the manifest's bytes as they stand, and its fields."""
        ...

    def read_artifact(self, manifest: Manifest, artifact: Artifact, *, max_bytes: int) -> bytes:
        """Read one file of the run folder; raise NotCheckedError unless it is as recorded."""
        ...

    def inspect(self, task_id: str, run_id: str) -> InspectedRun:
        """Hash every file of a run folder and compare with its manifest."""
        ...
