"""The library's gate: index and folders agree, cases exist, content moved only with a version."""

import os
import posixpath
import subprocess
from pathlib import Path

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.patterns.asset import FOLDERS, SOURCE, Asset, digest, parse_source
from codex_orchestrator.patterns.build import build_index
from codex_orchestrator.patterns.index import (
    INDEX,
    dump_index,
    load_index,
    parse_index,
    version_key,
)

_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


def check_library(library: Path) -> tuple[Finding, ...]:
    """Check that a library's index says exactly what stands in its folders.

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
            findings.append(_finding("pattern-index", place, "the index says something else"))
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
        InputError: the base is no commit here, or holds a broken asset.
        NotCheckedError: git cannot be run.
    """
    if base == "HEAD" and _is_unborn(repo):
        return ()
    commit = _git(
        repo, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}"
    )
    prefix = library.resolve().relative_to(repo.resolve()).as_posix()
    before = _base_files(repo, commit.decode().strip(), prefix)
    made, assets = build_index(library)
    findings = [found for asset in assets if (found := _check_asset(asset, before)) is not None]
    if INDEX in before[""]:
        old = parse_index(before[""][INDEX], source=f"{base}:{prefix}/{INDEX}")
        # The stored index may be behind; what `build` makes of it is what counts.
        if old.assets != made.assets and version_key(load_index(library).version) <= version_key(
            old.version
        ):
            findings.append(
                _finding(
                    "pattern-version", INDEX, f"assets moved and the index is still {old.version}"
                )
            )
    return tuple(findings)


def _is_unborn(repo: Path) -> bool:
    """Say whether the repository has no commit yet: then nothing can have changed."""
    return not _git(repo, "rev-list", "--max-count=1", "--all").strip()


def _check_asset(asset: Asset, before: dict[str, dict[str, bytes]]) -> Finding | None:
    place = posixpath.dirname(asset.facts.entry)
    files = before.get(place)
    if files is None or digest(files) == asset.facts.sha256:
        return None
    try:
        old = parse_source(files, place=place).version
    except InputError:
        # What could not be read then was no usable asset, so any version is a new start.
        return None
    if version_key(asset.facts.version) > version_key(old):
        return None
    return _finding(
        "pattern-version",
        f"{place}/{SOURCE}",
        f"files changed and the version is {asset.facts.version}, it was {old}",
        fix="raise `version`, then run `codex-orchestrator patterns build`",
    )


def _base_files(repo: Path, commit: str, prefix: str) -> dict[str, dict[str, bytes]]:
    """Return the base's files: asset folder → relative path → content; "" holds the index."""
    listing = _git(repo, "ls-tree", "-r", "-z", "--full-tree", commit, "--", prefix)
    names: list[tuple[str, str]] = []
    for entry in listing.split(b"\0"):
        if entry:
            facts, name = entry.split(b"\t", 1)
            names.append((facts.split()[2].decode(), os.fsdecode(name)))
    data = _blobs(repo, [blob for blob, _ in names])
    found: dict[str, dict[str, bytes]] = {"": {}}
    for blob, path in names:
        parts = path.removeprefix(prefix + "/").split("/")
        if parts[0] in FOLDERS.values() and len(parts) > 2:
            found.setdefault("/".join(parts[:2]), {})["/".join(parts[2:])] = data[blob]
        elif parts == [INDEX]:
            found[""][INDEX] = data[blob]
    return found


def _blobs(repo: Path, names: list[str]) -> dict[str, bytes]:
    unique = sorted(set(names))
    output = _git(repo, "cat-file", "--batch", stdin="".join(f"{n}\n" for n in unique).encode())
    found: dict[str, bytes] = {}
    place = 0
    for name in unique:
        end = output.index(b"\n", place)
        size = int(output[place:end].split()[2])
        found[name] = output[end + 1 : end + 1 + size]
        place = end + size + 2
    return found


def _git(repo: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(repo), *arguments]
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, env=environment, check=False
        )
    except OSError as error:
        raise NotCheckedError(
            f"git cannot be started: {error.strerror}", fix="install git"
        ) from error
    if done.returncode != 0:
        if arguments[0] == "rev-parse":
            raise InputError(
                f"no commit {arguments[-1].removesuffix('^{commit}')!r} here",
                field="--base",
                fix="fetch it: git fetch origin",
            )
        message = done.stderr.decode("utf-8", "replace").strip()
        raise NotCheckedError(f"git {arguments[0]} failed: {message}")
    return done.stdout


def _finding(rule: str, path: str, message: str, *, fix: str = "") -> Finding:
    fix = fix or "run `codex-orchestrator patterns build`"
    return Finding(rule, Severity.ERROR, path, 0, message, fix)
