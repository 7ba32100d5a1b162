"""`guard accept` and `spec new`: what they write, and that they write nothing else."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.cli.commands import app
from codex_orchestrator.guard.accept import accept
from codex_orchestrator.guard.frontmatter import parse_facts, read_mapping
from codex_orchestrator.guard.new_spec import spec_text
from codex_orchestrator.model.errors import InputError
from support.guard_repo import GOOD, GuardRepo, spec


def attest(text: str, *, role: str = "dx", by: str = "Ann", day: str = "2026-11-22") -> str:
    return accept(text.encode(), path="s.md", reviewer=by, role=role, day=day).decode()


def test_the_date_and_one_approval_change_and_every_other_byte_stays() -> None:
    before = spec(approvals='approvals:\n  - {role: security, by: "@s", on: 2026-01-01}')
    before = before.replace("2026-11-20", "2026-10-01  # monthly") + "\ttail \r\n\x0b"
    after = attest(before)
    assert after == before.replace("2026-10-01", "2026-11-22").replace(
        "on: 2026-01-01}\n", 'on: 2026-01-01}\n  - {role: dx, by: "Ann", on: 2026-11-22}\n'
    )


@pytest.mark.parametrize(
    ("status", "approved"),
    [
        ("status: draft", "status: approved"),
        ("status: Draft   # not yet", "status: approved   # not yet"),
        ("'status': \"draft\"", "'status': approved"),
        ("status: approved", "status: approved"),
        ("status: APPROVED", "status: APPROVED"),
        ("status:", "status: approved"),
    ],
)
def test_the_status_becomes_approved_and_every_other_byte_stays(status: str, approved: str) -> None:
    before = spec(approvals="approvals: []").replace("status: approved", status)
    after = attest(before)
    signed = 'approvals:\n  - {role: dx, by: "Ann", on: 2026-11-22}'
    expected = before.replace(status, approved).replace("approvals: []", signed)
    assert after == expected.replace("2026-11-20", "2026-11-22")
    assert parse_facts(after.encode(), size=len(after)).status == "approved"


def test_a_status_that_is_missing_is_added() -> None:
    assert parse_facts(attest(spec(status=None)).encode(), size=1000).status == "approved"


@pytest.mark.parametrize("status", ["superseded", "rejected", "[draft]"])
def test_only_a_draft_becomes_approved(status: str) -> None:
    with pytest.raises(InputError) as caught:
        attest(spec(status=status))
    assert (caught.value.path, caught.value.line) == ("s.md", 4)


def test_an_earlier_approval_of_the_role_is_replaced() -> None:
    old = "approvals:\n  - role: dx\n    by: Old\n    on: 2025-01-01\n  - {role: a, by: b, on: c}"
    before = spec(approvals=old)
    facts = parse_facts(attest(before).encode(), size=1000)
    assert [entry[:3] for entry in facts.approvals] == [
        ("dx", "Ann", "2026-11-22"),
        ("a", "b", "c"),
    ]


@pytest.mark.parametrize("approvals", ["", "approvals: []", "approvals:", "approvals: []  # none"])
def test_missing_parts_are_added(approvals: str) -> None:
    facts = parse_facts(attest(spec(review=None, approvals=approvals)).encode(), size=1000)
    assert facts.review == "2026-11-22"
    assert [entry[:3] for entry in facts.approvals] == [("dx", "Ann", "2026-11-22")]


def test_a_later_review_is_not_dated_back() -> None:
    assert "last_review: 2026-11-20\n" in attest(spec(), day="2026-11-01")


def test_line_ends_of_the_file_are_kept() -> None:
    after = attest(spec().replace("\n", "\r\n"))
    assert "\n" not in after.replace("\r\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "# no front matter\n",
        "---\nid: a\nid: b\n---\n",
        spec(approvals="approvals: [{role: a, by: b, on: c}]"),
        spec(approvals="approvals:\n  dx: {by: b, on: 2026-11-20}"),
        spec(approvals="approvals: none"),
        spec(review="|\n  2026-11-20"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        attest(text)
    assert caught.value.path == "s.md"
    assert caught.value.line >= 1


@pytest.mark.parametrize(
    ("by", "role"), [("", "dx"), ("a\nb: c", "dx"), ("a\u202e", "dx"), ("A", "D X"), ("A", "")]
)
def test_names_and_roles_that_could_be_something_else_are_refused(by: str, role: str) -> None:
    with pytest.raises(InputError):
        attest(spec(), by=by, role=role)


@settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=30),
    st.sampled_from(["dx", "security"]),
)
def test_any_visible_name_is_read_back_as_it_was_given(by: str, role: str) -> None:
    before = spec(approvals='approvals:\n  - {role: security, by: "@s", on: 2026-01-01}')
    after = read_mapping(attest(before, by=by, role=role).encode())
    assert not isinstance(after, str)
    assert {"role": role, "by": by, "on": "2026-11-22"} in after.values["approvals"]


def run(repo: GuardRepo, *args: str) -> Result:
    result = CliRunner().invoke(app, list(args), standalone_mode=False)
    if isinstance(result.exception, InputError):
        return result
    assert result.exception is None, result.exception
    return result


def test_the_command_attests_today_and_keeps_the_files_mode(repo: GuardRepo) -> None:
    place = repo.root / GOOD
    place.chmod(0o640)
    run(repo, "guard", "--repo", str(repo.root), "accept", str(place), "--reviewer", "Ann")
    today = datetime.now(UTC).date().isoformat()
    assert f"last_review: {today}\n" in place.read_text()
    assert f'- {{role: reviewer, by: "Ann", on: {today}}}' in place.read_text()
    assert place.stat().st_mode & 0o777 == 0o640
    assert list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize("kind", ["outside", "link", "folder", "fifo", "missing", "git"])
def test_the_command_writes_only_plain_files_of_the_repository(
    repo: GuardRepo, tmp_path: Path, kind: str
) -> None:
    places = {
        "outside": tmp_path / "outside.md",
        "link": repo.root / "link.md",
        "folder": repo.root / "tasks",
        "fifo": repo.root / "pipe.md",
        "missing": repo.root / "none.md",
        "git": repo.root / ".git/x.md",
    }
    (tmp_path / "outside.md").write_text(spec())
    (repo.root / ".git/x.md").write_text(spec())
    (repo.root / "link.md").symlink_to(tmp_path / "outside.md")
    os.mkfifo(repo.root / "pipe.md")
    result = run(
        repo, "guard", "--repo", str(repo.root), "accept", str(places[kind]), "--reviewer", "A"
    )
    assert isinstance(result.exception, InputError)
    assert (tmp_path / "outside.md").read_text() == spec()


def test_a_review_is_not_attested_for_the_future(repo: GuardRepo) -> None:
    argv = ["accept", GOOD, "--reviewer", "A", "--as-of", "2999-01-01"]
    assert isinstance(run(repo, "guard", "--repo", str(repo.root), *argv).exception, InputError)


def test_a_new_spec_is_a_draft_that_the_guard_can_read(repo: GuardRepo) -> None:
    argv = [
        "new",
        "0002-more",
        "--title",
        'It\'s "more": #1',
        "--paths",
        "app/**",
        "--paths",
        "*.py",
    ]
    result = run(repo, "spec", *argv, "--repo", str(repo.root))
    assert result.stdout == "tasks/specs/0002-more.md\n"
    facts = parse_facts((repo.root / "tasks/specs/0002-more.md").read_bytes(), size=1000)
    assert (facts.problem, facts.status, facts.paths) == ("", "draft", ("app/**", "*.py"))
    again = run(repo, "spec", *argv, "--repo", str(repo.root))
    assert isinstance(again.exception, InputError)
    assert "exists already" in str(again.exception)


def test_a_new_spec_goes_where_the_configuration_keeps_specs(repo: GuardRepo) -> None:
    repo.write({".codex-orchestrator.toml": '[guard]\nspecs = ["docs/specs/*.md"]\n'})
    result = run(repo, "spec", "new", "x", "--title", "X", "--repo", str(repo.root))
    assert result.stdout == "docs/specs/x.md\n"


def test_a_new_spec_does_not_leave_the_repository_through_a_link(
    empty_repo: GuardRepo, tmp_path: Path
) -> None:
    (tmp_path / "away").mkdir()
    (empty_repo.root / "tasks").symlink_to(tmp_path / "away")
    result = run(empty_repo, "spec", "new", "x", "--title", "X", "--repo", str(empty_repo.root))
    assert isinstance(result.exception, InputError)
    assert not list((tmp_path / "away").rglob("*.md"))


@pytest.mark.parametrize("spec_id", ["../x", "a/b", "X", "", ".x", "a..b", "con"])
def test_an_id_that_is_no_file_name_is_refused(spec_id: str) -> None:
    with pytest.raises(InputError):
        spec_text(spec_id, title="T", paths=())


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=40))
def test_any_title_makes_front_matter_that_holds_it(title: str) -> None:
    if not title.strip() or not title.isprintable():
        return
    found = read_mapping(spec_text("x", title=title, paths=()).encode())
    assert not isinstance(found, str)
    assert found.values["title"] == title
