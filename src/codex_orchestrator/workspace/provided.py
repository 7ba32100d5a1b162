"""What set-up put into a work tree: the record of it, and results that are kept for later trees."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from codex_orchestrator.model.canonical import canonical_bytes
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.validation import Setup
from codex_orchestrator.model.versions import read_document
from codex_orchestrator.system.durable import write_file
from codex_orchestrator.system.files import UnusableFileError, read_file
from codex_orchestrator.system.folder_digest import digest_folder

_RECORD = "set-up.json"
_MAX_BYTES = 16 * 1024 * 1024


class Provided(Document):
    """What set-up put into a work tree.

    `asked` is a digest of what was asked for. `paths` are relative to the tree, with a digest of
    each, or "" where it is not watched any more; `read` are the real places of the checkout that
    links lead to, which checks may read. `surroundings` is what results of checks depend on;
    `facts` is what the manifest says.
    """

    schema_: Literal["set-up.v1"] = Field(alias="schema", default="set-up.v1")
    asked: str
    paths: dict[str, str]
    read: tuple[str, ...]
    surroundings: tuple[str, ...]
    facts: Setup

    def with_interpreter(self, interpreter: str) -> "Provided":
        """Return the same with the Python that checks use in it."""
        facts = self.facts.model_copy(update={"interpreter": interpreter})
        return self.model_copy(update={"facts": facts})

    def changed(self, root: Path) -> tuple[str, ...]:
        """Return which of the paths somebody changed since."""
        return tuple(
            path
            for path, digest in self.paths.items()
            if digest and digest != digest_folder(str(root / path))
        )


def save_provided(place: Path, provided: Provided) -> None:
    """Write the record beside a work tree."""
    data = canonical_bytes(provided.model_dump(mode="json", by_alias=True))
    write_file(place / _RECORD, data, is_cache=True)


def load_provided(place: Path) -> Provided | None:
    """Return the record of a work tree; None where there is none that can be used."""
    try:
        data = read_file(place / _RECORD, max_bytes=_MAX_BYTES)
        return read_document(data, Provided, path=_RECORD, fix="remove it")
    except (FileNotFoundError, UnusableFileError, InputError):
        return None


def let_stay(place: Path, root: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Let provided folders of some names stay as they are now; return those that were changed.

    Args:
        place: the folder with the record.
        root: the work tree.
        names: names of folders.
    """
    provided = load_provided(place)
    found = provided.changed(root) if provided else ()
    changed = tuple(path for path in found if os.path.basename(path) in names)
    if provided and changed:
        paths = provided.paths | dict.fromkeys(changed, "")
        save_provided(place, provided.model_copy(update={"paths": paths}))
    return changed
