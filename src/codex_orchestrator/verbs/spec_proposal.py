"""What `spec propose` would write."""

from typing import Any, NamedTuple


class Draft(NamedTuple):
    """A spec that does not exist yet: where it would be, what it owns, and its text."""

    path: str
    spec_id: str
    title: str
    owners: tuple[str, ...]
    owners_from: str
    paths: tuple[str, ...]
    files: int
    text: str


class SpecProposal(NamedTuple):
    """Drafts, and how many files of code there are, were owned before, and cannot be named."""

    drafts: tuple[Draft, ...]
    code: int
    owned: int
    left: int

    def as_document(self, *, is_written: bool) -> dict[str, Any]:
        """Return the proposal as a JSON document, `spec-proposal.v1`."""
        specs = [
            {key: value for key, value in draft._asdict().items() if key != "text"}
            for draft in self.drafts
        ]
        counts = {"code": self.code, "owned_before": self.owned, "left": self.left}
        return {"schema": "spec-proposal.v1", "written": is_written, **counts, "specs": specs}
