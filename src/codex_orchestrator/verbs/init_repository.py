"""Prepare a repository: config, a first spec and task, hooks, a workflow, ignored folders.

First everything is proposed, with reasons and as a diff; then it is written. No file that exists is
overwritten, so that it can be run again.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.model.config_file import OWN_FILE, PYPROJECT, find_table
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.files import read_given
from codex_orchestrator.system.installed import source_option
from codex_orchestrator.system.source import Source
from codex_orchestrator.text.globs import path_matcher
from codex_orchestrator.text.shown import counted
from codex_orchestrator.text.toml import MAX_BYTES, TomlError, parse_toml
from codex_orchestrator.verbs import starter_files
from codex_orchestrator.verbs.code_globs import CodeGlob, derive_code
from codex_orchestrator.verbs.first_steps import first_steps
from codex_orchestrator.verbs.proposal import Proposal, Proposed
from codex_orchestrator.verbs.starter_files import SPEC, TASK
from codex_orchestrator.verbs.tracked_files import tracked_files

HOOKS = ".pre-commit-config.yaml"
WORKFLOW = ".github/workflows/spec-guard.yml"
IGNORED = (".runs/", "out/", "dist/")
_USUAL = tuple(
    CodeGlob(glob, 0, "usual; no tracked file is code yet")
    for glob in ("src/**", "app/**", "server/**", "migrations/**")
)


def propose_init(repo: Path, *, environment: Mapping[str, str], source: Source | None) -> Proposal:
    """Return what a repository lacks; write nothing.

    Args:
        repo: the repository's top folder.
        environment: the environment of the process; git gets the allowed part of it.
        source: where hook and workflow get the toolkit from; None leaves them out.

    Raises:
        InputError: a file that is there cannot be read or is wrong.
        NotCheckedError: git cannot list the files.
    """
    paths = tracked_files(repo, environment)
    code = derive_code(paths) or _USUAL
    adapter = starter_files.choose_checks(repo)
    files = [_config(repo, starter_files.config_text(code, adapter), paths, code)]
    if _exists(repo, SPEC) or not any((repo / "tasks").glob("**/*.md")):
        files.append(_new(repo, SPEC, starter_files.first_spec(code)))
        files.append(_new(repo, TASK, starter_files.first_task()))
    files += [_hooks(repo, source), _workflow(repo, source), _ignore(repo)]
    present = [file.path for file in files if file.action != "leave out"]
    steps = first_steps(present, _read(repo, SPEC))
    return Proposal(tuple(files), code, adapter.reason, steps)


def write_proposed(repo: Path, proposal: Proposal) -> None:
    """Write the files of a proposal; each must still be as it was.

    Raises:
        InputError: a folder on the path is a link or not a folder, or a file cannot be written or
            has changed.
    """
    changed = [file for file in proposal.files if file.before != file.after]
    for file in changed:
        _require_plain_folders(repo, (repo / file.path).parent)
    for file in changed:
        path = repo / file.path
        if file.before and _read(repo, file.path) != file.before:
            raise InputError("has changed meanwhile", path=file.path, fix="run init again")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb" if file.action == "create" else "ab") as stream:
                stream.write(file.after[len(file.before) :])
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", path=file.path) from error


def _exists(repo: Path, path: str) -> bool:
    return os.path.lexists(repo / path)


def _new(repo: Path, path: str, text: str, *, paste: str = "") -> Proposed:
    """Propose a file, or keep the one that is there and say whether it is the same."""
    place = repo / path
    if not _exists(repo, path):
        return Proposed(path, "create", after=text.encode())
    if place.is_symlink():
        return Proposed(path, "keep", "it is a link", paste=paste)
    is_same = place.is_file() and _read(repo, path) == text.encode()
    if is_same:
        return Proposed(path, "keep", "the same")
    return Proposed(path, "keep", "it is there, and is not the same", paste=paste)


def _read(repo: Path, path: str) -> bytes | None:
    place = repo / path
    return read_given(str(place), max_bytes=MAX_BYTES + 1) if place.is_file() else None


def _config(repo: Path, text: str, paths: list[str], code: tuple[CodeGlob, ...]) -> Proposed:
    """Propose the configuration, or say what of the present one fits the repository."""
    name = PYPROJECT if _is_configured(repo) else OWN_FILE
    if name == OWN_FILE and not _exists(repo, OWN_FILE):
        return Proposed(OWN_FILE, "create", after=text.encode())
    from codex_orchestrator.guard.config import GuardConfig
    from codex_orchestrator.guard.config_table import parse_config

    config = parse_config(find_table(lambda file: _read(repo, file))) or GuardConfig()
    if tuple(glob for glob, *_ in code) == config.code:
        return Proposed(name, "keep", "guard.code is the same")
    covered = sum(map(path_matcher(config.code), paths))
    lines = text.partition("code = [")[2].partition("]\nspecs")[0]
    table = "[tool.codex-orchestrator.guard]" if name == PYPROJECT else "[guard]"
    paste = f"{table}\ncode = [{lines}]\n"
    hint = "guard.code matches no tracked file"
    if covered:
        hint = f"guard.code differs, and matches {counted(covered, 'file')}"
    return Proposed(name, "keep", hint, paste=paste)


def _is_configured(repo: Path) -> bool:
    try:
        document, _ = parse_toml(_read(repo, PYPROJECT) or b"")
    except TomlError as error:
        raise InputError(str(error), path=PYPROJECT, fix="fix the file first") from error
    tools = document.get("tool")
    return isinstance(tools, dict) and "codex-orchestrator" in tools


def _hooks(repo: Path, source: Source | None) -> Proposed:
    is_link = (repo / HOOKS).is_symlink()
    if not is_link and b"id: spec-guard" in (_read(repo, HOOKS) or b""):
        return Proposed(HOOKS, "keep", "it has the hook spec-guard")
    if source is None:
        return Proposed(HOOKS, "leave out", _no_source())
    lines = starter_files.hook_lines(source)
    return _new(repo, HOOKS, starter_files.hook_file(source), paste=f"repos:\n{lines}")


def _workflow(repo: Path, source: Source | None) -> Proposed:
    if source is not None:
        text = starter_files.workflow(source)
        return _new(repo, WORKFLOW, text, paste=text)
    if _exists(repo, WORKFLOW):
        return Proposed(WORKFLOW, "keep", "it is there")
    return Proposed(WORKFLOW, "leave out", _no_source())


def _no_source() -> str:
    return (
        "this installation does not say which repository and commit it is from; run: "
        f"codex-orchestrator init {source_option()}"
    )


def _require_plain_folders(repo: Path, folder: Path) -> None:
    """Refuse to write through a link, which may point outside of the repository."""
    while folder != repo:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise InputError("is a link or not a folder", path=str(folder.relative_to(repo)))
        folder = folder.parent


def _ignore(repo: Path) -> Proposed:
    name = ".gitignore"
    if (repo / name).is_symlink():
        return Proposed(name, "keep", f"it is a link; add {' '.join(IGNORED)} yourself")
    before = _read(repo, name) or b""
    known = {line.strip().strip(b"/") for line in before.splitlines()}
    missing = [path for path in IGNORED if path.strip("/").encode() not in known]
    if not missing:
        return Proposed(name, "keep", "it has all three folders")
    gap = b"" if not before or before.endswith(b"\n") else b"\n"
    after = before + gap + ("\n".join(missing) + "\n").encode()
    return Proposed(name, "extend" if before else "create", "", before, after)
