"""`Library.apply` and `preview` on real files: what changes, and above all what does not."""

import os
import stat
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.pattern import PatternKind
from codex_orchestrator.patterns.library import Library
from support.pattern_files import codemod_files, commit_all, make_library, write_files

NOT_IN = "py-not-in"
BEFORE = b"ok = not a in b\n"
AFTER = b"ok = a not in b\n"


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.open()


def test_apply_changes_the_files_that_the_globs_match(library: Library, tmp_path: Path) -> None:
    write_files(tmp_path, {"src/a.py": BEFORE, "src/deep/b.py": BEFORE, "other.py": BEFORE})
    use = library.apply(NOT_IN, tmp_path, ["src/**/*.py"])
    assert use.paths == ("src/a.py", "src/deep/b.py")
    assert (use.hits, use.changes) == (2, 2)
    assert (tmp_path / "src/a.py").read_bytes() == AFTER
    assert (tmp_path / "other.py").read_bytes() == BEFORE


def test_a_use_names_the_version_and_digest_that_ran(library: Library, tmp_path: Path) -> None:
    use = library.apply(NOT_IN, tmp_path, [])
    asset = library.get(NOT_IN)
    assert (use.id, use.kind) == (NOT_IN, PatternKind.CODEMOD)
    assert (use.version, use.sha256) == (asset.version, asset.sha256)


def test_preview_says_the_same_as_apply_and_writes_nothing(
    library: Library, tmp_path: Path
) -> None:
    write_files(tmp_path, {"a.py": BEFORE, "b.py": b"\xff\xfe"})
    before = os.stat(tmp_path / "a.py")
    preview = library.apply(NOT_IN, tmp_path, [], is_dry_run=True)
    assert os.stat(tmp_path / "a.py") == before
    assert library.apply(NOT_IN, tmp_path, []) == preview


def test_a_second_apply_changes_nothing(library: Library, tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": BEFORE})
    library.apply(NOT_IN, tmp_path, [])
    assert library.apply(NOT_IN, tmp_path, []).changes == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\xef\xbb\xbf" + BEFORE, b"\xef\xbb\xbf" + AFTER),
        (b"x = 1\r\nok = not a in b\r\n", b"x = 1\r\nok = a not in b\r\n"),
        (b"ok = not a in b", b"ok = a not in b"),
        ("# é 😀\nok = not 'ü' in b  # ñ\n".encode(), "# é 😀\nok = 'ü' not in b  # ñ\n".encode()),
        (b"\n\n\tx = 1 \nok = not a in b\n\n\n", b"\n\n\tx = 1 \nok = a not in b\n\n\n"),
        (b"x = 1\r\ny = 2\nok = not a in b\r\n", b"x = 1\r\ny = 2\nok = a not in b\r\n"),
        (b"# -*- coding: latin-1 -*-\n" + BEFORE, b"# -*- coding: latin-1 -*-\n" + AFTER),
        (b"\x0c\nok = not a in b\n\x0c", b"\x0c\nok = a not in b\n\x0c"),
    ],
    ids=["bom", "crlf", "no end", "unicode", "blank lines", "mixed ends", "cookie", "form feed"],
)
def test_every_other_byte_stays(
    library: Library, tmp_path: Path, before: bytes, after: bytes
) -> None:
    write_files(tmp_path, {"a.py": before})
    library.apply(NOT_IN, tmp_path, [])
    assert (tmp_path / "a.py").read_bytes() == after


def test_permissions_stay_and_no_other_file_is_left(library: Library, tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": BEFORE})
    (tmp_path / "a.py").chmod(0o755)
    library.apply(NOT_IN, tmp_path, [])
    assert stat.S_IMODE((tmp_path / "a.py").stat().st_mode) == 0o755
    assert os.listdir(tmp_path) == ["a.py"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BEFORE + b"\xff", "not UTF-8 (byte 16)"),
        (BEFORE + b"\0", "holds NUL bytes"),
        (BEFORE + b"a\rb\n", "carriage returns that are not line ends"),
        (BEFORE + b"#\n" * (1024 * 1024), "the limit is 2097152"),
        (BEFORE + b"#" * 20_001, "a line of 20001 characters"),
    ],
)
def test_a_file_that_is_no_text_is_named_and_left(
    library: Library, tmp_path: Path, content: bytes, reason: str
) -> None:
    write_files(tmp_path, {"a.py": content, "b.py": BEFORE})
    use = library.apply(NOT_IN, tmp_path, [])
    assert [(left.path, reason in left.reason) for left in use.skipped] == [("a.py", True)]
    assert (tmp_path / "a.py").read_bytes() == content
    assert use.paths == ("b.py",)


def test_a_link_is_never_followed(library: Library, tmp_path: Path) -> None:
    outside = write_files(tmp_path / "outside", {"a.py": BEFORE})
    tree = write_files(tmp_path / "tree", {"real/b.py": "x = 1\n"})
    (tree / "file.py").symlink_to(outside / "a.py")
    (tree / "folder").symlink_to(outside)
    use = library.apply(NOT_IN, tree, [])
    assert use.paths == ()
    assert (outside / "a.py").read_bytes() == BEFORE


def test_a_tracked_folder_that_became_a_link_is_not_followed(
    library: Library, tmp_path: Path
) -> None:
    outside = write_files(tmp_path / "outside", {"a.py": BEFORE})
    tree = write_files(tmp_path / "tree", {"package/a.py": BEFORE})
    commit_all(tree)
    (tree / "package/a.py").unlink()
    (tree / "package").rmdir()
    (tree / "package").symlink_to(outside)
    use = library.apply(NOT_IN, tree, [])
    assert use.paths == ()
    reason = "'package' on the way is a link or no folder; links are not followed"
    assert [left.reason for left in use.skipped] == [reason]
    assert (outside / "a.py").read_bytes() == BEFORE


def test_a_pipe_is_not_waited_for(library: Library, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.py")
    use = library.apply(NOT_IN, tmp_path, [])
    assert [left.reason for left in use.skipped] == ["not a regular file"]


def test_ignored_and_foreign_folders_are_left_out(library: Library, tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            ".gitignore": "made/\n",
            "made/a.py": BEFORE,
            ".venv/a.py": BEFORE,
            "node_modules/x/a.py": BEFORE,
            "new.py": BEFORE,
            "kept.py": BEFORE,
        },
    )
    commit_all(tmp_path)
    write_files(tmp_path, {"newer.py": BEFORE})
    assert library.apply(NOT_IN, tmp_path, [], is_dry_run=True).paths == (
        "kept.py",
        "new.py",
        "newer.py",
    )


def test_a_tracked_file_that_is_gone_is_named(library: Library, tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": BEFORE, "b.py": BEFORE})
    commit_all(tmp_path)
    (tmp_path / "a.py").unlink()
    use = library.apply(NOT_IN, tmp_path, [])
    assert [left.path for left in use.skipped] == ["a.py"]
    assert use.paths == ("b.py",)


def test_a_protected_file_stays_and_is_listed_as_refused(library: Library, tmp_path: Path) -> None:
    write_files(tmp_path, {"conftest.py": BEFORE, "quiet/conftest.py": "x = 1\n", "a.py": BEFORE})
    use = library.apply(
        NOT_IN,
        tmp_path,
        [],
        allow=lambda path: "protected by **/conftest.py" if "conftest" in path else "",
    )
    assert [(left.path, left.reason) for left in use.refused] == [
        ("conftest.py", "protected by **/conftest.py")
    ]
    assert (tmp_path / "conftest.py").read_bytes() == BEFORE
    assert use.paths == ("a.py",)
    assert use.hits == 2


def test_a_name_that_is_not_utf8_is_shown_escaped_and_left(
    library: Library, tmp_path: Path
) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    write_files(tmp_path, {name: BEFORE})
    use = library.apply(NOT_IN, tmp_path, [])
    assert [left.path for left in use.refused] == ["caf\\xe9.py"]
    assert (tmp_path / name).read_bytes() == BEFORE


def test_odd_names_are_only_names(library: Library, tmp_path: Path) -> None:
    names = ["-rf.py", "a\nb.py", "a b;$(x).py", "é.py"]
    write_files(tmp_path, dict.fromkeys(names, BEFORE))
    commit_all(tmp_path)
    assert set(library.apply(NOT_IN, tmp_path, []).paths) == set(names)


def test_a_folder_that_cannot_be_written_leaves_the_file(library: Library, tmp_path: Path) -> None:
    write_files(tmp_path, {"locked/a.py": BEFORE})
    # A file of the temporary name that stays in the way does what a read-only folder does to a
    # user who is not root.
    (tmp_path / f"locked/.{os.getpid()}.codex-orchestrator.tmp").mkdir()
    use = library.apply(NOT_IN, tmp_path, [])
    assert [left.path for left in use.skipped] == ["locked/a.py"]
    assert (tmp_path / "locked/a.py").read_bytes() == BEFORE


@pytest.mark.parametrize("pattern_id", ["py-no-eval-exec", "run-manifest-checklist"])
def test_only_a_codemod_changes_files(library: Library, tmp_path: Path, pattern_id: str) -> None:
    with pytest.raises(InputError, match="only a codemod changes files"):
        library.apply(pattern_id, tmp_path, [])


def test_an_unknown_id_names_near_ones(library: Library) -> None:
    with pytest.raises(InputError, match=r"no pattern has the id 'py-none-compare'.*py-none-comp"):
        library.get("py-none-compare")


def test_a_repositorys_own_codemod_works_through_the_same_call(tmp_path: Path) -> None:
    repo = make_library(tmp_path, codemod_files("own-rename"))
    write_files(repo, {"src/a.py": "old(1, two=2)\n"})
    use = Library.open(repo).apply("own-rename", repo, ["src/**"])
    assert (repo / "src/a.py").read_text() == "new(1, two=2)\n"
    assert use.paths == ("src/a.py",)


def test_a_librarys_own_cases_are_not_changed(tmp_path: Path) -> None:
    repo = make_library(tmp_path, codemod_files("own-rename"))
    before = (repo / "patterns/codemods/own-rename/cases/one/before.py").read_bytes()
    assert Library.open(repo).apply("own-rename", repo, []).paths == ()
    assert (repo / "patterns/codemods/own-rename/cases/one/before.py").read_bytes() == before
