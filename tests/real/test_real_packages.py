"""Tasks on real packages: their own tests pass before and after, and the diff is the pattern's."""

import ast
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.real_packages import Repository, make_repository, run_own_tests
from support.rewrites import REWRITES, rewritten, same_module
from support.sdists import Sdist


class Case(NamedTuple):
    """A package, the steps of the task, and how many tests it has at least."""

    sdist: Sdist
    owned: str
    steps: list[tuple[str, str]]
    changes: int
    tests: int


BOLTONS = Sdist(
    "boltons", "26.2.0", "d39cfd15c1a1c3bd4d705c82252fa9edb8e4f5e8cc039f8e39afac7b1b47e92c"
)
CASES = [
    Case(
        BOLTONS,
        owned="boltons/**",
        steps=[("py-print-to-logging", "boltons/**/*.py"), ("py-not-in", "boltons/**/*.py")],
        changes=13,
        tests=500,
    ),
    Case(
        Sdist(
            "schema", "0.7.8", "e86cc08edd6fe6e2522648f4e47e3a31920a76e82cce8937535422e310862ab5"
        ),
        owned="schema/**",
        steps=[("py-class-object", "schema/**"), ("py-super-no-args", "schema/**")],
        changes=5,
        tests=100,
    ),
    Case(
        Sdist(
            "voluptuous",
            "0.16.0",
            "006535e22fed944aec17bef6e8725472476194743c87bd233e912eb463f8ff05",
        ),
        owned="voluptuous/**",
        steps=[("py-class-object", "voluptuous/*.py"), ("py-super-no-args", "voluptuous/*.py")],
        changes=31,
        tests=150,
    ),
]


class Done(NamedTuple):
    """A finished run on a real package."""

    case: Case
    repository: Repository
    before: str
    report: dict[str, Any]
    manifest: dict[str, Any]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.sdist.name)
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Done:
    case: Case = request.param
    repository = make_repository(
        case.sdist, tmp_path_factory.mktemp(case.sdist.name), owned=case.owned
    )
    task = repository.add_task("0001-modernise", case.steps)
    repository.commit(f"{case.sdist.name} {case.sdist.version}")
    before = repository.git("rev-parse", "HEAD").strip()
    return Done(case, repository, before, *repository.run(task, exit_code=0))


def test_the_verdict_is_approved_because_the_packages_tests_passed(done: Done) -> None:
    assert done.report["verdict"] == "approved"
    (check,) = done.manifest["validations"]
    assert (check["status"], check["exit_code"]) == ("passed", 0)
    log = done.repository.root / done.report["manifest_path"]
    assert " passed" in (log.parent / check["log_path"]).read_text(encoding="utf-8")


def test_the_packages_own_tests_pass_before_and_after(done: Done, tmp_path: Path) -> None:
    outcomes = []
    for name, commit in (("before", done.before), ("after", done.report["branch"])):
        folder = tmp_path / name
        done.repository.git("worktree", "add", "--quiet", "--detach", str(folder), commit)
        outcomes.append(run_own_tests(folder, tmp_path / f"{name}.xml"))
        done.repository.git("worktree", "remove", "--force", str(folder))
    before, after = outcomes
    assert before.passed >= done.case.tests
    assert after == before
    assert not after.failing


def test_the_change_is_what_the_patterns_say_computed_independently(done: Done) -> None:
    repository, branch = done.repository, done.report["branch"]
    chosen = [REWRITES[pattern] for pattern, _ in done.case.steps]
    owned = done.case.owned.removesuffix("**")
    changes, touched = 0, set()
    for path in repository.python_files(done.before):
        before, after = (repository.text_at(commit, path) for commit in (done.before, branch))
        if path.startswith(owned) and "/tests/" not in path:
            expected = rewritten(before, *chosen)
            assert same_module(after, expected.tree), path
            changes += expected.changes
            touched |= {path} if expected.changes else set()
        else:
            assert after == before, path
    changed = set(repository.git("diff", "--name-only", done.before, branch).split())
    assert changed == touched
    assert changes == done.case.changes == sum(use["changes"] for use in done.manifest["patterns"])


def test_the_patch_in_the_run_folder_makes_the_branch(done: Done, tmp_path: Path) -> None:
    repository, branch = done.repository, done.report["branch"]
    folder = tmp_path / "patched"
    repository.git("worktree", "add", "--quiet", "--detach", str(folder), done.before)
    patched = Repository(folder)
    patched.git("apply", "--index", str(repository.root / done.report["patch_path"]))
    assert patched.git("write-tree") == repository.git("rev-parse", f"{branch}^{{tree}}")


def test_the_four_agents_ran_and_called_tools_over_mcp(done: Done) -> None:
    assert done.manifest["usage"]["requests"] >= 4
    folder = (done.repository.root / done.report["manifest_path"]).parent
    assert "apply_pattern" in (folder / "events.jsonl").read_text(encoding="utf-8")


def test_every_hash_of_the_run_verifies_and_the_checkout_is_as_it_was(done: Done) -> None:
    verified = done.repository.command("runs", "verify", done.report["run_id"])
    assert verified.returncode == 0, verified.stderr
    assert done.repository.git("status", "--porcelain") == ""
    assert done.repository.git("rev-parse", "HEAD").strip() == done.before


WRONG_CODEMOD = """\
id: team-range-from-one
language: python
message: count from one
rule:
  pattern: range($N)
fix: range(1, $N)
"""
WRONG_PATTERN = """\
id: team-range-from-one
kind: codemod
version: 1.0.0
language: python
entry: rule.yml
description: Count from one, as people do. It is wrong on purpose.
usage: codex-orchestrator patterns apply team-range-from-one 'boltons/*.py'
"""


def test_a_codemod_that_breaks_the_packages_tests_fails_with_their_names(tmp_path: Path) -> None:
    (tmp_path / "sdist").mkdir()
    repository = make_repository(BOLTONS, tmp_path / "sdist", owned="boltons/**")
    pattern = repository.root / "patterns" / "codemods" / "team-range-from-one"
    (pattern / "cases" / "plain").mkdir(parents=True)
    (pattern / "pattern.yaml").write_text(WRONG_PATTERN, encoding="utf-8")
    (pattern / "rule.yml").write_text(WRONG_CODEMOD, encoding="utf-8")
    (pattern / "cases" / "plain" / "before.py").write_text("range(n)\n", encoding="utf-8")
    (pattern / "cases" / "plain" / "after.py").write_text("range(1, n)\n", encoding="utf-8")
    built = repository.command("patterns", "build")
    assert built.returncode == 0, built.stderr
    task = repository.add_task("0002-wrong", [("team-range-from-one", "boltons/iterutils.py")])
    repository.commit("boltons with a codemod of the team's own")

    report, manifest = repository.run(task, exit_code=1)

    assert report["verdict"] == "failed"
    (check,) = manifest["validations"]
    assert (check["status"], check["exit_code"]) == ("failed", 1)
    folder = tmp_path / "after"
    repository.git("worktree", "add", "--quiet", "--detach", str(folder), report["branch"])
    assert "range(1, " in (folder / "boltons" / "iterutils.py").read_text(encoding="utf-8")
    ast.parse((folder / "boltons" / "iterutils.py").read_text(encoding="utf-8"))
    failing = run_own_tests(folder, tmp_path / "after.xml").failing
    assert failing
    named = {name.split("::", 1)[1] for name in check["failures"]}
    assert named == failing
