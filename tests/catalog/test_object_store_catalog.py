"""The catalog's contract, on a local folder, in memory, and on S3 over HTTP."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from obstore.exceptions import GenericError, PermissionDeniedError
from obstore.store import LocalStore, MemoryStore

from codex_orchestrator.catalog.attempts import RetryPolicy
from codex_orchestrator.catalog.object_store import ObjectStoreCatalog, open_object_store
from codex_orchestrator.catalog.objects import Objects
from codex_orchestrator.model.canonical import canonical_bytes, sha256_hex
from codex_orchestrator.model.errors import (
    ConflictError,
    InputError,
    NotCheckedError,
    ServiceError,
)
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.run import RunState
from support.runs_build import RUN, Ticking, make_manifest, pattern_use
from support.s3_server import s3_environment

QUICK = RetryPolicy(attempts=3, deadline_s=10.0, first_wait_s=0.0, longest_wait_s=0.0)


def finished(run_id: str = RUN, **more: object) -> tuple[Manifest, bytes]:
    manifest = make_manifest(run_id, state=RunState.FINISHED, patterns=(pattern_use(),), **more)
    return manifest, canonical_bytes(manifest.model_dump(mode="json", by_alias=True))


@pytest.fixture(params=["file", "memory", "s3"])
def objects(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Objects]:
    if request.param == "file":
        yield Objects(LocalStore(prefix=tmp_path / "c", mkdir=True), root=tmp_path / "c")
    elif request.param == "memory":
        yield Objects(MemoryStore())
    else:
        address = request.getfixturevalue("s3_address")
        for name, value in s3_environment(address).items():
            monkeypatch.setenv(name, value)
        # Each test has a place of its own in the one bucket.
        url = f"s3://bucket/{sha256_hex(request.node.name.encode())[:8]}"
        yield open_object_store(url, repo=tmp_path, clock=Ticking(), retry=QUICK).objects


@pytest.fixture
def catalog(objects: Objects) -> ObjectStoreCatalog:
    return ObjectStoreCatalog(objects, url="test://", clock=Ticking(), retry=QUICK)


def test_a_pushed_manifest_stands_under_its_hash(
    catalog: ObjectStoreCatalog, objects: Objects
) -> None:
    manifest, data = finished()
    receipt = catalog.push(manifest, data)
    digest = sha256_hex(data)
    assert receipt.key == f"manifests/sha256/{digest[:2]}/{digest}.json"
    assert (receipt.created, receipt.manifest_sha256) == (True, digest)
    assert objects.get(receipt.key) == data


def test_pushing_again_changes_nothing_and_says_so(
    catalog: ObjectStoreCatalog, objects: Objects
) -> None:
    manifest, data = finished()
    catalog.push(manifest, data)
    before = sorted(objects.keys(""))
    receipt = catalog.push(manifest, data)
    assert not receipt.created
    assert sorted(objects.keys("")) == before


def test_another_manifest_of_the_same_run_is_a_conflict(
    catalog: ObjectStoreCatalog, objects: Objects
) -> None:
    catalog.push(*finished())
    before = sorted(objects.keys(""))
    with pytest.raises(ConflictError, match=f"runs/0007-logging/{RUN}") as caught:
        catalog.push(*finished(attempt=2))
    assert caught.value.exit_code == 1
    assert sorted(objects.keys("")) == before


def test_other_bytes_under_the_hash_are_a_conflict(
    catalog: ObjectStoreCatalog, objects: Objects
) -> None:
    manifest, data = finished()
    digest = sha256_hex(data)
    objects.create(f"manifests/sha256/{digest[:2]}/{digest}.json", b"{}")
    with pytest.raises(ConflictError, match="other bytes"):
        catalog.push(manifest, data)
    assert objects.get(f"runs/0007-logging/{RUN}.json") is None


def test_the_run_points_to_its_manifest(catalog: ObjectStoreCatalog, objects: Objects) -> None:
    receipt = catalog.push(*finished())
    pointer = json.loads(objects.get(f"runs/0007-logging/{RUN}.json") or b"")
    assert pointer["manifest_sha256"] == receipt.manifest_sha256
    assert pointer["key"] == receipt.key


def test_used_patterns_become_rows_of_the_learning_catalog(catalog: ObjectStoreCatalog) -> None:
    catalog.push(*finished())
    catalog.push(*finished("20261122t201500z-0000"))
    rows = list(catalog.search())
    assert [(row.id, row.version) for row in rows] == [("py-print-to-logging", "1.0.0")]
    assert list(catalog.search(kind="codemod", text="print")) == rows
    assert list(catalog.search(kind="linter")) == []
    assert list(catalog.search(text="nothing")) == []


def test_creating_leaves_no_other_object(objects: Objects) -> None:
    assert objects.create("a/b.json", b"1")
    assert not objects.create("a/b.json", b"2")
    assert list(objects.keys("")) == ["a/b.json"]
    assert objects.get("a/b.json") == b"1"


class FlakyObjects(Objects):
    """Loses requests and answers as a list of faults says."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(MemoryStore())
        self.faults = faults
        self.calls = 0

    def create(self, key: str, data: bytes) -> bool:
        self.calls += 1
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "request lost":
            raise GenericError("connection reset")
        if fault == "denied":
            raise PermissionDeniedError("403 https://host/x?sig=topsecret")
        created = super().create(key, data)
        if fault == "answer lost":
            raise GenericError("timed out")
        return created


def flaky(*faults: str) -> tuple[FlakyObjects, ObjectStoreCatalog]:
    objects = FlakyObjects(list(faults))
    return objects, ObjectStoreCatalog(objects, url="test://", clock=Ticking(), retry=QUICK)


@pytest.mark.parametrize("fault", ["request lost", "answer lost"])
def test_a_lost_request_or_answer_is_tried_again(fault: str) -> None:
    objects, catalog = flaky(fault, fault)
    receipt = catalog.push(*finished())
    assert objects.get(receipt.key) == finished()[1]
    assert objects.calls == 5


def test_a_store_that_keeps_failing_is_a_service_error_that_says_how_to_go_on() -> None:
    objects, catalog = flaky(*["request lost"] * 3)
    with pytest.raises(ServiceError, match="connection reset") as caught:
        catalog.push(*finished())
    assert "sync` again" in caught.value.fix
    assert objects.calls == 3


def test_a_refused_credential_is_not_tried_again_and_not_shown() -> None:
    objects, catalog = flaky("denied")
    with pytest.raises(NotCheckedError) as caught:
        catalog.push(*finished())
    assert "topsecret" not in caught.value.message
    assert objects.calls == 1


class LyingObjects(Objects):
    """Accepts everything and keeps nothing."""

    def create(self, key: str, data: bytes) -> bool:
        return True


def test_an_object_that_was_accepted_and_is_not_there_is_no_delivery() -> None:
    catalog = ObjectStoreCatalog(
        LyingObjects(MemoryStore()), url="test://", clock=Ticking(), retry=QUICK
    )
    with pytest.raises(ServiceError, match="does not have it"):
        catalog.push(*finished())


def test_an_object_among_the_patterns_that_is_none_is_named() -> None:
    objects = Objects(MemoryStore())
    objects.create("learning/x/1.json", b"{}")
    catalog = ObjectStoreCatalog(objects, url="test://", clock=Ticking(), retry=QUICK)
    with pytest.raises(ServiceError, match=r"learning/x/1\.json"):
        list(catalog.search())


def test_a_missing_bucket_is_a_wrong_setting(
    s3_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_environment(s3_address).items():
        monkeypatch.setenv(name, value)
    catalog = open_object_store("s3://nobucket", repo=tmp_path, clock=Ticking(), retry=QUICK)
    with pytest.raises(InputError, match="404 Not Found"):
        catalog.push(*finished())


def test_a_server_that_is_not_there_is_a_service_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_environment("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    catalog = open_object_store("s3://bucket", repo=tmp_path, clock=Ticking(), retry=QUICK)
    with pytest.raises(ServiceError, match="failed to read"):
        catalog.push(*finished())


def test_a_relative_local_catalog_stands_in_the_repository(repo: Path) -> None:
    catalog = open_object_store("file://out/catalog", repo=repo, clock=Ticking())
    receipt = catalog.push(*finished())
    assert receipt.catalog == "file://out/catalog"
    assert (repo / "out/catalog" / receipt.key).read_bytes() == finished()[1]


def test_a_local_object_is_synced_before_it_has_its_name(repo: Path) -> None:
    incoming: list[bool] = []

    class Watched(Objects):
        def get(self, key: str) -> bytes | None:
            incoming.append((repo / "incoming").exists() and bool(os.listdir(repo / "incoming")))
            return super().get(key)

    catalog = ObjectStoreCatalog(
        Watched(LocalStore(prefix=repo), root=repo), url="test://", clock=Ticking(), retry=QUICK
    )
    catalog.push(*finished())
    assert not any(incoming)


def test_what_a_killed_push_left_incoming_is_no_obstacle(repo: Path) -> None:
    manifest, data = finished()
    digest = sha256_hex(data)
    (repo / "incoming").mkdir()
    left = repo / f"incoming/manifests-sha256-{digest[:2]}-{digest}.json"
    left.write_bytes(data[:10])
    catalog = open_object_store(repo.as_uri(), repo=repo, clock=Ticking())
    receipt = catalog.push(manifest, data)
    assert (repo / receipt.key).read_bytes() == data
    assert not left.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_local_catalog_that_may_not_be_written_is_told(repo: Path) -> None:
    repo.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises((ServiceError, NotCheckedError, InputError)):
        open_object_store("file://c", repo=repo, clock=Ticking()).push(*finished())


def test_a_local_catalog_below_a_file_is_a_wrong_setting(repo: Path) -> None:
    (repo / "c").write_bytes(b"")

    def push() -> object:
        return open_object_store("file://c/d", repo=repo, clock=Ticking()).push(*finished())

    expect_input_error(push)


def expect_input_error(act: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"catalog\.url"):
        act()


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://x", "out/catalog", "http://x", "memory:///", "file://", "file:///", "file://../x",
        "s3://key:secret@bucket", "az://a/b?sig=x", "s3://b#x", "S3://b", "file://a/../../b",
    ],
)  # fmt: skip
def test_a_url_that_is_no_catalog_is_a_wrong_setting(url: str, repo: Path) -> None:
    expect_input_error(lambda: open_object_store(url, repo=repo, clock=Ticking()))
