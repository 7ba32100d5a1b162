"""Prepare a repository: config, a first spec and task, hooks, a workflow, ignored folders."""

from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple

from codex_orchestrator import __version__
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.toml import TomlError, parse_toml

# path in the repository → starter file
_STARTERS = {
    ".codex-orchestrator.toml": "config.toml",
    "tasks/specs/0001-first-change.md": "spec.md",
    "tasks/0001-first-change.md": "task.md",
    ".pre-commit-config.yaml": "pre-commit-config.yaml",
    ".github/workflows/spec-guard.yml": "workflow.yml",
}
IGNORED = (".runs/", "out/", "dist/")
_EXAMPLES = ("tasks/specs/0001-first-change.md", "tasks/0001-first-change.md")


class Prepared(NamedTuple):
    """One file and what was done with it."""

    path: str
    action: Literal["created", "extended", "kept", "would create", "would extend"]
    hint: str = ""


def init_repository(repo: Path, *, today: str, is_dry_run: bool) -> tuple[Prepared, ...]:
    """Write what is missing; never overwrite a file.

    Args:
        repo: the repository's top folder.
        today: the present day as YYYY-MM-DD, for the first spec.
        is_dry_run: only report what would be done.

    Raises:
        InputError: a folder on the path is a link or not a folder, or a file cannot be written.
    """
    done = []
    has_tasks = any((repo / "tasks").glob("**/*.md"))
    for place, starter in _STARTERS.items():
        if has_tasks and place in _EXAMPLES:
            continue
        done.append(_write(repo, place, starter, today=today, is_dry_run=is_dry_run))
    done.append(_ignore(repo, is_dry_run=is_dry_run))
    return tuple(done)


def _write(repo: Path, place: str, starter: str, *, today: str, is_dry_run: bool) -> Prepared:
    path = repo / place
    if place == ".codex-orchestrator.toml" and _is_configured(repo):
        return Prepared("pyproject.toml", "kept", "it has [tool.codex-orchestrator]")
    if path.is_symlink() or path.exists():
        hint = "add the spec-guard hook yourself" if place == ".pre-commit-config.yaml" else ""
        return Prepared(place, "kept", hint)
    if is_dry_run:
        return Prepared(place, "would create")
    text = files("codex_orchestrator.verbs").joinpath(f"starter/{starter}").read_text("utf-8")
    text = text.replace("VERSION", __version__).replace("TODAY", today)
    _require_plain_folders(repo, path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=place) from error
    return Prepared(place, "created")


def _is_configured(repo: Path) -> bool:
    path = repo / "pyproject.toml"
    try:
        document, _ = parse_toml(path.read_bytes())
    except FileNotFoundError:
        return False
    except (OSError, TomlError) as error:
        raise InputError(str(error), path="pyproject.toml", fix="fix the file first") from error
    tools = document.get("tool")
    return isinstance(tools, dict) and "codex-orchestrator" in tools


def _require_plain_folders(repo: Path, folder: Path) -> None:
    """Refuse to write through a link, which may point outside of the repository."""
    while folder != repo:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise InputError("is a link or not a folder", path=str(folder.relative_to(repo)))
        folder = folder.parent


def _ignore(repo: Path, *, is_dry_run: bool) -> Prepared:
    path = repo / ".gitignore"
    if path.is_symlink():
        return Prepared(".gitignore", "kept", f"it is a link; add {' '.join(IGNORED)} yourself")
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
        known = {line.strip().strip("/") for line in text.splitlines()}
        missing = [name for name in IGNORED if name.strip("/") not in known]
        if not missing:
            return Prepared(".gitignore", "kept")
        if is_dry_run:
            return Prepared(".gitignore", "would extend" if text else "would create")
        gap = "" if not text or text.endswith("\n") else "\n"
        with path.open("ab") as stream:
            stream.write((gap + "\n".join(missing) + "\n").encode())
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=".gitignore") from error
    return Prepared(".gitignore", "extended" if text else "created")
