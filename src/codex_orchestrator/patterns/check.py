"""Checks of a library: index and folders agree, cases exist, changes raise the version."""

import os
import posixpath
from contextlib import closing
from pathlib import Path

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.patterns.asset import (
    FOLDERS,
    MAX_ASSET_BYTES,
    SOURCE,
    Asset,
    digest,
    parse_source,
)
from codex_orchestrator.patterns.build import build_index
from codex_orchestrator.patterns.index import (
    INDEX,
    dump_index,
    load_index,
    parse_index,
    version_key,
)
from codex_orchestrator.system.git import Git, git_environment
from codex_orchestrator.system.git_objects import Blobs
from codex_orchestrator.system.git_output import SUBMODULE, parse_listing


def check_library(library: Path) -> tuple[Finding, ...]:
    """Check that a library's index describes exactly what is in its folders.

    Raises:
        InputError: an asset or the index cannot be read.
    """
    made, assets = build_index(library)
    stored = {asset.id: asset for asset in load_index(library).assets}
    findings: list[Finding] = []
    for asset in assets:
        facts = stored.pop(asset.facts.id, None)
        place = posixpath.dirname(asset.facts.entry)
        if facts is None:
            findings.append(_finding("pattern-index", place, "is not in the index"))
        elif facts != asset.facts:
            findings.append(_finding("pattern-index", place, "the index differs from the folder"))
        if not any(name.startswith(("cases/", "invalid/")) for name in asset.files):
            findings.append(_finding("pattern-cases", place, "has no case", fix="add one"))
    findings.extend(
        _finding("pattern-index", pattern_id, "is in the index and has no folder")
        for pattern_id in sorted(stored)
    )
    if not findings and (library / INDEX).read_bytes() != dump_index(made):
        findings.append(_finding("pattern-index", INDEX, "is not written as `build` writes it"))
    return tuple(findings)


def check_versions(library: Path, *, repo: Path, base: str) -> tuple[Finding, ...]:
    """Check that every asset whose files differ from the base has a higher version.

    The base's digests are made from its files, so that a wrong index there hides nothing.

    Raises:
        InputError: the base is not a commit here, or holds a broken asset.
        NotCheckedError: git cannot be run.
    """
    git = Git(str(repo), git_environment(os.environ, is_hook_repository=False))
    # Without any commit nothing can have changed.
    if base == "HEAD" and not git.run("rev-list", "--max-count=1", "--all"):
        return ()
    commit = git.answer(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}"
    )
    if commit is None:
        raise InputError(
            f"no commit {base!r} here", field="--base", fix="fetch it: git fetch origin"
        )
    prefix = library.resolve().relative_to(repo.resolve()).as_posix()
    before = _base_files(git, commit, prefix)
    made, assets = build_index(library)
    findings = [found for asset in assets if (found := _check_asset(asset, before)) is not None]
    if INDEX in before[""]:
        old = parse_index(before[""][INDEX], source=f"{base}:{prefix}/{INDEX}")
        # The stored index may be out of date; the one that `build` makes counts.
        if old.assets != made.assets and version_key(load_index(library).version) <= version_key(
            old.version
        ):
            findings.append(
                _finding(
                    "pattern-version", INDEX, f"assets changed and the index is still {old.version}"
                )
            )
    return tuple(findings)


def _check_asset(asset: Asset, before: dict[str, dict[str, bytes]]) -> Finding | None:
    place = posixpath.dirname(asset.facts.entry)
    files = before.get(place)
    if files is None or digest(files) == asset.facts.sha256:
        return None
    try:
        old = parse_source(files, place=place).version
    except InputError:
        # What could not be read at the base was not a usable asset: any version may follow.
        return None
    if version_key(asset.facts.version) > version_key(old):
        return None
    return _finding(
        "pattern-version",
        f"{place}/{SOURCE}",
        f"files changed and the version is {asset.facts.version}, it was {old}",
        fix="raise `version`, then run `codex-orchestrator patterns build`",
    )


def _base_files(git: Git, commit: str, prefix: str) -> dict[str, dict[str, bytes]]:
    """Return the base's files: asset folder → relative path → content; "" holds the index."""
    listing = git.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", prefix)
    entries = [entry for entry in parse_listing(listing) if entry.mode != SUBMODULE]
    with closing(Blobs(git)) as blobs:
        answers = list(blobs.read_many((entry.blob for entry in entries), MAX_ASSET_BYTES))
    found: dict[str, dict[str, bytes]] = {"": {}}
    for entry, answer in zip(entries, answers, strict=True):
        if answer is None:
            raise NotCheckedError(f"{entry.path} of commit {commit[:12]} is not in this clone")
        data = answer[1]
        parts = entry.path.removeprefix(prefix + "/").split("/")
        if parts[0] in FOLDERS.values() and len(parts) > 2:
            found.setdefault("/".join(parts[:2]), {})["/".join(parts[2:])] = data
        elif parts == [INDEX]:
            found[""][INDEX] = data
    return found


def _finding(rule: str, path: str, message: str, *, fix: str = "") -> Finding:
    fix = fix or "run `codex-orchestrator patterns build`"
    return Finding(rule, Severity.ERROR, path, 0, message, fix)
