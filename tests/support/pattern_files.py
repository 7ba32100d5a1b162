"""Small work trees and libraries, written by tests of the patterns room."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.patterns.build import build_index, write_index

RENAME = """\
id: {id}
language: python
message: old is now new
rule:
  pattern: {pattern}
fix: {fix}
"""


def write_files(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder and return the folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return root


def git(root: Path, *arguments: str) -> str:
    """Run git as a test author and return what it prints."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(
        ["git", "-C", str(root), *identity, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def commit_all(root: Path, message: str = "change") -> None:
    """Make a repository of a folder when it is none, and commit all of it."""
    if not (root / ".git").exists():
        git(root, "init", "-q", "-b", "main")
    git(root, "add", "--all")
    git(root, "commit", "-q", "--allow-empty", "-m", message)


def codemod_files(
    pattern_id: str,
    *,
    pattern: str = "old($$$A)",
    fix: str = "new($$$A)",
    version: str = "1.0.0",
    more: str = "",
    rule: str = "",
) -> dict[str, str]:
    """Return the files of a codemod, by path in a repository."""
    folder = f"patterns/codemods/{pattern_id}"
    text = rule or RENAME.format(id=pattern_id, pattern=pattern, fix=json.dumps(fix))
    return {
        f"{folder}/pattern.yaml": (
            f"id: {pattern_id}\nkind: codemod\nversion: {version}\nlanguage: python\n"
            f"entry: rule.yml\ndescription: A test.\nusage: none\n{more}"
        ),
        f"{folder}/rule.yml": text,
        f"{folder}/cases/one/before.py": "old(1)\n",
        f"{folder}/cases/one/after.py": "new(1)\n",
    }


def make_library(root: Path, *codemods: Mapping[str, str | bytes]) -> Path:
    """Write codemods into a repository's own library, index it, and return the repository."""
    for files in codemods:
        write_files(root, files)
    index, _ = build_index(root / "patterns")
    write_index(root / "patterns", index)
    return root
