"""What every catalog keeps to: the stores that ship, and the catalog that the docs show."""

from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from codex_orchestrator.catalog.attempts import RetryPolicy
from codex_orchestrator.catalog.interface import Catalog
from codex_orchestrator.catalog.object_store import ObjectStoreCatalog, open_object_store
from codex_orchestrator.catalog.objects import Objects
from codex_orchestrator.model.canonical import canonical_bytes, sha256_hex
from codex_orchestrator.model.errors import ConflictError
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.run import RunState
from support.examples import documented
from support.runs_build import RUN, Ticking, make_manifest
from support.s3_server import s3_environment

QUICK = RetryPolicy(attempts=3, deadline_s=10.0, first_wait_s=0.0, longest_wait_s=0.0)
OTHER_RUN = RUN[:-1] + ("0" if RUN[-1] != "0" else "1")


def finished(run_id: str = RUN, **more: object) -> tuple[Manifest, bytes]:
    manifest = make_manifest(run_id, state=RunState.FINISHED, **more)
    return manifest, canonical_bytes(manifest.model_dump(mode="json", by_alias=True))


@pytest.fixture(params=["folder", "memory", "s3", "sqlite of the docs"])
def catalog(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Catalog:
    if request.param == "folder":
        return open_object_store("file://catalog", repo=tmp_path, clock=Ticking())
    if request.param == "memory":
        return ObjectStoreCatalog(Objects(MemoryStore()), url="test://", clock=Ticking())
    if request.param == "s3":
        for name, value in s3_environment(request.getfixturevalue("s3_address")).items():
            monkeypatch.setenv(name, value)
        url = f"s3://bucket/{sha256_hex(request.node.name.encode())[:8]}"
        return open_object_store(url, repo=tmp_path, clock=Ticking(), retry=QUICK)
    made: Callable[..., Catalog] = documented("A catalog")["SqliteCatalog"]
    return made(tmp_path / "catalog.db", clock=Ticking())


def test_the_receipt_says_what_was_stored_where_and_when(catalog: Catalog) -> None:
    manifest, data = finished()
    receipt = catalog.push(manifest, data)
    assert (receipt.task_id, receipt.run_id) == (manifest.task.id, manifest.run.id)
    assert receipt.manifest_sha256 == sha256_hex(data)
    assert receipt.created
    assert receipt.catalog
    assert receipt.key
    assert receipt.stored_at


def test_the_same_bytes_again_are_no_conflict_and_nothing_new(catalog: Catalog) -> None:
    manifest, data = finished()
    first = catalog.push(manifest, data)
    again = catalog.push(manifest, data)
    assert not again.created
    assert (again.key, again.manifest_sha256) == (first.key, first.manifest_sha256)


def test_other_bytes_for_the_same_run_are_a_conflict_and_the_first_ones_stay(
    catalog: Catalog,
) -> None:
    manifest, data = finished()
    catalog.push(manifest, data)
    with pytest.raises(ConflictError) as caught:
        catalog.push(*finished(attempt=2))
    assert caught.value.fix
    assert not catalog.push(manifest, data).created


def test_each_run_has_a_record_of_its_own(catalog: Catalog) -> None:
    assert catalog.push(*finished()).created
    assert catalog.push(*finished(OTHER_RUN)).created
