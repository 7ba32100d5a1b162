"""What the files of a Node or Deno project say: its package, and its manager."""

import re
from pathlib import Path
from typing import Any

from codex_orchestrator.model.canonical import CanonicalError, load_strict
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.files import UnusableFileError, read_file
from codex_orchestrator.system.listing import work_tree_of

PACKAGE = "package.json"
DENO = ("deno.json", "deno.jsonc")
CHECKS = ("test", "lint", "build")
_MAX_BYTES = 1024 * 1024
_LOCKS = {
    "pnpm-lock.yaml": "pnpm",
    "pnpm-workspace.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    **dict.fromkeys(("deno.lock", *DENO), "deno"),
}
_MANAGER = re.compile(r"(npm|pnpm|yarn|bun|deno)@(\d+)[^\n]{0,200}")
_NO_TEST = "no test specified"
# Comments, then commas at the end, which JSON does not have; texts stay as they are.
_NOT_JSON = tuple(
    re.compile(rf'("(?:[^"\\\n]|\\.)*+")|{extra}', re.DOTALL)
    for extra in (r"//[^\n]*|/\*.*?\*/", r",(?=\s*[}\]])")
)


def read_package(root: Path) -> dict[str, Any]:
    """Return the package.json of a folder; {} when there is none.

    Raises:
        InputError: it is too long, no regular file, or not JSON.
    """
    return _json(root, PACKAGE, _bytes(root, PACKAGE))


def package_name(path: Path) -> str:
    """Return the name in a package.json of the tree; "" where it has none that can be read."""
    try:
        return str(read_package(path.parent).get("name") or "")
    except InputError:
        return ""


def scripts_of(root: Path) -> dict[str, str]:
    """Return the scripts that are checks: of package.json, and the tasks of deno.json.

    npm's placeholder for tests is none.

    Raises:
        InputError: one of the files is wrong.
    """
    package, deno = read_package(root), read_deno(root)
    found: dict[str, str] = {}
    for scripts in (deno.get("tasks"), package.get("scripts")):
        for name in CHECKS:
            script = scripts.get(name) if isinstance(scripts, dict) else None
            # Deno's longer form.
            script = script.get("command") if isinstance(script, dict) else script
            if isinstance(script, str) and script.strip() and _NO_TEST not in script:
                found[name] = script
    return found


def read_deno(root: Path) -> dict[str, Any]:
    """Return the deno.json or deno.jsonc of a folder; {} when there is none.

    Raises:
        InputError: it is too long, no regular file, or not JSON with comments.
    """
    for name in DENO:
        if data := _bytes(root, name):
            text = data.decode("utf-8", "replace")
            for extra in _NOT_JSON:
                text = extra.sub(lambda one: one[1] or "", text)
            return _json(root, name, text.encode())
    return {}


def manager_of(root: Path) -> tuple[str, int]:
    """Return which program runs the scripts, and its major version, 0 where that is not said.

    The nearest folder decides that has a `packageManager` or a lock file: the project's own, or one
    above it in the work tree. It is npm where there is none.

    Raises:
        InputError: a package.json is wrong, or names a manager that nobody knows.
    """
    tree = work_tree_of(root)
    for place in (root, *root.parents):
        wanted = read_package(place).get("packageManager")
        if isinstance(wanted, str) and wanted:
            found = _MANAGER.fullmatch(wanted)
            if found is None:
                raise InputError(
                    "packageManager is none of npm@…, pnpm@…, yarn@…, bun@…, deno@…",
                    path=_shown(place, PACKAGE),
                    field="packageManager",
                    fix="name one of these with its version",
                )
            return found[1], int(found[2])
        for name, manager in _LOCKS.items():
            if (place / name).is_file():
                return manager, 2 if (place / ".yarnrc.yml").is_file() else 0
        if place == tree:
            break
    return "npm", 0


def _bytes(root: Path, name: str) -> bytes:
    try:
        return read_file(root / name, max_bytes=_MAX_BYTES)
    except FileNotFoundError:
        return b""
    except UnusableFileError as error:
        fix = f"put a file of less than {_MAX_BYTES} bytes there"
        raise InputError(error.problem, path=_shown(root, name), fix=fix) from error


def _json(root: Path, name: str, data: bytes) -> dict[str, Any]:
    if not data:
        return {}
    try:
        document = load_strict(data)
    except CanonicalError as error:
        raise InputError(str(error), path=_shown(root, name), fix="fix the file") from error
    return document if isinstance(document, dict) else {}


def _shown(root: Path, name: str) -> str:
    return (root / name).relative_to(work_tree_of(root)).as_posix()
