"""What must not stand in the tree, and what the locks and scripts promise."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

LOCKS = ("product", "dev", "uv")
# Written with classes so that this file does not find itself.
REGISTRY_HOSTS = re.compile(
    rb"pypi[.]org/simple|files[.]pythonhosted|registry[.]npmjs|proxy[.]golang|deb[.]debian"
)


def test_no_file_names_this_machine(root: Path, tracked: tuple[str, ...]) -> None:
    place = str(root).encode()
    named = [name for name in tracked if place in (root / name).read_bytes()]
    assert len(root.parts) > 2, "the checkout has no path worth looking for"
    assert not named


def test_no_file_names_a_package_registry_host(root: Path, tracked: tuple[str, ...]) -> None:
    assert not [name for name in tracked if REGISTRY_HOSTS.search((root / name).read_bytes())]


def test_no_binary_file_is_tracked(root: Path, tracked: tuple[str, ...]) -> None:
    assert not [name for name in tracked if b"\0" in (root / name).read_bytes()]


def test_no_tracked_file_is_larger_than_a_megabyte(root: Path, tracked: tuple[str, ...]) -> None:
    assert not [name for name in tracked if (root / name).stat().st_size > 1024 * 1024]


def test_no_tracked_file_is_ignored(root: Path) -> None:
    """A wheel is built without what git ignores, and a new file beside it is forgotten."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--ignored", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    assert not done.stdout.decode().split("\0")[:-1]


def test_every_folder_with_modules_is_a_package(root: Path) -> None:
    folders = {path.parent for path in (root / "src" / "codex_orchestrator").rglob("*.py")}
    assert len(folders) > 10, "the sources were not found"
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_version_and_a_hash(root: Path, name: str) -> None:
    text = (root / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    entries = [entry for entry in entries if entry.strip()]
    assert entries
    assert not [e for e in entries if "==" not in e or "--hash=sha256:" not in e]
    assert not re.search(r"^-|https?:|@ ", text, flags=re.MULTILINE), "an address in the lock"


@pytest.mark.parametrize(("name", "wants_codex"), [("product", False), ("dev", True)])
def test_the_lock_holds_every_declared_dependency(root: Path, name: str, wants_codex: bool) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    locked = (root / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    extras = dict(project["project"]["optional-dependencies"])
    extras.pop("all")
    codex = extras.pop("codex")
    groups = project["dependency-groups"]
    lists = [project["project"]["dependencies"], *extras.values(), groups["build"]]
    if wants_codex:
        lists += [codex, groups["test"], groups["check"]]
    wanted = [line for lines in lists for line in lines]
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in wanted}
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", locked, flags=re.MULTILINE))
    assert names <= pinned


def test_the_product_lock_and_the_dev_lock_agree(root: Path) -> None:
    product, dev = (
        dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", path.read_text("utf-8"), flags=re.MULTILINE))
        for path in (root / "requirements" / f"{name}.lock" for name in ("product", "dev"))
    )
    assert product.items() <= dev.items()


def test_the_gate_calls_check_and_test(root: Path) -> None:
    gate = (root / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^timed make check$", gate, flags=re.MULTILINE)
    assert gate.splitlines()[-1].startswith("exec make test")


def test_the_shell_scripts_pass_shellcheck(root: Path, tracked: tuple[str, ...]) -> None:
    scripts = [
        name
        for name in tracked
        if name.endswith(".sh") or (root / name).read_bytes().startswith(b"#!/usr/bin/env bash")
    ]
    assert ".ci/run" in scripts
    program = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [program, *scripts], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_make_alone_prints_what_each_word_does(root: Path) -> None:
    done = subprocess.run(["make"], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for word in ("demo", "test", "check", "bench"):
        assert re.search(rf"make {word}\s+[A-Z]", done.stdout)


def test_make_says_clearly_when_there_is_no_python(root: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "scripts/make_venv.sh", str(tmp_path / "venv")],
        cwd=root,
        env={"PATH": "/usr/bin:/bin", "CODEX_ORCHESTRATOR_PYTHON": "python-that-is-not-there"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "3.11 or newer" in done.stderr
    assert "fix:" in done.stderr
    assert not (tmp_path / "venv").exists()
