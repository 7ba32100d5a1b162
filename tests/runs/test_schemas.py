import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from codex_orchestrator.catalog.object_store import open_object_store
from codex_orchestrator.model.schemas import schema_documents, write_schemas
from codex_orchestrator.model.versions import MIGRATIONS
from codex_orchestrator.verbs.sync_runs import SyncRequest, sync_runs
from codex_orchestrator.verbs.verify_runs import verify_runs
from support.runs_build import RUN, Ticking, finish_run, pattern_use, records_of

SCHEMAS = Path(__file__).parents[2] / "schemas"
URL = "file://out/catalog"


def test_the_committed_schemas_are_what_the_models_say(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text() for path in SCHEMAS.glob("*.json")}
    ours = {name: text for name, text in committed.items() if name in made}
    assert ours == made, "run: python -m codex_orchestrator.model.schemas schemas"


def test_every_older_version_has_its_schema_and_a_migration() -> None:
    older = []
    for name in schema_documents():
        family, _, number = name.rpartition(".v")
        older += [f"{family}.v{one}" for one in range(1, int(number))]
    assert older == ["audit-record.v1", "run-manifest.v1"]
    assert [name for name in older if name not in MIGRATIONS] == []
    assert [name for name in older if not (SCHEMAS / f"{name}.json").is_file()] == []


@pytest.fixture
def written(repo: Path) -> dict[str, Any]:
    """What a run and its sync write, by the name of its schema."""
    finish_run(repo, patterns=(pattern_use(),))
    catalog = open_object_store(URL, repo=repo, clock=Ticking())
    records = records_of(repo)
    report = sync_runs(SyncRequest((), URL), records, lambda: catalog)
    verified = verify_runs(None, records)

    def first(glob: str) -> Any:
        return json.loads(next(repo.glob(glob)).read_bytes())

    return {
        "run-manifest.v2": first(f".runs/*/{RUN}/manifest.json"),
        "task-state.v1": first("out/*/state.json"),
        "receipt.v1": first("out/*/receipts/*.json"),
        "run-pointer.v1": first(f"out/catalog/runs/*/{RUN}.json"),
        "learning-asset.v1": first("out/catalog/learning/*/*.json"),
        "audit-record.v2": json.loads((repo / "out/audit.log").read_bytes().splitlines()[-1]),
        "sync-report.v1": report.model_dump(mode="json", by_alias=True),
        "verify-report.v1": verified.model_dump(mode="json", by_alias=True),
    }


def test_what_is_written_fits_its_schema_and_an_unknown_field_does_not(
    written: dict[str, Any],
) -> None:
    schemas = schema_documents()
    for name, document in written.items():
        jsonschema.validate(document, schemas[name])
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, "unknown": 1}, schemas[name])
