"""The records of a run, byte for byte as this version writes them; those of an older one go on.

`records/` holds what a run writes, with whatever differs from run to run and from machine to
machine replaced by a word.
"""

import json
import re
from pathlib import Path

import pytest

from codex_orchestrator.model.canonical import canonical_bytes
from support.project import CommandLine, make_project, task_with

RECORDS = Path(__file__).parent / "records"
STEPS = (
    '[{pattern: py-print-to-logging, paths: ["src/**/*.py"]},'
    ' {pattern: py-none-comparison, paths: ["tests/conftest.py"]}]'
)
CONFTEST = "def is_none(x):\n    if x == None:\n        return 1\n"
# What differs between runs or machines, and the word for it.
WORDS = (
    (r"\b[0-9]{8}t[0-9]{6}z-[0-9a-f]{6}\b", "RUN"),
    (r"\bwork-[0-9a-f]{16}\b", "work-HASH"),
    (r"\b([0-9a-f]{64}|[0-9a-f]{40})\b", "HASH"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME"),
    (r"\d{4}-\d\d-\d\d", "DAY"),
    (r'("(?:duration_ms|bytes)":) ?\d+', r"\1 0"),
    (
        r'"sandbox":\{"layers":\[[^]]*\],"limits":\{[^}]*\},"network":"[a-z]+"\}',
        '"sandbox":"FACTS"',
    ),
    (r'("(?:host|by|toolkit|agents_sdk|version|interpreter)":) ?"[^"]*"', r'\1 "X"'),
)


def in_words(text: str) -> str:
    for pattern, word in WORDS:
        text = re.sub(pattern, word, text)
    return text


@pytest.fixture
def waiting(tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that waits for an approval; nothing of another run is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files = {"tests/conftest.py": CONFTEST, "tasks/logging.md": task_with(steps=STEPS)}
    repo = make_project(tmp_path / "repo", **files)
    assert call("run", "logging", "--repo", str(repo)).code == 6
    (folder,) = repo.glob(".runs/logging/2*")
    return folder


def resume(folder: Path, call: CommandLine) -> Path:
    repo = folder.parents[2]
    grant = ("--approve", "edit:tests/conftest.py")
    done = call("run", "--resume", folder.name, *grant, "--repo", str(repo))
    assert done.code == 0, done.err
    return repo


def test_the_records_of_a_run_keep_their_bytes(waiting: Path, call: CommandLine) -> None:
    manifest = waiting / "manifest.json"
    assert in_words(manifest.read_text()) == (RECORDS / "waiting.json").read_text()
    repo = resume(waiting, call)
    records = {"finished.json": manifest, "audit.log": repo / "out/audit.log"}
    for name, path in records.items():
        assert in_words(path.read_text()) == (RECORDS / name).read_text(), name


def test_a_run_that_an_older_version_stopped_goes_on(waiting: Path, call: CommandLine) -> None:
    manifest = json.loads((waiting / "manifest.json").read_bytes())
    manifest["schema"] = "run-manifest.v1"
    for name in (
        "kind",
        "leases",
        "setup",
        "baseline",
        "cloud",
        "untouched",
        "promises",
        "previous",
        "delivery",
    ):
        del manifest[name]
    # At first it knew none of these either.
    for part, names in (("run", ("rules_at",)), ("items", ("base", "conflicts", "submissions"))):
        for facts in manifest[part] if part == "items" else (manifest[part],):
            for name in names:
                del facts[name]
    (waiting / "manifest.json").write_bytes(canonical_bytes(manifest))
    repo = resume(waiting, call)
    assert call("runs", "verify", waiting.name, "--repo", str(repo)).code == 0
