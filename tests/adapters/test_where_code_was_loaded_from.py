"""Whatever a project's tests load code from: only the work tree's own proves anything.

Each layout is tried with a change that breaks the code, which no check may pass, and with one that
does not, which a check should pass; with a checkout that can be read, and with one that cannot.
"""

import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.adapters.python_packages import package_folders
from codex_orchestrator.model.check import CheckResult
from codex_orchestrator.model.config import AdapterConfig
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.system.environment import child_environment
from support.missing import missing
from support.pattern_files import git, write_files

PASSED = ValidationStatus.PASSED
CODE = "def total(a, b):\n    return a + b\n"
BROKEN = CODE.replace("a + b", "a - b")
TEST = "from shop import total\n\n\ndef test_total():\n    assert total(2, 2) == 4\n"
PROJECT = '[project]\nname = "shop"\nversion = "0"\n'
Install = Callable[[Path, Path], None]


def path_file(folder: str) -> Install:
    def install(repo: Path, site: Path) -> None:
        write_files(site, {"__editable__.shop-0.pth": f"{repo / folder}\n"})

    return install


def egg_link(repo: Path, site: Path) -> None:
    lib = repo / "lib"
    write_files(site, {"easy-install.pth": f"{lib}\n", "shop.egg-link": f"{lib}\n.\n"})


def finder(repo: Path, site: Path) -> None:
    text = (
        "import sys\nfrom importlib.util import spec_from_file_location\nfrom pathlib import Path\n"
        f"MAPPING: dict[str, str] = {{'shop': {str(repo / 'packages/a/shop')!r}}}\n"
        "NAMESPACES: dict[str, list[str]] = {}\n\n\n"
        "class Finder:\n    @classmethod\n    def find_spec(cls, name, path=None, target=None):\n"
        "        place = Path(MAPPING.get(name, ''), '__init__.py')\n"
        "        if name in MAPPING and place.exists():\n"
        "            return spec_from_file_location(name, place)\n\n\n"
        "def install():\n    sys.meta_path.append(Finder)\n"
    )
    line = "import __editable___shop_0_finder as f; f.install()\n"
    files = {"__editable___shop_0_finder.py": text, "__editable__.shop-0.pth": line}
    write_files(site, files)


def strict(repo: Path, site: Path) -> None:
    build = repo / "build/__editable__.shop-0-py3-none-any"
    (build / "shop").mkdir(parents=True)
    (build / "shop/__init__.py").symlink_to(repo / "lib/shop/__init__.py")
    write_files(site, {"__editable__.shop-0.pth": f"{build}\n"})


def flit_link(repo: Path, site: Path) -> None:
    (site / "shop").symlink_to(repo / "lib/shop")


def editables(repo: Path, site: Path) -> None:
    text = (
        "import importlib.util as u, os, sys\n\n\nclass F:\n    known = {}\n"
        "    @classmethod\n    def map_module(cls, name, file):\n        cls.known[name] = file\n"
        "    @classmethod\n    def find_spec(cls, name, path=None, target=None):\n"
        "        if os.path.exists(cls.known.get(name, '')):\n"
        "            return u.spec_from_file_location(name, cls.known[name])\n\n\n"
        f"F.map_module('shop', {str(repo / 'lib/shop/__init__.py')!r})\nsys.meta_path.append(F)\n"
    )
    line = "import _editable_impl_shop\n"
    write_files(site, {"_editable_impl_shop.py": text, "_editable_impl_shop.pth": line})


def copy(repo: Path, site: Path) -> None:
    shutil.copytree(repo / "lib/shop", site / "shop")


MAPPED: Mapping[str, tuple[str, Install]] = {
    "path file, lib": ("lib", path_file("lib")),
    "path file, monorepo": ("packages/a/src", path_file("packages/a/src")),
    "setuptools finder": ("packages/a", finder),
    "setuptools strict": ("lib", strict),
    "egg-link": ("lib", egg_link),
    "flit symlink": ("lib", flit_link),
    "editables": ("lib", editables),
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The folder of packages of an environment that has pytest, in `venv`."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = tmp_path / "venv/lib" / version / "site-packages"
    files = {"tools.pth": f"{Path(pytest.__file__).parent.parent}\n"}
    write_files(site, files)
    home = Path(sys.base_prefix, "bin")
    write_files(tmp_path / "venv", {"pyvenv.cfg": f"home = {home}\n"})
    (tmp_path / "venv/bin").mkdir()
    (tmp_path / "venv/bin/python").symlink_to(home / version)
    return site


def project(tmp_path: Path, files: Mapping[str, str], change: Mapping[str, str]) -> Path:
    """Make a repository in `repo`, and return a work tree of it with a change."""
    repo = write_files(tmp_path / "repo", files)
    git(repo, "init", "-q")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "start")
    git(repo, "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    return write_files(tmp_path / "tree", change)


def check(tmp_path: Path, *, hide: bool = False, **variables: str) -> CheckResult:
    """Run the tests of the work tree, and return what they prove."""
    repo, logs = tmp_path / "repo", tmp_path / "logs"
    python = tmp_path / "venv/bin/python"
    config = AdapterConfig(python=str(python) if python.exists() else "")
    adapters = LanguageAdapters([config], repo=repo)
    _, commands = adapters.commands(tmp_path / "tree", wanted=None, checks=[])
    if hide:
        repo.rename(tmp_path / "hidden")
    logs.mkdir()
    command = commands["test"].writing_to(str(logs))
    done = subprocess.run(
        command.argv,
        cwd=tmp_path / "tree",
        env=child_environment(os.environ) | dict(command.env) | variables,
        capture_output=True,
        check=False,
        timeout=300,
    )
    status = PASSED if done.returncode == 0 else ValidationStatus.FAILED
    result = CheckResult(
        name="test",
        argv=command.argv,
        status=status,
        exit_code=done.returncode,
        duration_ms=0,
        log_path="",
        output_tail=(done.stdout + done.stderr).decode(),
    )
    suite = adapters.tests(command, logs)
    result = result.judged(suite) if suite is not None else result
    return result.with_code(adapters.loaded(command, logs), command)


@pytest.mark.parametrize("kind", ["honest", "honest, the checkout is hidden", "broken"])
@pytest.mark.parametrize("name", MAPPED)
def test_an_editable_installation_is_mapped_onto_the_work_tree(
    tmp_path: Path, site: Path, name: str, kind: str
) -> None:
    folder, install = MAPPED[name]
    path = f"{folder}/shop/__init__.py"
    files = {path: CODE, "test_shop.py": TEST, "pyproject.toml": PROJECT}
    project(tmp_path, files, {path: BROKEN if kind == "broken" else CODE})
    install(tmp_path / "repo", site)
    result = check(tmp_path, hide="hidden" in kind)
    assert result.code == "work-tree"
    wanted = ValidationStatus.FAILED if kind == "broken" else PASSED
    assert result.status is wanted, result.output_tail


UNITTEST = (
    "import unittest\n{0}\n\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        {1}\n"
)
RUNS = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import shop'], check=True)"


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
@pytest.mark.parametrize("how", ["imported", "in a process", "in a process, with a sitecustomize"])
def test_an_installed_copy_of_the_code_proves_nothing(
    tmp_path: Path, site: Path, runner: str, how: str
) -> None:
    test = UNITTEST.format("import shop" if how == "imported" else "", RUNS)
    files = {"lib/shop/__init__.py": CODE, "test_shop.py": test, "pyproject.toml": PROJECT}
    if runner == "pytest":
        files["pytest.ini"] = "[pytest]\n"
    if "sitecustomize" in how:
        files["sitecustomize.py"] = "import os\nos.environ['HAS_RUN'] = '1'\n"
        files["test_shop.py"] = test.replace(
            "'import shop'", "'import os, shop; os.environ[\"HAS_RUN\"]'"
        )
    project(tmp_path, files, {"lib/shop/__init__.py": BROKEN})
    copy(tmp_path / "repo", site)
    result = check(tmp_path)
    assert result.code == "elsewhere", result.output_tail
    assert result.status is ValidationStatus.NOT_RUN
    assert result.exit_code == 0, result.output_tail
    words = "site-packages/shop/__init__.py was loaded, an installed copy of lib/shop/__init__.py"
    assert words in result.detail
    assert "pip install --editable" in result.detail


@pytest.mark.parametrize(
    "top",
    [
        "import sys; sys.path.insert(0, {lib!r}); import shop",
        "import os, runpy; runpy.run_path(os.path.join({lib!r}, 'shop', '__init__.py'))",
        "exec(compile('', __import__('os').path.join({lib!r}, 'shop.py'), 'exec'))",
    ],
    ids=["a path", "a program", "text of a file"],
)
def test_code_of_the_checkout_proves_nothing_however_it_is_loaded(
    tmp_path: Path, site: Path, top: str
) -> None:
    test = UNITTEST.format(top.format(lib=str(tmp_path / "repo/lib")), "pass")
    files = {"lib/shop/__init__.py": CODE, "test_shop.py": test, "setup.py": ""}
    project(tmp_path, files, {"lib/shop/__init__.py": BROKEN})
    result = check(tmp_path)
    assert result.code == "elsewhere", result.output_tail
    assert result.status is ValidationStatus.NOT_RUN
    assert "was loaded from another work tree" in result.detail
    assert str(tmp_path) not in result.detail


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
def test_modules_of_the_work_tree_are_told_with_their_files(tmp_path: Path, runner: str) -> None:
    files = {
        "src/shop/__init__.py": "from shop.cart import total\n",
        "src/shop/cart.py": CODE,
        # The folders of packages come before the top.
        "shop.py": BROKEN,
        "tests/test_shop.py": UNITTEST.format("import shop", "assert shop.total(2, 2) == 4"),
        **({"pytest.ini": "[pytest]\n"} if runner == "pytest" else {"setup.py": ""}),
    }
    project(tmp_path, files, {})
    assert check(tmp_path).status is PASSED
    adapters = LanguageAdapters([AdapterConfig()], repo=tmp_path / "repo")
    _, commands = adapters.commands(tmp_path / "tree", wanted=None, checks=[])
    assert adapters.modules(commands["test"], tmp_path / "logs") == {
        "shop": ("src/shop/__init__.py",),
        "shop.cart": ("src/shop/cart.py",),
        "test_shop": ("tests/test_shop.py",),
    }


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        (["shop/__init__.py", "shop/a/b.py", "setup.py"], {""}),
        (["src/google/cloud/shop/a.py"], {"src"}),
        (
            ["packages/a/src/shop/__init__.py", "packages/b/shop/b.py"],
            {"packages/a/src", "packages/b/shop"},
        ),
        (
            ["backend/app/code/shop/__init__.py", "backend/app/code/shop/a/__init__.py"],
            {"backend/app/code"},
        ),
        (
            ["lib/python/shop.py", "tests/six.py", "vendor/six.py", "docs/conf.py", "a.js"],
            {"lib/python"},
        ),
    ],
)
def test_packages_are_found_where_they_lie(files: list[str], folders: set[str]) -> None:
    assert package_folders(files) == folders


def test_a_project_that_was_built_into_an_environment_is_known_by_its_source(
    tmp_path: Path, site: Path
) -> None:
    # What a builder of extensions leaves: the module is named after no file of the work tree.
    test = UNITTEST.format("import _shop", "pass")
    project(tmp_path, {"src/lib.rs": "", "test_shop.py": test, "pyproject.toml": PROJECT}, {})
    url = f"file://{tmp_path / 'repo'}"
    files = {
        "_shop.py": "",
        "shop-0.dist-info/direct_url.json": f'{{"url": "{url}", "dir_info": {{}}}}',
        "shop-0.dist-info/RECORD": "_shop.py,,\nshop-0.dist-info/RECORD,,\n",
    }
    write_files(site, files)
    result = check(tmp_path)
    assert result.status is ValidationStatus.NOT_RUN, result.output_tail
    assert "site-packages/_shop.py was loaded, an installed copy of this project" in result.detail


@pytest.mark.parametrize("how", ["another clone", "compiled", "a file that is linked"])
def test_a_copy_of_the_code_in_another_form_proves_nothing(
    tmp_path: Path, site: Path, how: str
) -> None:
    test = UNITTEST.format("import shop", "pass")
    files = {"lib/shop/__init__.py": CODE, "test_shop.py": test, "pyproject.toml": PROJECT}
    project(tmp_path, files, {"lib/shop/__init__.py": BROKEN})
    copy(tmp_path / "repo", site)
    if how == "another clone":
        (site / "shop").rename(tmp_path / "shop")
        write_files(tmp_path / "venv/clone", {"note": ""})
        (tmp_path / "shop").rename(tmp_path / "venv/clone/shop")
        write_files(site, {"shop.pth": f"{tmp_path / 'venv/clone'}\n"})
    elif how == "compiled":
        compiled = cache_from_source(str(site / "shop/__init__.py"))
        py_compile.compile(str(site / "shop/__init__.py"), compiled)
        (site / "shop/__init__.py").unlink()
        Path(compiled).rename(site / "shop/__init__.pyc")
    else:
        (tmp_path / "cache.py").write_text(CODE)
        (site / "shop/__init__.py").unlink()
        (site / "shop/__init__.py").symlink_to(tmp_path / "cache.py")
    result = check(tmp_path)
    assert result.exit_code == 0, result.output_tail
    assert result.status is ValidationStatus.NOT_RUN
    assert "an installed copy of lib/shop/__init__.py" in result.detail


def test_what_only_looks_like_code_of_the_project_is_not_refused(
    tmp_path: Path, site: Path
) -> None:
    # Folders that have the names of installed packages, and modules that tests write and load.
    test = (
        "import pluggy, importlib, sys, six\n\n\ndef test_a(tmp_path, monkeypatch):\n"
        "    (tmp_path / 'conftest.py').write_text('')\n"
        "    monkeypatch.syspath_prepend(tmp_path)\n"
        "    sys.modules.pop('conftest', None)\n    assert importlib.import_module('conftest')\n"
    )
    files = {
        "pluggy/Dockerfile": "",
        "tests/six/__init__.py": "",
        "vendor/six.py": "",
        "examples/six/six.py": "",
        "conftest.py": "",
        "tests/test_a.py": test,
        "pyproject.toml": PROJECT,
    }
    project(tmp_path, files, {})
    write_files(site, {"six.py": ""})
    result = check(tmp_path)
    assert result.status is PASSED, result.output_tail + result.detail
    assert result.code == "work-tree"


GO = {
    "go.mod": "module ex.org/app\n\ngo 1.20\n\nrequire ex.org/lib v0.0.0\n\n"
    "replace ex.org/lib => {lib}\n",
    "app.go": 'package app\n\nimport "ex.org/lib"\n\nfunc Total() int { return lib.Add(2, 2) }\n',
    "app_test.go": 'package app\n\nimport "testing"\n\n'
    "func TestTotal(t *testing.T) {\n\tif Total() != 4 {\n\t\tt.Fail()\n\t}\n}\n",
    "lib/go.mod": "module ex.org/lib\n\ngo 1.20\n",
    "lib/lib.go": "package lib\n\nfunc Add(a, b int) int { return a + b }\n",
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("how", ["absolute replace", "absolute use", "relative", "work file above"])
def test_go_code_of_the_checkout_proves_nothing(tmp_path: Path, how: str) -> None:
    if not shutil.which("go"):
        missing("go is not installed")
    repo = tmp_path / "repo"
    files = GO | {"go.mod": GO["go.mod"].format(lib="./lib")}
    if how == "absolute replace":
        files["go.mod"] = GO["go.mod"].format(lib=repo / "lib")
    if how == "absolute use":
        files["go.mod"] = "module ex.org/app\n\ngo 1.20\n"
        files["go.work"] = f"go 1.20\n\nuse .\n\nuse {repo / 'lib'}\n"
    if how == "work file above":
        (tmp_path / "go.work").write_text("go 1.20\n\nuse ./repo\n")
    project(tmp_path, files, {"lib/lib.go": GO["lib/lib.go"].replace("a + b", "a - b")})
    result = check(tmp_path)
    if how in ("relative", "work file above"):
        assert result.code == "work-tree", result.output_tail
        assert result.status is ValidationStatus.FAILED
        return
    assert result.code == "elsewhere", result.output_tail
    assert result.exit_code == 0
    assert result.status is ValidationStatus.NOT_RUN
    assert "lib was loaded from another work tree" in result.detail


NODE = {
    "package.json": '{"name": "shop", "private": true, "workspaces": ["packages/*"]}',
    "packages/a/package.json": '{"name": "@shop/a", "main": "index.js"}',
    "packages/a/index.js": "exports.total = (a, b) => a + b;\n",
    "shop.test.js": "const test = require('node:test');\nconst assert = require('node:assert');\n"
    "const { total } = require('@shop/a');\n"
    "test('total', () => assert.strictEqual(total(2, 2), 4));\n",
}
ESM = {
    "packages/a/package.json": '{"name": "@shop/a", "type": "module", "exports": "./index.js"}',
    "packages/a/index.js": "export const total = (a, b) => a + b;\n",
    "shop.test.js": "const test = require('node:test');\nconst assert = require('node:assert');\n"
    "test('total', async () => assert.strictEqual((await import('@shop/a')).total(2, 2), 4));\n",
}
SCRIPT = {"package.json": NODE["package.json"][:-1] + ', "scripts": {"test": "SCRIPT"}}'}


def link_packages(folder: Path) -> None:
    """Make what npm makes for a workspace in a folder of modules."""
    (folder / "@shop").mkdir(parents=True)
    (folder / "@shop/a").symlink_to("../../packages/a")
    write_files(folder, {"tea/index.js": "module.exports = 1;\n"})


@pytest.mark.parametrize("more", [{}, ESM], ids=["require", "import"])
@pytest.mark.parametrize("script", ["", "node --test", "node shop.test.js", "echo; node --test"])
@pytest.mark.parametrize("modules", ["linked", "own", "copied"])
def test_node_code_of_the_checkout_proves_nothing(
    tmp_path: Path, script: str, modules: str, more: Mapping[str, str]
) -> None:
    if not shutil.which("npm"):
        missing("npm is not installed")
    files = {**NODE, **more, ".gitignore": "node_modules\n"}
    if script:
        files["package.json"] = SCRIPT["package.json"].replace("SCRIPT", script)
    index = files["packages/a/index.js"]
    tree = project(tmp_path, files, {"packages/a/index.js": index.replace("a + b", "a - b")})
    checkout = tmp_path / "repo"
    link_packages(checkout / "node_modules")
    if modules == "linked":
        (tree / "node_modules").symlink_to(checkout / "node_modules")
    elif modules == "own":
        link_packages(tree / "node_modules")
    else:
        shutil.copytree(checkout / "packages/a", tree / "node_modules/@shop/a")
    result = check(tmp_path)
    if modules == "own":
        assert result.code == "work-tree", result.output_tail
        assert result.status is ValidationStatus.FAILED
        return
    assert result.exit_code == 0, result.output_tail
    assert result.code == "elsewhere", result.output_tail
    assert result.status is ValidationStatus.NOT_RUN
    words = (
        "packages/a/index.js was loaded from another work tree"
        if modules == "linked"
        else "node_modules/@shop/a/index.js was loaded, an installed copy of packages/a"
    )
    assert words in result.detail


CARGO = {
    "Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n\n'
    '[dependencies]\nlib = {{ path = "{lib}" }}\n\n[workspace]\nexclude = ["lib"]\n',
    "src/lib.rs": "#[test]\nfn total() { assert_eq!(lib::add(2, 2), 4); }\n",
    "lib/Cargo.toml": '[package]\nname = "lib"\nversion = "0.1.0"\nedition = "2021"\n',
    "lib/src/lib.rs": "pub fn add(a: i32, b: i32) -> i32 { a + b }\n",
    ".gitignore": "target\nCargo.lock\n",
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("how", ["absolute path", "relative"])
def test_rust_code_of_the_checkout_proves_nothing(tmp_path: Path, how: str) -> None:
    if not shutil.which("cargo"):
        missing("cargo is not installed")
    repo = tmp_path / "repo"
    lib = str(repo / "lib") if how == "absolute path" else "lib"
    files = CARGO | {"Cargo.toml": CARGO["Cargo.toml"].format(lib=lib)}
    project(tmp_path, files, {"lib/src/lib.rs": CARGO["lib/src/lib.rs"].replace("+", "-")})
    result = check(tmp_path)
    if how == "absolute path":
        assert result.exit_code == 0, result.output_tail
        assert result.code == "elsewhere"
        assert result.status is ValidationStatus.NOT_RUN
        assert "lib was loaded from another work tree" in result.detail
        return
    assert result.code == "work-tree", result.output_tail
    assert result.status is ValidationStatus.FAILED
