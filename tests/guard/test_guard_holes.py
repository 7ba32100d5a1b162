"""Each known hole of public guards is closed, in the hook's view and in CI's."""

from datetime import timedelta
from pathlib import Path

import pytest

from codex_orchestrator.guard.report import FAILED, NOT_CHECKED, PASSED
from codex_orchestrator.guard.views import RequestedView
from codex_orchestrator.model.errors import InputError
from support.guard_repo import GOOD, TODAY, GuardRepo, codes, days_ago, spec


def without_owner(repo: GuardRepo) -> GuardRepo:
    """Add a spec that owns nothing of what follows."""
    repo.commit({GOOD: spec(paths=("docs/**",))})
    return repo


def test_a_staged_change_without_spec_fails(repo: GuardRepo) -> None:
    without_owner(repo)
    repo.stage({"src/a.py": "x = 2\n"})
    assert codes(repo.staged()) == ["SPEC001"]


def test_the_hook_reads_the_index_and_not_the_work_tree(repo: GuardRepo) -> None:
    repo.stage({GOOD: spec(review=days_ago(31)), "src/a.py": "x = 2\n"})
    repo.write({GOOD: spec()})
    assert codes(repo.staged()) == ["SPEC002"]


def test_a_partly_staged_code_file_counts_as_staged(repo: GuardRepo) -> None:
    without_owner(repo)
    repo.stage({"src/a.py": "x = 2\n"})
    repo.write({"src/a.py": "x = 1\n"})
    assert codes(repo.staged()) == ["SPEC001"]


def test_an_unstaged_change_is_not_judged(repo: GuardRepo) -> None:
    without_owner(repo)
    repo.write({"src/a.py": "x = 2\n"})
    assert repo.staged().outcome == PASSED


@pytest.mark.parametrize("depth", [1, 2])
def test_a_shallow_clone_is_not_checked_and_says_how_to_fetch(
    repo: GuardRepo, tmp_path: Path, depth: int
) -> None:
    base = without_owner(repo).git("rev-parse", "HEAD")
    repo.commit({"src/a.py": "x = 2\n"})
    for number in range(3):
        repo.commit({"README.md": f"{number}\n"})
    clone = GuardRepo(tmp_path / "clone")
    clone.git("fetch", "-q", f"--depth={depth}", f"file://{repo.root}", "main")
    clone.git("checkout", "-q", "FETCH_HEAD")
    report = clone.since(base)
    assert report.outcome == NOT_CHECKED
    assert "git fetch" in report.findings[0].fix
    assert report.exit_code == 3


def test_a_shallow_clone_with_the_base_but_not_the_way_to_it_is_not_checked(
    repo: GuardRepo, tmp_path: Path
) -> None:
    base = without_owner(repo).git("rev-parse", "HEAD")
    repo.commit({"src/a.py": "x = 2\n"})
    repo.commit({"README.md": "2\n"})
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    clone = GuardRepo(tmp_path / "clone")
    clone.git("fetch", "-q", "--depth=1", f"file://{repo.root}", "main", base)
    clone.git("checkout", "-q", repo.git("rev-parse", "HEAD"))
    assert clone.since(base).outcome == NOT_CHECKED


def test_a_shallow_clone_that_shows_the_whole_way_is_checked(
    repo: GuardRepo, tmp_path: Path
) -> None:
    base = without_owner(repo).git("rev-parse", "HEAD")
    repo.commit({"src/a.py": "x = 2\n"})
    clone = GuardRepo(tmp_path / "clone")
    clone.git("fetch", "-q", "--depth=2", f"file://{repo.root}", "main")
    clone.git("checkout", "-q", "FETCH_HEAD")
    assert codes(clone.since(base)) == ["SPEC001"]


@pytest.mark.parametrize("ref", ["nowhere", "f" * 40, "--output=x", "HEAD:README.md", "", "a\nb"])
def test_a_base_that_is_no_commit_is_an_input_error(repo: GuardRepo, ref: str) -> None:
    with pytest.raises(InputError) as caught:
        repo.guard(RequestedView("range", ref or " ", "HEAD", is_from_user=True))
    assert caught.value.exit_code == 2
    assert not (repo.root / "x").exists()


def test_a_rename_out_of_the_code_folders_counts_on_its_old_side(repo: GuardRepo) -> None:
    without_owner(repo)
    assert codes(repo.both_views({"src/a.py": None, "lib/a.py": "x = 1\n"})) == ["SPEC001"]


def test_a_rename_into_the_code_folders_counts_on_its_new_side(repo: GuardRepo) -> None:
    without_owner(repo).commit({"lib/b.py": "y = 1\n"})
    report = repo.both_views({"lib/b.py": None, "src/b.py": "y = 1\n"})
    assert [item.path for item in report.findings] == ["src/b.py"]


def test_a_deleted_spec_is_no_update(repo: GuardRepo) -> None:
    without_owner(repo).commit({"tasks/specs/0002-free.md": spec(paths=None, spec_id="0002-free")})
    report = repo.both_views({"src/a.py": "x = 2\n", "tasks/specs/0002-free.md": None})
    assert codes(report) == ["SPEC001"]
    assert "a deletion is not an update" in report.findings[0].message


def test_a_spec_that_owns_other_paths_does_not_help(repo: GuardRepo) -> None:
    without_owner(repo)
    changed = spec(paths=("docs/**",), body="# Good\n\nIt says more.\n")
    report = repo.both_views({"src/a.py": "x = 2\n", GOOD: changed})
    assert codes(report) == ["SPEC001"]
    assert "it owns other paths" in report.findings[0].message


@pytest.mark.parametrize(
    "touch",
    [
        spec(paths=None, body="# Good\n\nWhat   it\tsays.\n\n\n"),
        spec(paths=None, body="#Good What it says."),
        spec(paths=None, body="# Good\n\nWhat it\u200b says.\n"),
        spec(paths=None).replace("\n", "\r\n"),
        "\ufeff" + spec(paths=None),
        spec(paths=None, review="2026-11-21"),
        spec(paths=None, approvals='approvals: [{role: dx, by: "@dx", on: 2026-11-21}]'),
        spec(paths=None).replace("last_review", '"last_review"').replace("11-20", "11-21"),
        spec(paths=None, extra="# a comment"),
    ],
    ids=["spaces", "newlines", "invisible", "crlf", "bom", "date", "approval", "quoted", "comment"],
)
def test_an_edit_without_substance_does_not_count(repo: GuardRepo, touch: str) -> None:
    repo.commit({GOOD: spec(paths=None)})
    report = repo.both_views({"src/a.py": "x = 2\n", GOOD: touch.encode()})
    assert codes(report) == ["SPEC001"]


def test_the_task_index_of_other_tools_does_not_count(repo: GuardRepo) -> None:
    without_owner(repo).commit({"tasks/index.json": "{}\n"})
    report = repo.both_views({"src/a.py": "x = 2\n", "tasks/index.json": "{ }\n"})
    assert codes(report) == ["SPEC001"]


def test_a_spec_that_only_moved_does_not_count(repo: GuardRepo) -> None:
    repo.commit({GOOD: spec(paths=None)})
    moved = {GOOD: None, "tasks/specs/0009-moved.md": spec(paths=None, review=days_ago(0))}
    assert codes(repo.both_views({"src/a.py": "x = 2\n", **moved})) == ["SPEC001"]


def test_a_future_date_fails(repo: GuardRepo) -> None:
    report = repo.both_views({GOOD: spec(review="2099-01-01"), "src/a.py": "x = 2\n"})
    assert codes(report) == ["SPEC003"]
    assert "in the future" in report.findings[0].message


def test_a_date_that_is_only_in_the_text_fails(repo: GuardRepo) -> None:
    report = repo.both_views({GOOD: "# Good\n\nlast_review: 2026-11-20\n", "src/a.py": "x = 2\n"})
    assert "SPEC004" in codes(report)
    assert any("line 3 does not count" in item.message for item in report.findings)


def test_a_date_below_front_matter_without_one_fails(repo: GuardRepo) -> None:
    text = spec(review=None, body="# Good\n\n**Last review**: 2026-11-20\n")
    report = repo.both_views({GOOD: text, "src/a.py": "x = 2\n"})
    assert [(item.rule, item.line) for item in report.findings] == [("SPEC003", 10)]


def test_specs_in_subfolders_are_seen(repo: GuardRepo) -> None:
    deep = "tasks/specs/a/b/0002-deep.md"
    assert codes(repo.both_views({deep: spec(review=days_ago(31), spec_id="0002")})) == ["SPEC002"]


@pytest.mark.parametrize(
    "name",
    [
        "src/é.py",
        "src/日本.py",
        "src/with space.py",
        "src/quo\"te'.py",
        "src/-leading.py",
        "src/--all",
        "src/back\\slash.py",
        "src/%0A::error::.py",
        "src/:(top)magic.py",
        "src/*.py",
    ],
)
def test_odd_names_are_seen_as_they_are(repo: GuardRepo, name: str) -> None:
    without_owner(repo)
    report = repo.both_views({name: "x = 1\n"})
    assert [(item.rule, item.path) for item in report.findings] == [("SPEC001", name)]


@pytest.mark.parametrize(
    "name", ["src/new\nline.py", "src/tab\t.py", "src/b\u202eidi.py", "src/zero\u200b.py"]
)
def test_names_with_hidden_characters_are_findings_of_their_own(repo: GuardRepo, name: str) -> None:
    assert codes(repo.both_views({name: "x = 1\n"})) == ["NAME001"]
    without_owner(repo)
    assert codes(repo.both_views({name: "x = 2\n"})) == ["NAME001", "SPEC001"]


def test_names_that_are_not_utf8_are_seen(repo: GuardRepo) -> None:
    without_owner(repo)
    blob = repo.git("hash-object", "-w", "--stdin", stdin=b"x = 1\n")
    entry = f"100644 {blob}\tsrc/\udcff.py\0".encode("utf-8", "surrogateescape")
    repo.git("update-index", "-z", "--index-info", stdin=entry)
    report = repo.staged()
    assert codes(report) == ["SPEC001"]
    assert codes(report, "warning") == ["NAME001"]
    assert report.as_document()["findings"][0]["path"] == "src/\\xff.py"


def test_monorepo_paths_are_a_matter_of_configuration(repo: GuardRepo) -> None:
    without_owner(repo)
    assert repo.both_views({"backend/src/a.py": "x = 1\n"}).outcome == PASSED
    repo.commit({".codex-orchestrator.toml": '[guard]\ncode = ["**/src/**"]\n'})
    assert codes(repo.both_views({"backend/src/a.py": "x = 2\n"})) == ["SPEC001"]


@pytest.mark.parametrize(
    "written",
    [
        "'2026-11-20'",
        '"2026-11-20"',
        "2026-11-20T10:00:00Z",
        "2026-11-20 10:00",
        '"2026-11-20T23:59:59.5+00:00"',
        "2026-11-20 10:00:00 +0100",
        "2026-11-21T00:30:00+01:00",
    ],
)
def test_a_day_means_the_same_however_it_is_written(repo: GuardRepo, written: str) -> None:
    repo.commit({GOOD: spec(review=written)})
    repo.stage({"src/a.py": "x = 2\n"})
    last = TODAY.replace(month=12, day=20)
    assert repo.staged(today=last).outcome == PASSED
    assert codes(repo.staged(today=last + timedelta(days=1))) == ["SPEC002"]


@pytest.mark.parametrize("status", ["draft", "superseded"])
def test_an_inactive_spec_has_no_age_but_allows_no_code(repo: GuardRepo, status: str) -> None:
    old = spec(status=status, review=days_ago(400))
    assert repo.both_views({GOOD: old}).outcome == PASSED
    assert codes(repo.both_views({"src/a.py": "x = 2\n"})) == ["SPEC005"]


@pytest.mark.parametrize("status", ["done", "active", "APPROVED!", None])
def test_an_unknown_status_is_no_way_out(repo: GuardRepo, status: str | None) -> None:
    report = repo.both_views({GOOD: spec(status=status, review=days_ago(400))})
    assert codes(report) == ["SPEC002", "SPEC005"]


def test_a_stale_bystander_warns_and_blocks_nobody(repo: GuardRepo) -> None:
    repo.commit({"tasks/specs/0002-old.md": spec(paths=("app/**",), review=days_ago(90))})
    report = repo.both_views({"README.md": "Docs only\n"})
    assert report.outcome == PASSED
    assert codes(report, "warning") == ["SPEC011"]
    assert "0002-old.md" in report.findings[0].message


def test_a_missing_date_fails(repo: GuardRepo) -> None:
    assert codes(repo.both_views({GOOD: spec(review=None)})) == ["SPEC003"]


@pytest.mark.parametrize(("age", "outcome"), [(0, PASSED), (30, PASSED), (31, FAILED)])
def test_thirty_days_pass_and_thirty_one_do_not(repo: GuardRepo, age: int, outcome: str) -> None:
    repo.commit({GOOD: spec(review=days_ago(age))})
    assert repo.both_views({"src/a.py": "x = 2\n"}).outcome == outcome


def test_a_mode_change_is_a_change(repo: GuardRepo) -> None:
    without_owner(repo)
    (repo.root / "src/a.py").chmod(0o755)
    assert codes(repo.both_views()) == ["SPEC001"]


def test_a_symlink_is_a_change_and_is_never_followed(repo: GuardRepo) -> None:
    without_owner(repo)
    (repo.root / "src/link.py").symlink_to("loop.py")
    (repo.root / "src/loop.py").symlink_to("link.py")
    report = repo.both_views()
    assert [item.path for item in report.findings] == ["src/link.py", "src/loop.py"]


def test_a_code_folder_replaced_by_a_symlink_is_seen(repo: GuardRepo) -> None:
    without_owner(repo)
    repo.write({"src/a.py": None, "elsewhere/a.py": "x = 1\n"})
    (repo.root / "src").rmdir()
    (repo.root / "src").symlink_to("elsewhere")
    report = repo.both_views()
    assert {item.path for item in report.findings} == {"src", "src/a.py"}


def test_a_spec_that_is_a_symlink_allows_nothing(repo: GuardRepo) -> None:
    repo.write({"docs/real.md": spec(), GOOD: None})
    (repo.root / GOOD).symlink_to("../../docs/real.md")
    report = repo.both_views({"src/a.py": "x = 2\n"})
    assert {"SPEC001", "SPEC004"} <= set(codes(report))


def test_a_spec_that_is_a_symlink_loop_is_a_finding(repo: GuardRepo) -> None:
    (repo.root / "tasks/specs/loop.md").symlink_to("loop.md")
    report = repo.both_views()
    assert codes(report) == ["SPEC004"]


def test_a_submodule_is_a_change(repo: GuardRepo) -> None:
    without_owner(repo)
    commit = repo.git("rev-parse", "HEAD")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},src/vendor")
    assert [item.path for item in repo.staged().findings] == ["src/vendor"]


def test_a_submodule_in_place_of_the_code_folder_is_a_change(repo: GuardRepo) -> None:
    without_owner(repo).commit({"src/a.py": None})
    commit = repo.git("rev-parse", "HEAD")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},src")
    repo.git("config", "-f", ".gitmodules", "submodule.src.path", "src")
    repo.git("config", "-f", ".gitmodules", "submodule.src.ignore", "all")
    assert [item.path for item in repo.staged().findings] == ["src"]


def test_what_the_base_branch_merged_meanwhile_is_not_the_change(repo: GuardRepo) -> None:
    without_owner(repo)
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit({"README.md": "feature\n"})
    repo.git("checkout", "-q", "main")
    repo.commit({"src/a.py": "x = 2\n"})
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "-q", "--no-edit", "main")
    assert repo.since("main").outcome == PASSED


def test_code_smuggled_into_a_merge_commit_is_seen(repo: GuardRepo) -> None:
    without_owner(repo)
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit({"README.md": "feature\n"})
    repo.git("checkout", "-q", "main")
    repo.commit({"docs/x.md": "x\n"})
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "-q", "--no-commit", "--no-ff", "main")
    repo.commit({"src/a.py": "evil = 1\n"})
    assert codes(repo.since("main")) == ["SPEC001"]


def test_the_first_commit_without_a_parent_is_checked(empty_repo: GuardRepo) -> None:
    empty_repo.stage({"src/a.py": "x = 1\n"})
    assert codes(empty_repo.staged()) == ["SPEC001"]
    empty_repo.commit()
    whole = empty_repo.guard(RequestedView("range", "", "HEAD"))
    assert codes(whole) == ["SPEC001"]


def test_the_first_commit_uses_the_configuration_that_it_brings(empty_repo: GuardRepo) -> None:
    files = {"lib/a.py": "x = 1\n", ".codex-orchestrator.toml": '[guard]\ncode = ["lib/**"]\n'}
    empty_repo.stage(files)
    assert codes(empty_repo.staged()) == ["SPEC001"]


def test_an_unborn_branch_with_nothing_staged_passes(empty_repo: GuardRepo) -> None:
    assert empty_repo.staged().outcome == PASSED


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_line_ends_and_byte_order_marks_change_nothing(
    repo: GuardRepo, mark: bytes, newline: bytes
) -> None:
    text = spec(review=days_ago(31)).encode().replace(b"\n", newline)
    report = repo.both_views({GOOD: mark + text, "src/a.py": "x = 2\n"})
    assert [(item.rule, item.line) for item in report.findings if item.rule == "SPEC002"] == [
        ("SPEC002", 5)
    ]


@pytest.mark.parametrize("written", ["2026-02-30", "20.11.2026", "soon", "2026-1-2", "0000-00-00"])
def test_an_impossible_date_fails(repo: GuardRepo, written: str) -> None:
    report = repo.both_views({GOOD: spec(review=written)})
    assert codes(report) == ["SPEC003"]
    assert written in report.findings[0].message


def test_an_index_in_conflict_is_not_checked(repo: GuardRepo) -> None:
    repo.git("checkout", "-q", "-b", "other")
    repo.commit({"src/a.py": "x = 2\n"})
    repo.git("checkout", "-q", "main")
    repo.commit({"src/a.py": "x = 3\n"})
    repo.git("merge", "-q", "other", ok=False)
    for report in (repo.staged(), repo.audit()):
        assert report.outcome == NOT_CHECKED
        assert "conflict" in report.findings[0].message


def test_a_sha256_repository_is_read_like_any_other(tmp_path: Path) -> None:
    repo = GuardRepo(tmp_path / "wide", object_format="sha256")
    repo.commit({GOOD: spec(), "src/a.py": "x = 1\n"})
    assert repo.both_views({"src/a.py": "x = 2\n"}).outcome == PASSED
    assert codes(repo.both_views({"src/a.py": "x = 3\n", GOOD: spec(review=days_ago(31))})) == [
        "SPEC002"
    ]


def test_a_linked_work_tree_is_checked_by_its_own_index(repo: GuardRepo, tmp_path: Path) -> None:
    without_owner(repo)
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    linked = GuardRepo.__new__(GuardRepo)
    linked.root, linked.env = tmp_path / "linked", repo.env
    linked.stage({"src/a.py": "x = 2\n"})
    assert codes(linked.staged()) == ["SPEC001"]
    assert repo.staged().outcome == PASSED


def test_a_file_that_git_takes_on_trust_is_read_from_its_object(repo: GuardRepo) -> None:
    many = {
        f"tasks/specs/{number:03d}.md": spec(paths=(f"src/{number}/**",), spec_id=f"s{number}")
        for number in range(80)
    }
    repo.commit(many | {GOOD: None})
    victim = "tasks/specs/007.md"
    repo.commit({victim: spec(paths=("src/7/**",), review=days_ago(31))})
    repo.git("update-index", "--assume-unchanged", victim)
    repo.write({victim: spec(paths=("src/7/**",))})
    repo.write({"src/7/a.py": "x\n"})
    repo.git("add", "src/7/a.py")
    assert codes(repo.staged()) == ["SPEC002"]


def test_a_partial_commit_is_judged_by_the_index_of_its_hook(repo: GuardRepo) -> None:
    without_owner(repo)
    repo.write({"README.md": "docs\n", "src/a.py": "x = 2\n"})
    repo.git("add", "src/a.py")
    other = repo.root / ".git/next-index"
    repo.env["GIT_INDEX_FILE"] = str(other)
    repo.git("read-tree", "HEAD")
    repo.git("add", "README.md")
    del repo.env["GIT_INDEX_FILE"]
    report = repo.guard(RequestedView("staged"), env={"GIT_INDEX_FILE": str(other)})
    assert report.outcome == PASSED
    assert codes(repo.staged()) == ["SPEC001"]
