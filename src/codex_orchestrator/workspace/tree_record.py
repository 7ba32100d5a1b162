"""The record of a work tree: what it began from, and where it and its git folder are.

It is written last: a work tree without it is incomplete and is created again.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.versions import Schema, refuse_newer
from codex_orchestrator.system.durable import write_file

# In version 1 the record did not name its schema.
_SCHEMA = Schema("work-tree", 2)


def write_record(place: Path, record: Mapping[str, str]) -> None:
    """Write the record of the work tree in a folder."""
    data = json.dumps({"schema": str(_SCHEMA), **record}).encode()
    write_file(place / "record.json", data, is_cache=True)


def read_record(place: Path) -> dict[str, str]:
    """Return base, root and git folder of a work tree; nothing for one that is not complete.

    Raises:
        NewerSchemaError: a newer version made it.
        NotCheckedError: the record is damaged.
    """
    try:
        record = json.loads((place / "record.json").read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotCheckedError(
            f"{place / 'record.json'} cannot be read: {error}", fix=f"remove {place}"
        ) from error
    refuse_newer(record.get("schema"), _SCHEMA, path=str(place / "record.json"))
    return {name: str(record[name]) for name in ("base", "root", "git_dir")}
