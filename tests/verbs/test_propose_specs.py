"""`spec propose`: drafts for code that no spec owns, from folders, CODEOWNERS and history."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from codex_orchestrator.cli.commands import app
from codex_orchestrator.guard.areas import OWNED, cut_areas
from codex_orchestrator.guard.code_owners import CodeOwners
from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.frontmatter import parse_facts
from codex_orchestrator.text.globs import matcher
from codex_orchestrator.verbs.propose_specs import propose_specs
from codex_orchestrator.verbs.spec_proposal import SpecProposal
from support.guard_repo import GuardRepo, codes
from support.sdists import ROOT

CODE = GuardConfig(code=("src/**", "lib/**"))
CONFIG = '[guard]\ncode = ["src/**", "lib/**"]\n'


@pytest.fixture
def repo(tmp_path: Path) -> GuardRepo:
    return GuardRepo(tmp_path / "repo")


def some_code(packages: Mapping[str, int]) -> dict[str, str]:
    return {
        f"{name}/f{number}.py": f"x = {number}\n"
        for name, count in packages.items()
        for number in range(count)
    }


def commit_as(repo: GuardRepo, author: str, files: Mapping[str, str]) -> None:
    repo.stage(files)
    repo.git("commit", "-q", "--no-verify", "-m", "work", f"--author={author}")


def propose(repo: GuardRepo, config: GuardConfig = CODE) -> SpecProposal:
    return propose_specs(str(repo.root), config, repo.env)


def run(repo: GuardRepo, *args: str) -> Result:
    result = CliRunner().invoke(app, ["spec", "propose", "--repo", str(repo.root), *args])
    assert result.exit_code == 0, result.output
    return result


def owned_times(proposal: SpecProposal, paths: Mapping[str, str]) -> dict[int, int]:
    """Return how many files are owned how often."""
    owns = [matcher(draft.paths) for draft in proposal.drafts]
    found: dict[int, int] = {}
    for path in paths:
        times = sum(own(path) for own in owns)
        found[times] = found.get(times, 0) + 1
    return found


def test_each_file_of_code_gets_one_owner_and_no_draft_is_for_one_file_or_for_all(
    repo: GuardRepo,
) -> None:
    code = some_code({"src/a": 12, "src/b/x": 7, "src/b/y": 6, "src": 3, "lib/tiny": 1, "lib": 9})
    repo.commit({**code, "README.md": "", "docs/x.py": ""})
    proposal = propose(repo)
    assert owned_times(proposal, code) == {1: len(code)}
    assert (proposal.code, proposal.owned, proposal.left) == (38, 0, 0)
    assert 1 < len(proposal.drafts) < 10
    assert all(draft.files > 1 for draft in proposal.drafts)


def test_folders_and_the_rules_of_codeowners_make_the_areas(repo: GuardRepo) -> None:
    owners = "# who\n* @org/all\n/src/pay/ @org/pay ada@example.org\nsrc/log/*.py @org/log\n/lib/\n"
    code = some_code({"src/pay": 4, "src/log": 4, "src/log/deep": 4, "src/web": 4, "lib": 4})
    commit_as(repo, "Grace <grace@example.org>", {**code, ".github/CODEOWNERS": owners})
    found = {draft.paths: (draft.owners, draft.owners_from) for draft in propose(repo).drafts}
    place = ".github/CODEOWNERS, line"
    assert found == {
        ("lib/**",): (("Grace",), "git history"),
        ("src/log/*",): (("@org/log",), f"{place} 4"),
        ("src/log/deep/**",): (("@org/all",), f"{place} 2"),
        ("src/pay/**",): (("@org/pay", "ada@example.org"), f"{place} 3"),
        ("src/web/**",): (("@org/all",), f"{place} 2"),
    }


def test_owners_of_history_are_those_with_most_commits_of_the_last_year_by_name(
    repo: GuardRepo,
) -> None:
    code = some_code({"src/a": 3})
    repo.env["GIT_AUTHOR_DATE"] = repo.env["GIT_COMMITTER_DATE"] = "2024-01-01T00:00:00Z"
    for number in range(5):
        commit_as(repo, "Old <old@example.org>", {**code, "src/a/f0.py": f"x = {number}\n"})
    repo.env["GIT_AUTHOR_DATE"] = repo.env["GIT_COMMITTER_DATE"] = "2026-05-01T00:00:00Z"
    commits = [
        *["Ada Lovelace <ada@example.org>"] * 3,
        *["grace@example.org <grace@example.org>"] * 2,
        *["renovate[bot] <bot@example.org>"] * 4,
        "Late \u202e<late@example.org>",
    ]
    for number, author in enumerate(commits):
        commit_as(repo, author, {"src/a/f1.py": f"x = {number + 10}\n"})
    (draft,) = propose(repo).drafts
    assert draft.owners == ("Ada Lovelace", "grace", "Late")
    assert "@" not in draft.text
    assert '["Ada Lovelace", "grace", "Late"]' in draft.text


def test_drafts_are_listed_first_and_a_dry_run_writes_nothing(repo: GuardRepo) -> None:
    repo.commit({**some_code({"src/a": 3}), ".codex-orchestrator.toml": CONFIG})
    result = run(repo, "--dry-run")
    assert "tasks/specs/0001-src-a.md  3 files" in result.stdout
    assert "  src/a/**\n" in result.stdout
    document = json.loads(run(repo, "--dry-run", "--format", "json").stdout)
    assert document["schema"] == "spec-proposal.v1"
    assert (document["written"], document["code"], document["owned_before"]) == (False, 3, 0)
    assert document["specs"][0]["paths"] == ["src/a/**"]
    assert repo.git("status", "--porcelain") == ""


def test_drafts_allow_nothing_until_a_person_accepts_them(repo: GuardRepo) -> None:
    repo.commit({**some_code({"src/a": 3}), ".codex-orchestrator.toml": CONFIG})
    run(repo)
    repo.commit(message="drafts")
    place = "tasks/specs/0001-src-a.md"
    facts = parse_facts((repo.root / place).read_bytes(), size=1)
    assert (facts.problem, facts.status, facts.review) == ("", "draft", "")
    assert codes(repo.both_views({"src/a/f0.py": "x = 9\n"})) == ["SPEC005"]


def test_a_second_run_proposes_only_what_is_not_owned_yet(repo: GuardRepo) -> None:
    repo.commit({**some_code({"src/a": 3}), ".codex-orchestrator.toml": CONFIG})
    run(repo)
    assert propose(repo).drafts == ()
    more = some_code({"src/b": 3})
    repo.stage({**more, "src/a/sub/f.py": ""})
    proposal = propose(repo)
    assert [(draft.path, draft.paths) for draft in proposal.drafts] == [
        ("tasks/specs/0002-src-b.md", ("src/b/**",))
    ]
    assert proposal.owned == 4


def test_files_beside_owned_ones_are_owned_once(repo: GuardRepo) -> None:
    code = some_code({"src/a": 4, "src/b": 3})
    spec = "---\nid: x\nstatus: draft\npaths:\n  - src/a/f0.py\n---\n"
    repo.commit({**code, "tasks/specs/0041-x.md": spec})
    proposal = propose(repo)
    assert owned_times(proposal, code) == {0: 1, 1: 6}
    assert [draft.spec_id for draft in proposal.drafts] == ["0042-src-a", "0043-src-b"]


def test_an_existing_file_is_never_touched(repo: GuardRepo) -> None:
    repo.commit({**some_code({"src/a": 3}), ".codex-orchestrator.toml": CONFIG})
    proposal = propose(repo)
    place = repo.root / proposal.drafts[0].path
    place.mkdir(parents=True)
    result = CliRunner().invoke(app, ["spec", "propose", "--repo", str(repo.root)])
    assert result.exit_code != 0
    assert "exists already" in str(result.exception)
    assert place.is_dir()


def test_drafts_go_where_the_configuration_keeps_specs(repo: GuardRepo) -> None:
    repo.commit(some_code({"src/a": 3}))
    kit = CODE._replace(specs=("specs/*/spec.md",), specs_format="spec-kit")
    assert [draft.path for draft in propose(repo, kit).drafts] == ["specs/0001-src-a/spec.md"]
    nowhere = CODE._replace(specs=("docs/spec-?.md",))
    with pytest.raises(Exception, match="would be no spec"):
        propose(repo, nowhere)


NAMES = ["a b", "a[1]", "a*", "a?", "-a", "!a", "#a", "ü", "c\\d", "e\nf", "'", '"', "{x}"]


def test_strange_names_are_globs_that_mean_them(repo: GuardRepo) -> None:
    code = some_code({f"src/{name}": 3 for name in NAMES})
    code |= some_code({os.fsdecode(b"src/g\xffh"): 3})
    repo.commit(code)
    proposal = propose(repo)
    assert owned_times(proposal, code) == {1: len(code)}
    for draft in proposal.drafts:
        data = draft.text.encode()
        facts = parse_facts(data, size=len(data))
        assert (facts.problem, facts.paths) == ("", draft.paths)


def test_a_repository_without_commits_has_no_owners(repo: GuardRepo) -> None:
    repo.stage(some_code({"src/a": 3}))
    (draft,) = propose(repo).drafts
    assert draft.owners == ()
    assert "names no owners" in draft.text


def test_no_code_is_an_error_that_names_the_key(repo: GuardRepo) -> None:
    repo.commit({"README.md": ""})
    with pytest.raises(Exception, match="no tracked file is code") as caught:
        propose(repo)
    assert caught.value.field == "guard.code"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("rules", "path", "owners"),
    [
        ("* @a\n*.py @b", "src/x.py", ("@b",)),
        ("*.py @b\n* @a", "src/x.py", ("@a",)),
        ("/src/ @a", "src/x/y.py", ("@a",)),
        ("/src/ @a", "lib/src/y.py", ()),
        ("src/ @a", "lib/src/y.py", ("@a",)),
        ("docs/* @a", "docs/x.md", ("@a",)),
        ("docs/* @a", "docs/x/y.md", ()),
        ("**/logs @a", "build/logs/x/y.py", ("@a",)),
        ("/apps/**/x.py @a", "apps/p/q/x.py", ("@a",)),
        ("/a\\ b/ @a  # the blank", "a b/x.py", ("@a",)),
        ("[Section] @x\n/src/ @a", "src/x.py", ("@a",)),
        ("* @a\n/src/gen/", "src/gen/x.py", ()),
        ("/src/[x]/ @a", "src/[x]/y.py", ("@a",)),
        ("../x @a", "x", ()),
        ("logs @a\n*.py @b\nweb @c", "web/logs/x.py", ("@c",)),
        ("web @c\n*.py @b\nlogs @a", "web/logs/x.py", ("@a",)),
        ("web @c\nlogs @a\n*.py @b\n*.go @d\nx* @e\ny* @f", "web/logs/x.py", ("@e",)),
        ("x.py/ @a", "src/x.py", ()),
        ("f[o] @a\na? @b", "src/f[o]/ab", ("@b",)),
    ],
)
def test_codeowners_is_read_as_its_host_reads_it(
    rules: str, path: str, owners: tuple[str, ...]
) -> None:
    rule = CodeOwners(rules).rule(path)
    assert (rule.owners if rule is not None else ()) == owners


def test_a_large_repository_gets_areas_of_sensible_size() -> None:
    code = {
        f"src/p{number % 40}/q{number // 40 % 25}/f{number}.py": ("@t",) for number in range(20_000)
    }
    code |= {f"lib/f{number}.py": OWNED for number in range(500)}
    areas = cut_areas(code)
    assert sum(area.files for area in areas) == 20_000
    assert 50 < len(areas) < 500
    assert all(30 < area.files <= 500 for area in areas)
    assert len({glob for area in areas for glob in area.globs}) < 2000


def test_the_example_of_the_page_is_what_the_command_prints(repo: GuardRepo) -> None:
    page = (ROOT / "docs/how-to/existing-specs.md").read_text(encoding="utf-8")
    block = page.partition("```console\n$ codex-orchestrator ")[2].partition("```")[0]
    command, _, shown = block.partition("\n")
    owners = "# who owns what\n/src/pay/ @org/pay\n"
    code = some_code({"src/pay": 4, "src/web": 3})
    commit_as(repo, "Ada <ada@example.org>", {**code, ".github/CODEOWNERS": owners})
    commit_as(repo, "Grace <grace@example.org>", {"src/web/f0.py": "x = 7\n"})
    argv = [*command.split(), "--repo", str(repo.root)]
    result = CliRunner().invoke(app, argv)
    assert result.exit_code == 0
    assert result.stdout + result.stderr == shown
