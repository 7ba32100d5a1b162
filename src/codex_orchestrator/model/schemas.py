"""JSON Schemas of the documents that cross the border, made from the models.

    python -m codex_orchestrator.model.schemas schemas/

writes them; a test writes them again and compares.
"""

import json
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema

from codex_orchestrator.model.audit import AuditRecord
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.pattern import PatternIndex
from codex_orchestrator.model.receipt import Receipt, RecordedArtifact
from codex_orchestrator.model.sync import LearningAsset, RunPointer, SyncReport
from codex_orchestrator.model.task import Task
from codex_orchestrator.model.task_state import TaskState
from codex_orchestrator.model.verification import VerifyReport

# Documents that we write: all fields are required, also those with a default.
_WRITTEN: dict[str, type[Document]] = {
    "audit-record.v2": AuditRecord,
    "learning-asset.v1": LearningAsset,
    "pattern-index.v1": PatternIndex,
    "receipt.v1": Receipt,
    "recorded-artifact.v1": RecordedArtifact,
    "run-manifest.v2": Manifest,
    "run-pointer.v1": RunPointer,
    "sync-report.v1": SyncReport,
    "task-state.v1": TaskState,
    "verify-report.v1": VerifyReport,
}
# Documents that people write: fields with a default are optional.
_READ: dict[str, type[Document]] = {"task.v1": Task}


def schema_documents() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each document by its name."""
    found = {name: _schema(name, kind, "serialization") for name, kind in _WRITTEN.items()}
    found |= {name: _schema(name, kind, "validation") for name, kind in _READ.items()}
    # The brief is the text below the front matter and not one of its keys.
    found["task.v1"]["properties"].pop("brief")
    return found


def write_schemas(folder: Path) -> None:
    """Write every schema to `<name>.json` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in schema_documents().items():
        text = json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _schema(
    name: str, kind: type[Document], mode: Literal["serialization", "validation"]
) -> dict[str, Any]:
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:codex-orchestrator:{name}",
        **kind.model_json_schema(by_alias=True, mode=mode),
    }


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
