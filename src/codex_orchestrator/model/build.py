"""What the builder reports, and what changed in the work tree."""

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.task import Identifier


class BuildReport(Document):
    """The builder's own account of one plan item; the diff is the evidence.

    `is_done` says whether the builder could carry the item out.
    """

    item_id: Identifier
    is_done: bool
    summary: str
    notes: tuple[str, ...] = ()


class TestExplanation(Document):
    """The tester's explanation of check results. Only exit codes decide."""

    __test__ = False

    summary: str
    likely_cause: str = ""
    suggestion: str = ""


class Change(Document):
    """What stands in the work tree against the base: paths, sizes and the patch.

    `patch` is `git diff --binary` text; line counts leave binary files out.
    """

    paths: tuple[str, ...]
    added_lines: int
    removed_lines: int
    patch: bytes
