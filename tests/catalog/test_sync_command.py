"""The commands `sync` and `catalog`, as a user calls them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.project import CommandLine
from support.runs_build import RUN, finish_run, pattern_use
from support.s3_server import s3_environment


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], repo: Path) -> CommandLine:
    line = CommandLine(capfd)
    return lambda *argv: line(*argv, "--repo", str(repo))  # type: ignore[return-value]


def test_sync_twice_stores_once(call: CommandLine, repo: Path) -> None:
    digest = finish_run(repo)
    first = json.loads(call("sync", "--format", "json").out)
    assert [receipt["manifest_sha256"] for receipt in first["synced"]] == [digest]
    done = call("sync")
    assert done.code == 0
    assert "nothing to sync" in done.err
    assert len(list((repo / "out/catalog/manifests").rglob("*.json"))) == 1


def test_the_catalog_of_the_configuration_is_used(call: CommandLine, repo: Path) -> None:
    finish_run(repo)
    text = '[tool.codex-orchestrator.catalog]\nurl = "file://out/elsewhere"\n'
    (repo / "pyproject.toml").write_text(text)
    assert call("sync", RUN).code == 0
    assert (repo / "out/elsewhere/runs").is_dir()


def test_a_wrong_catalog_is_wrong_input_even_with_nothing_to_do(call: CommandLine) -> None:
    done = call("sync", "--catalog", "ftp://x")
    assert done.code == 2
    assert "catalog.url" in done.err


def test_an_unknown_run_is_wrong_input(call: CommandLine) -> None:
    assert call("sync", "2027").code == 2


def test_a_required_artifact_is_recorded_by_the_second_word(call: CommandLine, repo: Path) -> None:
    finish_run(repo)
    assert call("sync", RUN, "--require-artifact").code == 3
    words = ("--id", "12", "--digest", "sha256:" + "E" * 64, "--url", "https://github.com/o/r")
    assert call("sync", "record-artifact", RUN, *words).code == 0
    recorded = json.loads(call("sync", "record-artifact", RUN, *words, "--format", "json").out)
    assert recorded["digest"] == "e" * 64
    assert call("sync", RUN, "--require-artifact").code == 0


@pytest.mark.parametrize(
    ("option", "value"), [("--digest", "zz"), ("--url", "javascript:x"), ("--id", "a b")]
)
def test_a_wrong_artifact_names_the_option(
    option: str, value: str, call: CommandLine, repo: Path
) -> None:
    finish_run(repo)
    words = {"--id": "12", "--digest": "e" * 64, "--url": "https://x/y"} | {option: value}
    done = call("sync", "record-artifact", RUN, *(part for pair in words.items() for part in pair))
    assert done.code == 2
    assert option in done.err


def test_the_learning_catalog_is_searched(call: CommandLine, repo: Path) -> None:
    finish_run(repo, patterns=(pattern_use(),))
    call("sync")
    assert "py-print-to-logging  1.0.0" in call("catalog", "search").out
    found = json.loads(call("catalog", "search", "print", "--format", "json").out)
    assert found["assets"][0]["kind"] == "codemod"
    assert call("catalog", "search", "--kind", "template").out == ""


def test_two_syncs_to_s3_leave_one_object_and_one_receipt(repo: Path, s3_address: str) -> None:
    finish_run(repo, patterns=(pattern_use(),))
    url = "s3://bucket/by-command"
    words = ("sync", "--catalog", url, "--format", "json", "--repo", str(repo))
    reports = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "codex_orchestrator", *words],
            env=s3_environment(s3_address),
            capture_output=True,
            text=True,
            check=True,
        )
        reports.append(json.loads(done.stdout))
    assert (len(reports[0]["synced"]), reports[0]["synced"][0]["created"]) == (1, True)
    assert (reports[1]["synced"], reports[1]["already_synced"]) == ([], 1)
    log = (repo / "out/audit.log").read_text()
    assert log.count('"event":"synced"') == 1
