"""What proves that a run is kept elsewhere: the receipt of a catalog, an artifact of CI."""

from typing import Literal

from pydantic import Field

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.pattern import Sha256
from codex_orchestrator.model.task import Identifier


class RecordedArtifact(Document):
    """The CI artifact with the run folder: id, digest and URL."""

    schema_: Literal["recorded-artifact.v1"] = Field(alias="schema", default="recorded-artifact.v1")
    task_id: Identifier
    run_id: Identifier
    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")
    digest: Sha256
    url: str = Field(pattern=r"^https?://[^\s\x00-\x1f\x7f]{1,2000}$")
    recorded_at: str


class Receipt(Document):
    """The catalog's proof of acceptance of one manifest.

    `key` names the object in the catalog; `created` says whether this put created it (`False`: the
    same bytes were there already).
    """

    schema_: Literal["receipt.v1"] = Field(alias="schema", default="receipt.v1")
    task_id: Identifier
    run_id: Identifier
    manifest_sha256: Sha256
    catalog: str
    key: str
    created: bool
    stored_at: str
