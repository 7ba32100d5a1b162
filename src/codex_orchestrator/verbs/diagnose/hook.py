"""Look at the hook: whether git runs it, whether it is ours, and whether it is this toolkit's."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codex_orchestrator.model.errors import OrchestratorError
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.model.strict_yaml import MAX_BYTES, YamlError, parse_mapping
from codex_orchestrator.system.files import read_given
from codex_orchestrator.system.git import Git, git_environment
from codex_orchestrator.system.installed import installed_source
from codex_orchestrator.system.source import Source
from codex_orchestrator.text.shown import one_line
from codex_orchestrator.verbs.starter_files import hook_lines

_FILES = (".pre-commit-config.yaml", ".pre-commit-config.yml")
_ID = "spec-guard"
_RUNNERS = (b"pre-commit", b"pre_commit", b"prek", b"codex-orchestrator guard")
_NO_SOURCE = "codex-orchestrator init --source URL@COMMIT"


def probe_hook(repo: Path, environ: Mapping[str, str]) -> tuple[Probe, ...]:
    """Say whether git starts a hook runner, and whether its configuration names our hook."""
    return (_installed(repo, environ), _configured(repo))


def _installed(repo: Path, environ: Mapping[str, str]) -> Probe:
    git = Git(str(repo), git_environment(environ, is_hook_repository=False))
    # It may be set by `core.hooksPath`, and is shared by all work trees.
    place = repo / (git.answer("rev-parse", "--git-path", "hooks/pre-commit") or "")
    runner = "prek" if shutil.which("prek") and not shutil.which("pre-commit") else "pre-commit"
    if not place.is_file():
        return Probe("hook", "not configured", "git runs no pre-commit hook", f"{runner} install")
    if not os.access(place, os.X_OK):
        return Probe("hook", "wrong", f"{place} is not executable", f"{runner} install -f")
    try:
        text = read_given(str(place), max_bytes=MAX_BYTES)
    except OrchestratorError as error:
        return Probe("hook", "wrong", error.message, f"{runner} install -f")
    if not any(name in text for name in _RUNNERS):
        detail = f"{place} runs neither pre-commit nor prek"
        return Probe("hook", "wrong", detail, f"{runner} install   # keeps the present one")
    return Probe("hook", "works", f"{place} runs it")


def _configured(repo: Path) -> Probe:
    name = "hook configuration"
    file = next((file for file in _FILES if (repo / file).is_file()), "")
    source = installed_source()
    fix = hook_lines(source) if source else _NO_SOURCE
    if not file:
        detail = f"there is no {_FILES[0]}"
        fix = f"repos:\n{hook_lines(source)}" if source else _NO_SOURCE
        return Probe(name, "not configured", detail, fix)
    try:
        document = parse_mapping(read_given(str(repo / file), max_bytes=MAX_BYTES).decode())
    except (OrchestratorError, YamlError, UnicodeDecodeError) as error:
        return Probe(name, "not tried", f"{file} cannot be read: {one_line(str(error))}")
    ours = next(_ours(document.values), None)
    if ours is None:
        return Probe(name, "not configured", f"{file} does not name the hook {_ID}", fix)
    return compare_sources(file, str(ours.get("repo", "")), str(ours.get("rev", "")), source)


def _ours(document: Mapping[str, Any]) -> "Any":
    repos = document.get("repos")
    for entry in repos if isinstance(repos, list) else ():
        hooks = entry.get("hooks") if isinstance(entry, dict) else None
        for hook in hooks if isinstance(hooks, list) else ():
            if isinstance(hook, dict) and hook.get("id") == _ID:
                yield entry


def compare_sources(file: str, url: str, revision: str, source: Source | None) -> Probe:
    """Compare the source of the hook with that of this toolkit, None when that is not known."""
    name, shown = "hook configuration", one_line(f"{url} {revision}".strip())
    if url in ("local", "meta") or source is None:
        why = "it is local" if url == "local" else "where this toolkit came from is not recorded"
        return Probe(name, "works", f"{file} names {_ID} of {shown}; not compared, because {why}")
    if _plain(url) != _plain(source.url):
        detail = f"{file} takes {_ID} from {shown}, and this toolkit is from {source.url}"
        return Probe(name, "wrong", detail, hook_lines(source))
    if revision != source.revision:
        detail = f"{file} takes {_ID} at {one_line(revision)}, and this toolkit is another version"
        return Probe(name, "wrong", detail, f"in {file}: rev: {source.revision}")
    return Probe(name, "works", f"{file} names {_ID} of this toolkit's own source and commit")


def _plain(url: str) -> str:
    return url.removeprefix("git+").rstrip("/").removesuffix(".git")
