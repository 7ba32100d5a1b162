"""No run is approved on tests of other code than the work tree's, contained or not.

`tests/adapters/test_where_code_was_loaded_from.py` tries many more layouts.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from support.missing import missing
from support.project import CommandLine, commit_all, git, today, write

SPEC = (
    "---\nid: 0001-a\ntitle: A spec\nstatus: approved\nlast_review: {today}\nowners: ['@t']\n"
    "approvals: []\npaths: ['**']\n---\nWhat the code does.\n"
)
TASK = (
    "---\nid: t1\ntitle: A task\nspec: tasks/specs/0001-a.md\n"
    "steps:\n  - command: [python3, step.py]\nchecks: [test]\n"
    "limits: {{baseline: {baseline}}}\n---\nDo it.\n"
)
STEP = """\
import os, shutil
text = open({path!r}).read()
open({path!r}, "w").write(text.replace({old!r}, {new!r}))
if os.path.isdir({modules!r}):
    shutil.rmtree("node_modules", ignore_errors=True)
    os.mkdir("node_modules")
    os.symlink({modules!r} + "/@shop", "node_modules/@shop")
"""


class Project(NamedTuple):
    """A project whose tests load code of the checkout, unless that is seen to.

    `path` is what the task changes. `install` makes what lies beside the repository's files.
    """

    path: str
    files: dict[str, str]
    install: Callable[[Path], None]
    program: str


def install_package(repo: Path) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = repo.parent / "venv/lib" / version / "site-packages"
    write(site, "__editable__.shop-0.pth", f"{repo / 'lib'}\n")
    write(repo.parent / "venv", "pyvenv.cfg", f"home = {sys.base_prefix}/bin\n")
    (repo.parent / "venv/bin").mkdir()
    (repo.parent / "venv/bin/python").symlink_to(Path(sys.base_prefix, "bin", version))
    write(
        repo, ".codex-orchestrator.toml", f'[adapter]\npython = "{repo.parent}/venv/bin/python"\n'
    )


def link_modules(repo: Path) -> None:
    (repo / "node_modules/@shop").mkdir(parents=True)
    (repo / "node_modules/@shop/a").symlink_to("../../packages/a")


def replace_module(repo: Path) -> None:
    text = (repo / "go.mod").read_text() + f"\nreplace ex.org/lib => {repo / 'lib'}\n"
    (repo / "go.mod").write_text(text)


PROJECTS = {
    "an editable installation": Project(
        "lib/shop/__init__.py",
        {
            "lib/shop/__init__.py": "def total(a, b):\n    return a + b\n",
            "pyproject.toml": '[project]\nname = "shop"\nversion = "0"\n',
            "tests/test_a.py": "import unittest\nfrom shop import total\n\n\n"
            "class T(unittest.TestCase):\n"
            "    def test_a(self): self.assertEqual(total(2, 2), 4)\n",
        },
        install_package,
        "python3",
    ),
    "linked modules": Project(
        "packages/a/index.js",
        {
            "packages/a/index.js": "exports.total = (a, b) => a + b;\n",
            "packages/a/package.json": '{"name": "@shop/a", "main": "index.js"}',
            "package.json": '{"name": "shop", "scripts": {"test": "node --test"}}',
            "a.test.js": "require('node:test')('a', () => {\n"
            "  require('node:assert').strictEqual(require('@shop/a').total(2, 2), 4);\n});\n",
        },
        link_modules,
        "npm",
    ),
    "an absolute replace": Project(
        "lib/lib.go",
        {
            "lib/lib.go": "package lib\n\nfunc Add(a, b int) int { return a + b }\n",
            "lib/go.mod": "module ex.org/lib\n\ngo 1.20\n",
            "go.mod": "module ex.org/app\n\ngo 1.20\n\nrequire ex.org/lib v0.0.0\n",
            "a_test.go": 'package app\n\nimport (\n\t"testing"\n\n\t"ex.org/lib"\n)\n\n'
            "func TestA(t *testing.T) {\n\tif lib.Add(2, 2) != 4 {\n\t\tt.Fail()\n\t}\n}\n",
        },
        replace_module,
        "go",
    ),
}


def make(tmp_path: Path, project: Project, *, sandbox: str, new: str) -> Path:
    if not shutil.which(project.program):
        missing(f"{project.program} is not installed")
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    modules = str(repo / "node_modules")
    files = {
        "tasks/specs/0001-a.md": SPEC.format(today=today()),
        "tasks/t1.md": TASK.format(baseline=str(new != "a - b").lower()),
        "step.py": STEP.format(path=project.path, old="a + b", new=new, modules=modules),
        ".gitignore": ".runs/\nout/\nnode_modules\n",
        ".codex-orchestrator.toml": "",
        **project.files,
    }
    for path, text in files.items():
        write(repo, path, text)
    project.install(repo)
    with open(repo / ".codex-orchestrator.toml", "a") as config:
        config.write(f'[policy]\nsandbox = "{sandbox}"\n')
    commit_all(repo, "start")
    return repo


def record_of(repo: Path) -> str:
    (folder,) = (repo / ".runs/t1").iterdir()
    return (folder / "manifest.json").read_text("utf-8")


@pytest.mark.parametrize("sandbox", ["auto", "off"])
@pytest.mark.parametrize("name", PROJECTS)
@pytest.mark.timeout(400)
def test_a_change_that_breaks_the_code_is_not_approved(
    tmp_path: Path,
    call: CommandLine,
    name: str,
    sandbox: str,
) -> None:
    repo = make(tmp_path, PROJECTS[name], sandbox=sandbox, new="a - b")
    done = call("run", "t1", "--repo", str(repo))
    assert done.code in (1, 3), done.err
    if sandbox == "off" and name != "an editable installation":
        assert '"code":"elsewhere"' in record_of(repo)
        assert "was loaded from another work tree" in record_of(repo)


@pytest.mark.parametrize("sandbox", ["auto", "off"])
def test_an_honest_change_of_a_package_that_is_installed_as_editable_is_approved(
    tmp_path: Path, call: CommandLine, sandbox: str
) -> None:
    project = PROJECTS["an editable installation"]
    repo = make(tmp_path, project, sandbox=sandbox, new="b + a")
    done = call("run", "t1", "--repo", str(repo))
    assert done.code == 0, done.err
    assert '"code":"work-tree"' in record_of(repo)
    assert os.fspath(tmp_path) not in record_of(repo)
