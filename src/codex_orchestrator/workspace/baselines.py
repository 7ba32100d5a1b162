"""Results of checks at a commit, kept in the user's cache to be used again.

They hold for one content of the base, the same commands, and the same surroundings: environment,
containment, interpreter and installed packages. What cannot be read is no error: the checks run.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from codex_orchestrator.model.canonical import canonical_bytes
from codex_orchestrator.model.check import CheckCommand, CheckResult
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError
from codex_orchestrator.model.suite_run import Outcome
from codex_orchestrator.model.versions import read_document
from codex_orchestrator.system.durable import write_file
from codex_orchestrator.system.files import UnusableFileError, read_file
from codex_orchestrator.system.folders import check_private
from codex_orchestrator.system.output import Redaction
from codex_orchestrator.workspace.scratch import make_scratch_folder


class KeptCheck(Document):
    """The result of a check, without its log, and its tests by outcome; None without a report.

    `modules` are those that it loaded, see `CheckRun`.
    """

    result: CheckResult
    tests: dict[Outcome, tuple[str, ...]] | None
    modules: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class KeptBaseline(Document):
    """What each check said of a commit."""

    schema_: Literal["kept-baseline.v1"] = Field(alias="schema", default="kept-baseline.v1")
    checks: tuple[KeptCheck, ...]


MOST_KEPT = 20
"""How many baselines are kept of a repository; the oldest go first."""
_MAX_BYTES = 256 * 1024 * 1024


def baseline_key(
    tree: str,
    commands: Sequence[CheckCommand],
    *,
    root: Path,
    environment: Mapping[str, str],
    facts: Iterable[str],
) -> str:
    """Return what results of checks are kept by, as a SHA-256 in hexadecimal.

    Args:
        tree: the content that they ran on, as the name of a git tree.
        commands: the checks.
        root: the work tree that the commands name; another one gives the same key.
        environment: the environment of the checks.
        facts: what else they depend on.
    """
    dumped = [command.model_dump_json(exclude={"trees"}) for command in commands]
    shown = [text.replace(str(root), "{root}") for text in dumped]
    path = environment.get("PATH", os.defpath)
    programs = [
        _identity(place)
        for command in commands
        for place in (*_programs(command, path), *command.read, *_packages(command))
    ]
    document = [tree, shown, sorted(environment.items()), sorted(programs), sorted(facts)]
    return hashlib.sha256(json.dumps(document).encode("utf-8", "surrogatepass")).hexdigest()


def _packages(command: CheckCommand) -> list[str]:
    """Return the folders that change when a package is installed for a command's interpreter."""
    prefixes = {*command.read, os.path.dirname(os.path.dirname(command.argv[0]))}
    return [
        str(folder)
        for prefix in prefixes
        if os.path.isabs(prefix)
        for folder in Path(prefix).glob("lib/python3*/site-packages")
    ]


def _programs(command: CheckCommand, path: str) -> Iterator[str]:
    """Yield where the programs of a command lie; a name that is found nowhere as it is."""
    for name in (command.argv[0], *command.programs):
        # One of the work tree is part of its content.
        is_own = os.sep in name and not os.path.isabs(name)
        yield name if is_own else shutil.which(name, path=path) or name


def _identity(place: str) -> str:
    """Return a place with what changes when something else is put there, links followed."""
    real = os.path.realpath(place)
    try:
        facts = os.stat(real)
    except OSError:
        return place
    return f"{place} {real} {facts.st_mtime_ns} {facts.st_size} {facts.st_ino}"


def load_baseline(folder: Path, key: str) -> KeptBaseline | None:
    """Return the results that are kept by a key; None when there are none that are ours."""
    path = folder / f"{key}.json"
    try:
        check_private(folder)
        kept = read_document(
            read_file(path, max_bytes=_MAX_BYTES), KeptBaseline, path=str(path), fix="remove it"
        )
        os.utime(path)
    except (OSError, UnusableFileError, InputError, ServiceError):
        return None
    return kept


def save_baseline(folder: Path, key: str, kept: KeptBaseline, *, redact: Redaction) -> None:
    """Keep results by a key, unless they hold a secret, and remove the oldest of too many."""
    data = canonical_bytes(kept.model_dump(mode="json", by_alias=True))
    if redact(data) != data:
        return
    # They can be had again: what cannot be kept is no reason to end.
    with contextlib.suppress(OSError, InputError, NotCheckedError, ServiceError):
        make_scratch_folder(folder)
        write_file(folder / f"{key}.json", data, is_cache=True)
        files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in files[:-MOST_KEPT]:
            path.unlink(missing_ok=True)
