"""What `init` prints, pasted into a shell as it stands, leads to a first run that is approved."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from support.project import CommandLine, commit_all, git, write


class Kind(NamedTuple):
    """A small project, which of its files the first change is made in, and what is its code."""

    files: dict[str, str]
    changed: str
    code: str


PYTHON = Kind(
    {
        "pyproject.toml": '[project]\nname = "flat"\nversion = "0"\n',
        "flat/__init__.py": "def double(number):\n    return number + number  # old\n",
        "tests/test_flat.py": "import unittest\n\nfrom flat import double\n\n\n"
        "class Double(unittest.TestCase):\n    def test_two(self):\n"
        "        self.assertEqual(double(2), 4)\n",
    },
    "flat/__init__.py",
    "flat/**",
)
GO = Kind(
    {
        "go.mod": "module example.test/double\n\ngo 1.21\n",
        "cmd/double/main.go": "package main\n\nfunc main() { println(Double(2)) }\n\n"
        "func Double(n int) int { return n + n } // old\n",
        "cmd/double/main_test.go": 'package main\n\nimport "testing"\n\n'
        "func TestTwo(t *testing.T) {\n\tif Double(2) != 4 {\n\t\tt.Fatal()\n\t}\n}\n",
    },
    "cmd/double/main.go",
    "cmd/**",
)
NODE = Kind(
    {
        "package.json": '{"name": "double", "version": "0.0.0", "private": true,\n'
        ' "scripts": {"test": "node --test test/"}}\n',
        "lib/double.js": "exports.double = (n) => n + n; // old\n",
        "test/double.test.js": "const test = require('node:test');\n"
        "const assert = require('node:assert');\nconst { double } = require('../lib/double.js');\n"
        "test('two', () => assert.equal(double(2), 4));\n",
    },
    "lib/double.js",
    "lib/**",
)
EDITOR = """#!{python}
import sys
spec, task = sys.argv[1:]
text = open(task).read()
step = "steps:\\n  - command: [sed, -i, s/old/new/, {changed}]\\nchecks:"
open(task, "w").write(text.replace("\\nchecks:", "\\n" + step))
text = open(spec).read()
open(spec, "w").write(text.replace("What should be true afterwards", "Comments say new"))
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [PYTHON, GO, NODE], ids=["python", "go", "node"])
def test_the_commands_that_init_prints_end_in_an_approved_run(
    tmp_path: Path, call: CommandLine, kind: Kind
) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    git(repo, "config", "user.name", "Ann Example")
    git(repo, "config", "user.email", "ann@example.test")
    for path, text in kind.files.items():
        write(repo, path, text)
    commit_all(repo, "start")
    prepared = call("init", "--repo", str(repo), "--source", f"https://git.example/c@{'a' * 40}")
    assert prepared.code == 0, prepared.err
    assert f'+  "{kind.code}",' in prepared.out
    chain = prepared.out.partition("\nnext:\n")[2]
    editor = write(tmp_path, "editor", EDITOR.format(python=sys.executable, changed=kind.changed))
    editor.chmod(0o755)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", chain],
        cwd=repo,
        env={**os.environ, "EDITOR": str(editor), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict: approved" in done.stdout
    assert "reviewed on" in done.stderr
    assert 'by: "Ann Example"' in (repo / "tasks/specs/0001-first-change.md").read_text()
    assert call("guard", "--all", "--repo", str(repo)).code == 0
    # Until a person accepts it, the spec is a draft, which allows no code.
    draft = git(repo, "show", "HEAD~1:tasks/specs/0001-first-change.md")
    assert "status: draft" in draft
    write(repo, "tasks/specs/0001-first-change.md", draft)
    write(repo, kind.changed, "changed\n")
    git(repo, "add", "-A")
    blocked = call("guard", "--staged", "--repo", str(repo))
    assert blocked.code == 1
    assert "SPEC005" in blocked.out


# The public report was about pkg/ and cmd/; these are other places that no default named.
@pytest.mark.parametrize(
    "paths",
    [
        ("pkg/a.py", "cmd/main.go"),
        ("lib/gem.rb", "lib/gem/part.rb", "spec/gem_spec.rb"),
        ("packages/a/src/index.ts", "packages/b/src/index.ts", "package.json"),
        ("flat/__init__.py", "flat/core.py", "tests/test_core.py"),
        ("internal/db/db.go", "internal/db/db_test.go", "go.mod"),
    ],
)
def test_code_anywhere_is_guarded_from_the_first_change_on(
    tmp_path: Path, call: CommandLine, paths: tuple[str, ...]
) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    for path in paths:
        write(tmp_path, path, "{}\n")
    commit_all(tmp_path, "start")
    assert call("init", "--repo", str(tmp_path)).code == 0
    commit_all(tmp_path, "init")
    write(tmp_path, paths[0], "changed\n")
    git(tmp_path, "add", "-A")
    done = call("guard", "--staged", "--repo", str(tmp_path))
    assert done.code == 1
    assert paths[0] in done.out
    audit = call("guard", "--all", "--repo", str(tmp_path))
    assert "GUARD004" not in audit.out
