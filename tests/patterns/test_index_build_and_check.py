"""The index is made, the build repeats, and content never moves without its version."""

import json
from pathlib import Path

import jsonschema
import pytest

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.schemas import schema_documents
from codex_orchestrator.patterns.build import (
    build_index,
    compiled_files,
    write_compiled,
    write_index,
)
from codex_orchestrator.patterns.check import check_library, check_versions
from codex_orchestrator.patterns.index import load_index
from codex_orchestrator.patterns.library import Library, built_in_folder
from support.pattern_files import codemod_files, commit_all, git, make_library, write_files

RULE = "patterns/codemods/own/rule.yml"
YAML = "patterns/codemods/own/pattern.yaml"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def build(repo: Path) -> str:
    index, _ = build_index(repo / "patterns")
    write_index(repo / "patterns", index)
    return index.version


def versions(repo: Path, base: str = "HEAD") -> list[str]:
    findings = check_versions(repo / "patterns", repo=repo, base=base)
    return [f"{finding.path}: {finding.message}" for finding in findings]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    make_library(tmp_path, codemod_files("own"), codemod_files("two"))
    commit_all(tmp_path)
    return tmp_path


def test_the_toolkits_own_index_is_what_its_folders_say() -> None:
    assert check_library(built_in_folder()) == ()


def test_the_toolkits_index_is_valid_under_the_published_schema(
    pytestconfig: pytest.Config,
) -> None:
    schema = json.loads((pytestconfig.rootpath / "schemas/pattern-index.v1.json").read_bytes())
    assert schema == schema_documents()["pattern-index.v1"]
    index = json.loads((built_in_folder() / "index.json").read_bytes())
    jsonschema.Draft202012Validator(schema).validate(index)
    assert len(index["assets"]) >= 13


def test_an_index_lists_assets_by_id_with_digest_and_entry(repo: Path) -> None:
    document = json.loads((repo / "patterns/index.json").read_text())
    assert document["schema"] == "pattern-index.v1"
    assert document["version"] == "1.0.0"
    assert [asset["id"] for asset in document["assets"]] == ["own", "two"]
    assert document["assets"][0]["entry"] == "codemods/own/rule.yml"
    assert len(document["assets"][0]["sha256"]) == 64


@pytest.mark.parametrize(
    ("change", "version"),
    [
        ("nothing", "1.0.0"),
        ("patch", "1.0.1"),
        ("minor", "1.1.0"),
        ("major", "2.0.0"),
        ("added", "1.1.0"),
        ("removed", "2.0.0"),
        ("content", "1.0.1"),
    ],
)
def test_the_indexs_version_moves_as_far_as_its_assets(
    repo: Path, change: str, version: str
) -> None:
    numbers = {"patch": "1.0.1", "minor": "1.1.0", "major": "2.0.0"}
    if change in numbers:
        edit(repo / YAML, "version: 1.0.0", f"version: {numbers[change]}")
    elif change == "added":
        write_files(repo, codemod_files("three"))
    elif change == "removed":
        for path in sorted((repo / "patterns/codemods/two").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (repo / "patterns/codemods/two").rmdir()
    elif change == "content":
        edit(repo / RULE, "old is now", "old became")
    assert build(repo) == version
    assert build(repo) == version, "a second build found something new"


def test_the_compiled_library_has_the_same_bytes_from_another_place(
    repo: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def compiled(place: Path) -> dict[str, bytes]:
        target = tmp_path_factory.mktemp("out") / "dist/patterns"
        write_compiled(compiled_files(*build_index(place / "patterns")), target)
        return {
            path.relative_to(target).as_posix(): path.read_bytes()
            for path in target.rglob("*")
            if path.is_file()
        }

    other = tmp_path_factory.mktemp("other")
    git(other, "clone", "-q", str(repo), "copy")
    first = compiled(repo)
    assert set(first) == {
        "index.json",
        "sgconfig.yml",
        "codemods/own.yml",
        "codemods/two.yml",
    }
    assert compiled(other / "copy") == first == compiled(repo)


def test_a_build_replaces_the_one_before_and_nothing_else(repo: Path) -> None:
    target = repo / "dist/patterns"
    files = compiled_files(*build_index(repo / "patterns"))
    write_compiled(files, target)
    (target / "stale.yml").write_text("x")
    write_compiled(files, target)
    assert not (target / "stale.yml").exists()
    assert [path.name for path in (repo / "dist").iterdir()] == ["patterns"]
    (repo / "notes").mkdir()
    (repo / "notes/keep.txt").write_text("mine")
    with pytest.raises(InputError, match="the folder holds other files"):
        write_compiled(files, repo / "notes")
    assert (repo / "notes/keep.txt").read_text() == "mine"
    (repo / "link").symlink_to(repo / "notes")
    with pytest.raises(InputError, match="not a folder"):
        write_compiled(files, repo / "link")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1.0.0", "1.0.1", "the index differs from the folder"),
        ('"two"', '"three"', "is in the index and has no folder"),
        ('"A test."', '"Another."', "the index differs from the folder"),
        ("{", " {", "is not written as `build` writes it"),
    ],
)
def test_an_index_that_says_something_else_is_found(
    repo: Path, old: str, new: str, message: str
) -> None:
    path = repo / "patterns/index.json"
    path.write_text(path.read_text().replace(old, new))
    assert message in [finding.message for finding in check_library(repo / "patterns")]


def test_an_asset_without_a_case_is_found(repo: Path) -> None:
    for name in ("before.py", "after.py"):
        (repo / "patterns/codemods/own/cases/one" / name).unlink()
    build(repo)
    (finding,) = check_library(repo / "patterns")
    assert (finding.rule, finding.path) == ("pattern-cases", "codemods/own")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1"),
        ("[]", "not a JSON object"),
        ('{"schema": "pattern-index.v1", "version": "1", "assets": []}', "semantic version"),
        ('{"version": "1.0.0", "assets": []}', "schema: is missing"),
        ('{"schema": "pattern-index.v2"}', "pattern-index.v2, and this version"),
        ('{"schema": "pattern-index.v1", "version": "1.0.0", "assets": [], "x": 1}', "x: extra"),
        ('{"version": "1.0.0", "version": "1.0.1", "assets": []}', "duplicate key"),
        ("[" * 100, "nested deeper than 64"),
    ],
)
def test_a_broken_index_is_wrong_input_that_names_the_file(
    repo: Path, text: str, message: str
) -> None:
    (repo / "patterns/index.json").write_text(text)
    with pytest.raises(InputError) as caught:
        Library.open(repo)
    assert "patterns/index.json" in caught.value.message
    assert message.lower() in caught.value.message.lower()
    assert caught.value.fix


def test_nothing_changed_needs_no_version(repo: Path) -> None:
    assert versions(repo) == []


def test_changed_content_needs_a_higher_version(repo: Path) -> None:
    edit(repo / RULE, "old is now", "old became")
    build(repo)
    assert versions(repo) == [
        "codemods/own/pattern.yaml: files changed and the version is 1.0.0, it was 1.0.0"
    ]
    edit(repo / YAML, "version: 1.0.0", "version: 0.9.9")
    build(repo)
    assert "it was 1.0.0" in versions(repo)[0]
    edit(repo / YAML, "version: 0.9.9", "version: 1.0.1")
    build(repo)
    assert versions(repo) == []


@pytest.mark.parametrize("name", ["cases/one/extra.py", "README.md"])
def test_every_file_of_the_folder_counts(repo: Path, name: str) -> None:
    write_files(repo / "patterns/codemods/own", {name: "x = 1\n"})
    build(repo)
    assert len(versions(repo)) == 1


def test_a_wrong_index_at_the_base_hides_nothing(repo: Path) -> None:
    edit(repo / RULE, "old is now", "old became")
    index = build_index(repo / "patterns")[0]
    git(repo, "stash", "-q")
    write_index(repo / "patterns", index)
    commit_all(repo, "an index from the future")
    git(repo, "checkout", "-q", "stash@{0}", "--", "patterns/codemods")
    assert any("files changed" in found for found in versions(repo))


def test_an_index_whose_version_stays_is_found(repo: Path) -> None:
    write_files(repo, codemod_files("three"))
    index = build_index(repo / "patterns")[0].model_copy(update={"version": "1.0.0"})
    write_index(repo / "patterns", index)
    assert versions(repo) == ["index.json: assets changed and the index is still 1.0.0"]


def test_new_and_removed_assets_need_no_version_of_their_own(repo: Path) -> None:
    write_files(repo, codemod_files("three"))
    (repo / "patterns/codemods/two").rename(repo / "gone")
    build(repo)
    assert versions(repo) == []


def test_an_unknown_base_is_wrong_input_and_no_option_of_git(repo: Path) -> None:
    for base in ("nowhere", "--all", "-x"):
        with pytest.raises(InputError, match="no commit"):
            check_versions(repo / "patterns", repo=repo, base=base)


def test_a_base_without_a_library_needs_nothing(tmp_path: Path) -> None:
    commit_all(tmp_path, "empty")
    make_library(tmp_path, codemod_files("own"))
    assert versions(tmp_path) == []


def test_the_same_id_with_other_content_is_an_error_unless_newer(tmp_path: Path) -> None:
    make_library(tmp_path, codemod_files("py-not-in", version="1.0.0"))
    with pytest.raises(InputError, match=r"'py-not-in' 1\.0\.0 is not the toolkit's"):
        Library.open(tmp_path)
    edit(tmp_path / "patterns/codemods/py-not-in/pattern.yaml", "1.0.0", "99.0.0")
    build(tmp_path)
    assert Library.open(tmp_path).get("py-not-in").version == "99.0.0"


def test_a_copy_of_the_toolkits_library_is_the_same_library(tmp_path: Path) -> None:
    import shutil

    shutil.copytree(built_in_folder(), tmp_path / "patterns")
    assert Library.open(tmp_path).assets == Library.open().assets


def test_a_folder_that_changed_after_the_build_is_not_applied(repo: Path) -> None:
    edit(repo / RULE, "fix: ", "fix: more_")
    with pytest.raises(InputError, match="the index does not match the folder"):
        Library.open(repo).apply("own", repo, [])


def test_compiled_python_beside_a_case_is_no_part_of_an_asset(repo: Path) -> None:
    before = load_index(repo / "patterns")
    write_files(repo / "patterns/codemods/own/cases/one", {"__pycache__/before.pyc": b"x"})
    assert build_index(repo / "patterns")[0] == before
