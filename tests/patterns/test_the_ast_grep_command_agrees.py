"""The ast-grep command as oracle: same rules, same files, same hits and same rewrites."""

import json
import shutil
import subprocess
import sysconfig
from collections import Counter
from pathlib import Path

import pytest

from codex_orchestrator.model.pattern import PatternKind
from codex_orchestrator.patterns.build import build_index, compiled_files, write_compiled
from codex_orchestrator.patterns.codemod import change_text
from codex_orchestrator.patterns.engine import find_hits, parse
from codex_orchestrator.patterns.library import Library, built_in_folder
from support.missing import missing

COMMAND = shutil.which("ast-grep", path=sysconfig.get_path("scripts"))
MODULES = ["unittest/case.py", "argparse.py", "doctest.py", "pdb.py", "os.py", "optparse.py"]


@pytest.fixture(autouse=True, scope="module")
def _command() -> None:
    if COMMAND is None:
        missing("the package ast-grep-cli is not installed")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Modules of the standard library, and the library's own cases."""
    folder = tmp_path_factory.mktemp("corpus")
    for number, name in enumerate(MODULES):
        shutil.copy(Path(sysconfig.get_path("stdlib"), name), folder / f"{number}.py")
    for number, path in enumerate(sorted(built_in_folder().glob("*/*/*/**/*.py"))):
        shutil.copy(path, folder / f"case{number}.py")
    return folder


def test_the_command_reads_the_compiled_library_and_finds_the_same(
    corpus: Path, tmp_path: Path
) -> None:
    index, assets = build_index(built_in_folder())
    write_compiled(compiled_files(index, assets), tmp_path / "dist")
    done = subprocess.run(
        [str(COMMAND), "scan", "-c", str(tmp_path / "dist/sgconfig.yml"), "--json=stream", "."],
        cwd=corpus,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    theirs = Counter(
        (hit["ruleId"], hit["file"].removeprefix("./"), hit["range"]["byteOffset"]["start"])
        for hit in found
    )
    rules = [rule for asset in assets for rule in asset.rules if rule.language == "python"]
    ours: Counter[tuple[str, str, int]] = Counter()
    for path in sorted(corpus.iterdir()):
        text = path.read_text("utf-8")
        for hit in find_hits(text, parse(text, "python"), rules):
            start = len(text[: hit.start].encode("utf-8"))
            ours[hit.rule.id, path.name, start] += 1
    assert sum(theirs.values()) > 100, done.stderr
    assert ours == theirs


PLAIN = [
    facts.id
    for facts in Library.open().assets
    if facts.kind is PatternKind.CODEMOD and facts.id not in ("py-print-to-logging", "py-utcnow")
]


@pytest.mark.parametrize("pattern_id", PLAIN)
def test_the_command_rewrites_to_the_same_text(pattern_id: str, tmp_path: Path) -> None:
    asset = Library.open().load(pattern_id)
    for path, data in asset.files.items():
        # Where a whole file is left alone the command, which knows rules only, would change it.
        if "/before." not in path or asset.files[path.replace("before", "after")] == data:
            continue
        target = tmp_path / Path(path).name
        target.write_bytes(data)
        rule = tmp_path / "rule.yml"
        rule.write_bytes(asset.files["rule.yml"])
        # Each of several rules in a file may need a pass of its own.
        for _ in range(3):
            subprocess.run(
                [str(COMMAND), "scan", "--rule", str(rule), "--update-all", str(target)],
                cwd=tmp_path,
                capture_output=True,
                check=False,
            )
        language = {".py": "python", ".js": "javascript", ".ts": "typescript"}[target.suffix]
        result = change_text(asset, data.decode("utf-8"), language)
        assert result.edits > 0
        assert target.read_text("utf-8") == result.text


def test_the_oracle_is_the_engines_version() -> None:
    from importlib.metadata import version

    assert version("ast-grep-cli").rsplit(".", 1)[0] == version("ast-grep-py").rsplit(".", 1)[0]
