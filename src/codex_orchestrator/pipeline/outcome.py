"""What comes of a request to run a task: a verdict, a stop before the end, or a refusal."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.finding import Finding
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.task import Task


class FinishedRun(NamedTuple):
    """A run with a verdict, where it stands, and the branch that holds its commit.

    `tails` has the end of the log of each check that did not pass, by the log's path.
    """

    manifest: Manifest
    manifest_sha256: str
    folder: Path
    branch: str
    tails: Mapping[str, str]


class StoppedRun(NamedTuple):
    """A run that stopped before its end, as it stands in its folder now, and why it stopped."""

    manifest: Manifest
    manifest_sha256: str
    folder: Path
    reason: str


class RefusedTask(NamedTuple):
    """A task that no run was started for: what the spec guard found."""

    task: Task
    findings: tuple[Finding, ...]
