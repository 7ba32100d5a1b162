"""The record of a work tree: what it began from, and where it and its git folder are.

It is written last: a work tree without it is incomplete and is created again.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.versions import NewerSchemaError, Schema, load_fields, refuse_newer
from codex_orchestrator.system.durable import write_file
from codex_orchestrator.system.files import read_file

# In version 1 the record did not name its schema.
_SCHEMA = Schema("work-tree", 2)
_NAME = "record.json"
_MAX_BYTES = 64 * 1024


def write_record(place: Path, record: Mapping[str, str]) -> None:
    """Write the record of the work tree in a folder."""
    data = json.dumps({"schema": str(_SCHEMA), **record}).encode()
    write_file(place / _NAME, data, is_cache=True)


def read_record(place: Path) -> dict[str, str]:
    """Return base, root and git folder of a work tree; nothing for one that is not complete.

    Raises:
        NewerSchemaError: a newer version made it.
        NotCheckedError: the record is damaged.
    """
    path = str(place / _NAME)
    try:
        record = load_fields(read_file(place / _NAME, max_bytes=_MAX_BYTES), path=path)
        refuse_newer(record.get("schema"), _SCHEMA, path=path)
    except FileNotFoundError:
        return {}
    except NewerSchemaError:
        raise
    except InputError as error:
        raise NotCheckedError(error.message, fix=f"remove {place}") from error
    match record:
        case {"base": str(base), "root": str(root), "git_dir": str(git_dir)}:
            return {"base": base, "root": root, "git_dir": git_dir}
    raise NotCheckedError(f"{path}: does not name base, root and git folder", fix=f"remove {place}")
