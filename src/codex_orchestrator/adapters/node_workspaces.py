"""The packages of a Node or Deno workspace, and their scripts."""

import re
from pathlib import Path

from codex_orchestrator.adapters.interface import read_text
from codex_orchestrator.adapters.node_packages import (
    DENO,
    PACKAGE,
    read_deno,
    read_package,
    scripts_of,
)
from codex_orchestrator.system.listing import list_files
from codex_orchestrator.text.globs import glob_problem, path_matcher

_LISTED = re.compile(r"^\s*-\s*(['\"]?)([^'\"#\n]+?)\1\s*(?:#.*)?$", re.MULTILINE)
_MOST_MEMBERS = 500


def workspace_folders(root: Path) -> tuple[str, ...]:
    """Return the folders of the packages in a workspace, relative to it; () where it is none.

    Raises:
        InputError: a file of the workspace is wrong.
    """
    declared = read_package(root).get("workspaces")
    declared = declared.get("packages") if isinstance(declared, dict) else declared
    globs = [*_texts(declared), *_texts(read_deno(root).get("workspace"))]
    head, mark, rest = read_text(root / "pnpm-workspace.yaml").partition("packages:")
    if mark and (not head or head.endswith("\n")):
        listed = re.split(r"^\S", rest.lstrip(" "), maxsplit=1, flags=re.MULTILINE)[0]
        globs += [one for _, one in _LISTED.findall(listed)]
    globs = [re.sub(r"^(!?)(?:\./)+", r"\1", one).rstrip("/") for one in globs]
    globs = [one for one in globs if not glob_problem(one.removeprefix("!"))]
    if not globs:
        return ()
    is_member = path_matcher(globs)
    files = (path.rsplit("/", 1) for path in list_files(root) if "/" in path)
    names = (PACKAGE, *DENO)
    folders = (folder for folder, name in files if name in names and is_member(folder))
    return tuple(dict.fromkeys(folders))[:_MOST_MEMBERS]


def scripts_of_members(root: Path) -> dict[str, str]:
    """Return the scripts that some package of a workspace has.

    Raises:
        InputError: a file of the workspace is wrong.
    """
    found: dict[str, str] = {}
    for folder in workspace_folders(root):
        found |= scripts_of(root / folder)
    return found


def in_each_package(manager: str, version: int, name: str) -> tuple[str, ...]:
    """Return the command that runs a script in each package of a workspace that has it."""
    if manager == "yarn":
        is_classic = version == 1 or not version
        each = ("run",) if is_classic else ("foreach", "--all", "run")
        return ("yarn", "workspaces", *each, name)
    return {
        "npm": ("npm", "run", name, "--workspaces", "--if-present"),
        "pnpm": ("pnpm", "run", "--recursive", "--if-present", name),
        "bun": ("bun", "run", "--filter", "*", name),
        "deno": ("deno", "task", "--recursive", name),
    }[manager]


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
