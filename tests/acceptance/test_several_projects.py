"""Runs in repositories of several projects, and in those that have no test yet."""

import json
from pathlib import Path

import pytest

from support.project import CommandLine, Outcome, commit_all, git, today, write

SPEC = """---
id: 0001-all
title: All
status: approved
last_review: {today}
owners: ["@team"]
approvals: []
paths: ["**"]
---
# All
"""
TASK = """---
id: t1
title: A task
spec: tasks/specs/0001-all.md
steps:
  - command: [python3, tools/step.py]
checks: [test]
tests: {{must_pass: {must_pass}}}
---
Do it.
"""
GO = {
    "go.mod": "module ex.com/api\n\ngo 1.24\n",
    "a.go": "package api\n\nfunc F() int { return 1 }\n",
}
GO_TEST = (
    'package api\n\nimport "testing"\n\nfunc TestF(t *testing.T) {\n'
    '\tif F() != 1 {\n\t\tt.Fatal("no")\n\t}\n}\n'
)
NODE = {"package.json": '{"name": "web"}', "i.js": "exports.f = () => 1;\n"}
NODE_TEST = (
    "const test = require('node:test');\nconst assert = require('node:assert');\n"
    "const { f } = require('./i.js');\ntest('gives one', () => assert.equal(f(), 1));\n"
)


def repository(
    folder: Path, files: dict[str, str], step: dict[str, str], promises: str = "[]"
) -> Path:
    """Make a repository whose task writes files."""
    git_folder = folder / "repo"
    git_folder.mkdir()
    git(git_folder, "init", "-q", "-b", "main")
    lines = "import pathlib\n"
    for path, text in step.items():
        lines += f"place = pathlib.Path({path!r})\nplace.parent.mkdir(exist_ok=True)\n"
        lines += f"place.write_text({text!r})\n"
    own = {
        "tasks/specs/0001-all.md": SPEC.format(today=today()),
        "tasks/t1.md": TASK.format(must_pass=promises),
        "tools/step.py": lines,
        ".gitignore": ".runs/\nout/\ntarget/\n",
    }
    for path, text in (own | files).items():
        write(git_folder, path, text)
    commit_all(git_folder, "start")
    return git_folder


def run(repo: Path, call: CommandLine) -> tuple[Outcome, dict[str, object]]:
    done = call("run", "t1", "--repo", str(repo), "--format", "json")
    return done, json.loads(done.out)


def below(folder: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


MONOREPO = below("api", GO | {"a_test.go": GO_TEST}) | below("web", NODE | {"i.test.js": NODE_TEST})


def test_the_project_that_a_change_breaks_is_found_and_the_other_is_said_to_be_untouched(
    tmp_path: Path, call: CommandLine
) -> None:
    repo = repository(tmp_path, MONOREPO, {"web/i.js": "exports.f = () => 2;\n"})
    done, report = run(repo, call)
    assert done.code == 1, done.err
    assert report["untouched"] == ["test@api"]
    (check,) = report["validations"]  # type: ignore[misc]
    assert check["name"] == "test@web"
    assert check["failures"] == ["web/i.test.js > gives one"]
    alone = "cd web && node --test '--test-name-pattern=^gives one$' i.test.js"
    assert check["again"] == alone
    assert alone in str(report["next"])
    (folder,) = repo.glob(".runs/t1/2*")
    review = (folder / "review.md").read_text()
    assert "failed, not touched: `test@api`" in review
    assert "test@web: node --test" in review


def test_a_promised_test_is_found_by_its_place_in_the_repository(
    tmp_path: Path, call: CommandLine
) -> None:
    step = {
        "api/a.go": "package api\n\nfunc F() int { return 1 }\n",
        "web/i.js": "exports.f = () => 1; // one\n",
    }
    broken = {"api/a.go": "package api\n\nfunc F() int { return 2 }\n"}
    repo = repository(tmp_path, MONOREPO | broken, step, '["api::ex.com/api::TestF"]')
    done, report = run(repo, call)
    assert done.code == 0, done.err
    assert report["untouched"] == []
    checks = report["validations"]
    assert [check["name"] for check in checks] == ["test@api", "test@web"]  # type: ignore[attr-defined]


def test_a_touched_project_that_cannot_be_checked_is_never_approved(
    tmp_path: Path, call: CommandLine
) -> None:
    lock = {"web/pnpm-lock.yaml": "", "web/package.json": '{"packageManager": "pnpm@9.0.0"}'}
    lock["web/package.json"] = '{"packageManager": "pnpm@9.0.0", "scripts": {"test": "jest"}}'
    repo = repository(tmp_path, MONOREPO | lock, {"web/i.js": "exports.f = () => 2;\n"})
    done, report = run(repo, call)
    assert done.code == 3, done.err
    (check,) = report["validations"]  # type: ignore[misc]
    assert check["status"] == "not-run"
    assert "`test` needs pnpm; corepack enable pnpm" in check["detail"]


RUST = {
    "Cargo.toml": '[package]\nname = "tea"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": "pub fn f() -> i32 { 1 }\n",
}
RUST_TEST = RUST["src/lib.rs"] + "#[test]\nfn gives_one() { assert_eq!(f(), 1); }\n"


@pytest.mark.parametrize(
    ("files", "tests", "hint"),
    [
        (NODE, {"i.test.js": NODE_TEST}, "write test/NAME.test.js"),
        (GO, {"a_test.go": GO_TEST}, "write NAME_test.go with"),
        (RUST, {"src/lib.rs": RUST_TEST}, "write `#[test] fn name()"),
    ],
    ids=["node", "go", "rust"],
)
def test_the_first_tests_of_a_repository_come_with_a_change(
    tmp_path: Path, call: CommandLine, files: dict[str, str], tests: dict[str, str], hint: str
) -> None:
    repo = repository(tmp_path, files, {"notes.txt": "no test\n"})
    done, report = run(repo, call)
    assert done.code == 3, done.err
    assert hint in str(report["next"])
    write(
        repo,
        "tools/step.py",
        f"import pathlib\nfor p, t in {tests!r}.items(): pathlib.Path(p).write_text(t)\n",
    )
    commit_all(repo, "another step")
    done, report = run(repo, call)
    assert done.code == 0, done.err
