"""A built wheel works in any repository: the library is in it and checks out."""

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from support.missing import missing


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    if find_spec("hatchling") is None:
        missing("the build backend is not installed")
    target = tmp_path_factory.mktemp("wheel")
    code = "import sys, hatchling.build as backend; print(backend.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(target)],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = target.glob("*.whl")
    return built


def test_every_file_of_the_library_is_in_the_wheel(
    wheel: Path, pytestconfig: pytest.Config
) -> None:
    library = pytestconfig.rootpath / "patterns"
    with zipfile.ZipFile(wheel) as archive:
        packed = {
            name.removeprefix("codex_orchestrator/_patterns/"): archive.read(name)
            for name in archive.namelist()
            if name.startswith("codex_orchestrator/_patterns/")
        }
    here = {
        path.relative_to(library).as_posix(): path.read_bytes()
        for top in ("index.json", "codemods", "linters", "templates")
        for path in [library / top, *(library / top).rglob("*")]
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "index.json" in packed
    assert packed == here


def test_the_wheels_command_finds_and_runs_its_own_library(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    # An installer compiles what it unpacks, cases too; that must not change a digest.
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", str(place / "codex_orchestrator/_patterns")],
        capture_output=True,
        check=False,
    )
    repo = tmp_path / "repo"
    repo.mkdir()
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    (repo / "a.py").write_text("x = not a in b\n")
    environment = {**os.environ, "PYTHONPATH": str(place)}

    def patterns(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "codex_orchestrator", "patterns", *arguments],
            cwd=repo,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    where = "import codex_orchestrator as c; print(c.__file__)"
    seen = subprocess.run(
        [sys.executable, "-c", where], env=environment, capture_output=True, text=True, check=True
    )
    assert seen.stdout.startswith(str(place)), "another copy than the wheel's was imported"
    assert "py-print-to-logging" in patterns("list").stdout
    tested = patterns("test")
    assert tested.returncode == 0, tested.stderr
    assert patterns("apply", "py-not-in").stdout == "a.py\n"
    assert (repo / "a.py").read_text() == "x = a not in b\n"
