"""Which projects a repository holds, by the files in its folders. Reads files, runs nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.adapters.command import CommandAdapter
from codex_orchestrator.adapters.go import GoAdapter
from codex_orchestrator.adapters.gradle import GradleAdapter
from codex_orchestrator.adapters.interface import Detection, LanguageAdapter
from codex_orchestrator.adapters.maven import MavenAdapter
from codex_orchestrator.adapters.node import NodeAdapter
from codex_orchestrator.adapters.python import PythonAdapter
from codex_orchestrator.adapters.rust import RustAdapter
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.listing import list_files, listed_once

ADAPTERS: tuple[LanguageAdapter, ...] = (
    PythonAdapter(),
    NodeAdapter(),
    GoAdapter(),
    RustAdapter(),
    MavenAdapter(),
    GradleAdapter(),
)
MOST_PROJECTS = 50
_DEEPEST = 4
# What is in such a folder is an example, input of a test, or somebody else's.
_NO_PROJECT = frozenset(
    [
        *("test", "tests", "testing", "testdata", "fixtures", "__fixtures__", "__tests__", "e2e"),
        *("doc", "docs", "website", "example", "examples", "demo", "demos", "sample", "samples"),
        *("template", "templates", "starter", "benchmark", "benchmarks", "bench"),
        *("vendor", "_vendor", "third_party", "external", "target", "build", "dist", "out"),
    ]
)


class Project(NamedTuple):
    """A folder with a project file, relative to the top, and the adapter that it is for.

    `reason` says what was seen; `has_tests` whether that includes a test.
    """

    folder: str
    adapter: LanguageAdapter
    reason: str
    has_tests: bool


@listed_once()
def find_projects(root: Path, wanted: str | None = None) -> tuple[Project, ...]:
    """Find the projects of a work tree, the outermost first.

    A member of a workspace is part of it. In the folders below the top only projects that have
    tests count, unless there is no other.

    Args:
        root: the top of the work tree.
        wanted: the id of an adapter; then only its projects, at least the top.

    Raises:
        InputError: nothing fits, there are too many projects, or the adapter is unknown.
    """
    if wanted is not None:
        adapter = adapter_of(wanted)
        found = _with_project_file(root, [adapter])
        top = Project(".", adapter, "the configuration or the task names it", has_tests=True)
        return tuple(one for one in found if one.has_tests or one.folder == ".") or (top,)
    found = _with_project_file(root, ADAPTERS)
    counted = [one for one in found if one.has_tests or _is_main(one)]
    known = {one.adapter.id for one in counted}
    if not any(one.folder == "." for one in counted):
        # Source files at the top, without a project file, beside projects in folders.
        loose = [(adapter.detect(root), adapter) for adapter in ADAPTERS if adapter.id not in known]
        counted += [
            Project(".", adapter, seen.reason, has_tests=True)
            for seen, adapter in loose
            if found and seen.strength == 1 and seen.has_tests
        ]
    counted = counted or found or [_only_by_its_files(root)]
    if len(counted) > MOST_PROJECTS:
        raise InputError(
            f"this repository has {len(counted)} projects, more than {MOST_PROJECTS}",
            field="adapter",
            fix="name those to check: [[tool.codex-orchestrator.adapter]] with path = FOLDER",
        )
    return tuple(sorted(counted, key=lambda one: (one.folder.count("/"), one.folder)))


def adapter_of(wanted: str) -> LanguageAdapter:
    """Return the adapter with an id.

    Raises:
        InputError: there is none.
    """
    for adapter in ADAPTERS:
        if adapter.id == wanted:
            return adapter
    known = ", ".join([*(adapter.id for adapter in ADAPTERS), CommandAdapter.id])
    raise InputError(f"no adapter {wanted!r}", field="adapter", fix=f"use one of: {known}")


def find_in_folder(root: Path, folder: str) -> tuple[Project, ...]:
    """Find the projects in one folder of a work tree; see `find_projects`.

    Raises:
        InputError: nothing fits.
    """
    seen = [(adapter, adapter.detect(root / folder)) for adapter in ADAPTERS]
    best = [_project(folder, *one) for one in seen if one[1].strength > 1]
    tested = [one for one in best if one.has_tests]
    return tuple(tested or best) or (_only_by_its_files(root, folder),)


def _project(folder: str, adapter: LanguageAdapter, seen: Detection) -> Project:
    return Project(folder, adapter, seen.reason, seen.has_tests)


def _is_main(project: Project) -> bool:
    """Say whether a project counts without a test: it is what the repository is about.

    A package.json at the top may be there for tools only.
    """
    return project.folder == "." and project.adapter.id != NodeAdapter.id


def _with_project_file(root: Path, adapters: Sequence[LanguageAdapter]) -> list[Project]:
    """Return the projects that have a project file, each workspace as one."""
    names = {name for adapter in adapters for name in adapter.project_files}
    folders: dict[str, set[str]] = {".": set()}
    for path in list_files(root):
        *parts, name = path.split("/")
        if name in names and len(parts) <= _DEEPEST and _NO_PROJECT.isdisjoint(parts):
            folders.setdefault("/".join(parts) or ".", set()).add(name)
    found: list[Project] = []
    for folder in sorted(folders, key=lambda one: (one != ".", one.count("/"), one)):
        for adapter in adapters:
            if folders[folder].isdisjoint(adapter.project_files) and folder != ".":
                continue
            if _is_member(root, folder, [one for one in found if one.adapter is adapter]):
                continue
            seen = _detected(root / folder, adapter, is_top=folder == ".")
            found += [_project(folder, adapter, seen)] if seen.strength > 1 else []
    return found


def _detected(place: Path, adapter: LanguageAdapter, *, is_top: bool) -> Detection:
    try:
        return adapter.detect(place)
    except InputError as error:
        if is_top:
            raise
        # Whoever changes this folder is told; others need not repair it.
        return Detection(2, error.message)


def _is_member(root: Path, folder: str, outer: Sequence[Project]) -> bool:
    for one in outer:
        below = folder if one.folder == "." else folder.removeprefix(f"{one.folder}/")
        is_below = one.folder == "." or below != folder
        if is_below and folder != one.folder and one.adapter.holds(root / one.folder, below):
            return True
    return False


def _only_by_its_files(root: Path, folder: str = ".") -> Project:
    """Return what a folder without a project file is by its files.

    Raises:
        InputError: nothing fits, or two fit equally well.
    """
    found = [(adapter, adapter.detect(root / folder)) for adapter in ADAPTERS]
    best = max(detection.strength for _, detection in found)
    fitting = [one for one in found if one[1].strength == best]
    if best == 0:
        reasons = "; ".join(detection.reason for _, detection in found)
        raise InputError(
            f"no adapter fits this project: {reasons}",
            field="adapter",
            fix="name the commands of its checks in the configuration, with `adapter: command`",
        )
    if len(fitting) > 1:
        reasons = " and ".join(f"{adapter.id} ({seen.reason})" for adapter, seen in fitting)
        raise InputError(
            f"two adapters fit this project: {reasons}",
            field="adapter",
            fix=f"say which in the task, for example `adapter: {fitting[0][0].id}`",
        )
    return _project(folder, *fitting[0])
