"""What the files of Cargo and rustup say: members of a workspace, and installed compilers."""

import os
from pathlib import Path
from typing import Any

from codex_orchestrator.adapters.interface import read_text
from codex_orchestrator.system.listing import work_tree_of
from codex_orchestrator.text.globs import is_chosen
from codex_orchestrator.text.toml import TomlError, parse_toml


def holds_package(root: Path, folder: str) -> bool:
    """Say whether a package in a folder is of the workspace, as Cargo takes it to be."""
    workspace = _manifest(root).get("workspace")
    excluded = workspace.get("exclude", []) if isinstance(workspace, dict) else []
    left_out = any(is_chosen(folder, [one]) for one in excluded if isinstance(one, str) and one)
    is_own = "workspace" in _manifest(root / folder)
    return workspace is not None and not is_own and not left_out


def is_member(root: Path) -> bool:
    """Say whether a package is a member of a workspace above it in the work tree."""
    if "workspace" in _manifest(root):
        return False
    return any(holds_package(one, root.relative_to(one).as_posix()) for one in inside(root)[1:])


def inside(root: Path) -> list[Path]:
    """Return a folder and those above it in the work tree."""
    tree = work_tree_of(root)
    return [one for one in (root, *root.parents) if one.is_relative_to(tree)]


def toolchains() -> tuple[str, ...]:
    """Return the compilers that rustup may start, and what says which one it does."""
    home = Path(os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup")
    found = (home / "settings.toml", *home.glob("toolchains/*/bin/rustc"))
    return tuple(sorted(map(str, found)))


def _manifest(folder: Path) -> dict[str, Any]:
    """Return a manifest; nothing where it cannot be read: Cargo says why."""
    try:
        return parse_toml(read_text(folder / "Cargo.toml").encode())[0]
    except TomlError:
        return {}
