"""A pipe, a link, a device or a folder in a file catalog: named, and never waited on.

Whoever may write into the checkout can put one there, a test of a task for example.
"""

import json
from pathlib import Path

import pytest

from support.odd_files import ODD, put_in_place_of
from support.project import CommandLine
from support.runs_build import RUN, finish_run, pattern_use

pytestmark = pytest.mark.timeout(60)
OTHER = "20261122t201500z-0000"
CATALOG = "out/catalog"


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], repo: Path) -> CommandLine:
    line = CommandLine(capfd)
    return lambda *argv: line(*argv, "--repo", str(repo))  # type: ignore[return-value]


def objects(repo: Path, digest: str) -> dict[str, Path]:
    """The files that a catalog holds of a run."""
    use = pattern_use()
    return {
        "manifest": repo / CATALOG / f"manifests/sha256/{digest[:2]}/{digest}.json",
        "pointer": repo / CATALOG / f"runs/0007-logging/{RUN}.json",
        "pattern": repo / CATALOG / f"learning/{use.id}/{use.version}-{use.sha256}.json",
    }


def forget_receipts(repo: Path) -> None:
    for receipt in repo.glob("out/*/receipts/*.json"):
        receipt.unlink()


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("name", ["manifest", "pointer", "pattern"])
def test_a_sync_names_it_and_sends_the_other_runs(
    name: str, kind: str, repo: Path, tmp_path: Path, call: CommandLine
) -> None:
    digest = finish_run(repo, patterns=(pattern_use(),))
    assert call("sync").code == 0
    forget_receipts(repo)
    put_in_place_of(objects(repo, digest)[name], kind, aside=tmp_path)
    other = finish_run(repo, OTHER)
    done = call("sync", "--format", "json")
    assert done.code == 1
    report = json.loads(done.out)
    assert [run["manifest_sha256"] for run in report["synced"]] == [other]
    (failed,) = report["failed"]
    assert failed["kind"] == "conflict"
    assert objects(repo, digest)[name].name in failed["reason"]


@pytest.mark.parametrize("folder", ["manifests", "runs", "learning", "incoming"])
def test_a_sync_writes_nothing_behind_a_link_among_the_folders(
    folder: str, repo: Path, tmp_path: Path, call: CommandLine
) -> None:
    finish_run(repo, patterns=(pattern_use(),))
    (repo / CATALOG).mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (repo / CATALOG / folder).symlink_to(tmp_path / "elsewhere")
    done = call("sync")
    assert done.code == 1
    assert f"'{folder}' on the way is a link or no folder" in done.err
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("kind", [kind for kind in ODD if kind != "folder"])
def test_a_search_names_it(kind: str, repo: Path, tmp_path: Path, call: CommandLine) -> None:
    digest = finish_run(repo, patterns=(pattern_use(),))
    assert call("sync").code == 0
    place = objects(repo, digest)["pattern"]
    put_in_place_of(place, kind, aside=tmp_path)
    done = call("catalog", "search")
    assert done.code == 1
    assert place.name in done.err


def test_a_search_does_not_look_behind_links(repo: Path, call: CommandLine) -> None:
    finish_run(repo, patterns=(pattern_use(),))
    assert call("sync").code == 0
    (repo / CATALOG / "learning/outside").symlink_to("/etc")
    done = call("catalog", "search")
    assert done.code == 1
    assert "learning/outside: is a symbolic link" in done.err
    (repo / CATALOG / "learning").rename(repo / "moved")
    (repo / CATALOG / "learning").symlink_to(repo / "moved")
    done = call("catalog", "search")
    assert done.code == 1
    assert "learning: is no folder" in done.err


@pytest.mark.parametrize("kind", [kind for kind in ODD if kind != "folder"])
def test_what_stands_among_the_incoming_files_is_no_obstacle(
    kind: str, repo: Path, tmp_path: Path, call: CommandLine
) -> None:
    finish_run(repo)
    place = repo / CATALOG / f"incoming/runs-0007-logging-{RUN}.json"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"left by a sync that was killed")
    put_in_place_of(place, kind, aside=tmp_path)
    assert call("sync").code == 0
    assert not place.exists()
