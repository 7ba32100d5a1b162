"""What a start may import: the hook runs on every commit and must not pay for the agents."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

HEAVY = {
    "agents",
    "ast_grep_py",
    "filelock",
    "github",
    "hvac",
    "httpx",
    "jinja2",
    "mcp",
    "obstore",
    "openai",
    "pydantic",
    "requests",
    "rfc8785",
    "rich",
    "urllib3",
    "yaml",
}


def imported(*arguments: str, cwd: Path) -> set[str]:
    """Run the command in a fresh process and return the top-level names that it imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "codex_orchestrator", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    names = re.findall(r"^import time:.*\|\s+(\S+)$", done.stderr, flags=re.MULTILINE)
    assert "click" in names, "the report of imports could not be read"
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["guard", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    assert not imported(*arguments, cwd=tmp_path) & HEAVY


def test_a_guard_run_imports_nothing_heavy(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    (tmp_path / "notes.txt").write_text("no code\n", encoding="utf-8")
    subprocess.run([*git, "add", "notes.txt"], check=True)
    assert not imported("guard", "--staged", cwd=tmp_path) & HEAVY


def required(name: str, seen: set[str]) -> set[str]:
    """Return a distribution and all that its plain install brings."""
    if name in seen:
        return seen
    seen.add(name)
    for line in metadata.requires(name) or []:
        if ";" not in line or "extra" not in line.split(";")[1]:
            wanted = re.match(r"[A-Za-z0-9._-]+", line)
            assert wanted is not None
            try:
                metadata.distribution(wanted[0])
            except metadata.PackageNotFoundError:
                continue  # for another platform
            required(wanted[0], seen)
    return seen


def test_the_base_install_brings_no_path_file_with_code() -> None:
    names = required("codex-orchestrator-toolkit", set())
    assert "click" in names
    code = [
        f"{name}: {line}"
        for name in names
        for file in metadata.files(name) or []
        if file.suffix == ".pth"
        for line in file.read_text().splitlines()
        if line.startswith(("import ", "import\t"))
    ]
    assert not code, "code in a .pth file runs at every start of Python"
