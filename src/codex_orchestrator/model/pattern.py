"""Patterns: the reusable assets of the learning library."""

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.task import Identifier, InsidePath

_SEMANTIC_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


def _semantic_version(text: str) -> str:
    if _SEMANTIC_VERSION.fullmatch(text) is None:
        raise ValueError("must be a semantic version such as 1.2.0")
    return text


SemanticVersion = Annotated[str, AfterValidator(_semantic_version)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PatternKind(StrEnum):
    """The kind of a pattern."""

    CODEMOD = "codemod"
    LINTER = "linter"
    TEMPLATE = "template"


class PatternAsset(Document):
    """One entry of `patterns/index.json`. `sha256` is the hash over all files of its folder."""

    id: Identifier
    kind: PatternKind
    version: SemanticVersion
    language: str
    entry: InsidePath
    description: str
    usage: str
    sha256: Sha256

    def with_entry(self, entry: str) -> "PatternAsset":
        """Return the entry with its file in another place."""
        return self.model_copy(update={"entry": entry})


class PatternIndex(Document):
    """The versioned list of patterns."""

    schema_: Literal["pattern-index.v1"] = Field(alias="schema", default="pattern-index.v1")
    version: SemanticVersion
    assets: tuple[PatternAsset, ...]


class LeftFile(Document):
    """A file that a pattern did not change, and why.

    Bytes in `path` that are not UTF-8 are escaped.
    """

    path: str
    reason: str


class PatternUse(Document):
    """What applying one pattern did: files where it matched, edits made, paths changed.

    `refused` are files that the policy protects and the pattern would have changed; `skipped`
    are files that could not be edited safely. Both stand as they were.
    """

    id: Identifier
    kind: PatternKind
    version: SemanticVersion
    sha256: Sha256
    hits: int
    changes: int
    paths: tuple[str, ...] = ()
    refused: tuple[LeftFile, ...] = ()
    skipped: tuple[LeftFile, ...] = ()
