"""Look whether the checkout has what set-up gives to a work tree."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import join

from codex_orchestrator.model.config import SetupConfig
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.system.safe_git import SafeGit
from codex_orchestrator.text.shown import one_line
from codex_orchestrator.workspace.node_modules import fitting_modules


def probe_set_up(
    repo: Path, config: SetupConfig, environ: Mapping[str, str], paths: Sequence[str]
) -> Probe:
    """Say what a work tree gets, and name what is missing of it; a run would be not checked.

    Args:
        repo: the checkout.
        config: what is configured.
        environ: our environment.
        paths: the tracked files.
    """
    missing = [
        (f"{path}, which `{key}` names, is not in the checkout", f"make {path} in the checkout")
        for key, paths in (("link", config.link), ("copy", config.copy_), ("key", config.key))
        for path in paths
        if not (repo / path).exists()
    ]
    submodules = _submodules(repo, environ) if config.submodules else {}
    empty = [path for path, is_there in submodules.items() if not is_there]
    if empty:
        shown = ", ".join(map(one_line, empty[:3]))
        fix = "git submodule update --init --recursive"
        missing.append((f"{len(empty)} submodules are not there: {shown}", fix))
    unset = [name for name in config.pass_env if name not in environ]
    if missing:
        fixes = dict.fromkeys(fix for _, fix in missing)
        detail = "; ".join(text for text, _ in missing)
        return Probe("set-up", "missing", detail, "\n".join(fixes), is_required=True)
    if unset:
        detail = f"not set here: {', '.join(unset)}, which `pass_env` hands to checks"
        return Probe("set-up", "missing", detail, f"export {unset[0]}=VALUE")
    detail = _shown(config, _links(repo, config, paths), len(submodules))
    return Probe("set-up", "works", detail, is_required=True)


def _links(repo: Path, config: SetupConfig, paths: Sequence[str]) -> tuple[str, ...]:
    """Return the folders of the checkout that a work tree is shown."""
    if config.run:
        return config.link
    packages = [path for path in paths if path.rpartition("/")[2] == "package.json"]
    found = fitting_modules(packages, top=repo, root=repo)
    return (*config.link, *(path for path in found if path not in config.link))


def _shown(config: SetupConfig, links: Sequence[str], submodules: int) -> str:
    parts = [
        *(f"runs `{join(command)}`" for command in config.run),
        *(f"links {path}" for path in links),
        *(f"copies {path}" for path in config.copy_),
        *(f"hands {name} to checks" for name in config.pass_env),
        *([f"fills {submodules} submodules"] if submodules else []),
    ]
    return one_line("; ".join(parts) or "a work tree needs nothing beyond what git holds")


def _submodules(repo: Path, environ: Mapping[str, str]) -> dict[str, bool]:
    """Return the paths of submodules, and whether the checkout has each."""
    if not (repo / ".gitmodules").is_file():
        return {}
    listed = SafeGit(repo, environ=environ).run("ls-files", "-s", "-z").split(b"\0")
    paths = [os.fsdecode(row.partition(b"\t")[2]) for row in listed if row.startswith(b"160000 ")]
    return {path: (repo / path / ".git").exists() for path in paths}
