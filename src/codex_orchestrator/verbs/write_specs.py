"""Write specs: a new draft from the template, or the record of a review."""

import os
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from codex_orchestrator.guard.accept import accept
from codex_orchestrator.guard.config import FRONT_MATTER, GuardConfig
from codex_orchestrator.guard.dates import read_day, write_day
from codex_orchestrator.guard.loading import MAX_SPEC_BYTES, formats_of
from codex_orchestrator.guard.new_spec import spec_text
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.confined import ConfinedTree
from codex_orchestrator.verbs.present_specs import place_of_spec


def accept_spec(
    root: str,
    spec_file: str,
    *,
    reviewer: str,
    role: str,
    as_of: str,
    today: str,
    config: GuardConfig | None = None,
) -> tuple[str, str]:
    """Record a review in a spec file of the work tree; return its repository path and the day.

    Args:
        root: top folder of the repository.
        spec_file: the file, relative to the current folder.
        reviewer: who reviewed.
        role: in which role.
        as_of: the day of the review, `YYYY-MM-DD`.
        today: the present day in UTC.
        config: says in which format specs are written; None for our front matter.

    Raises:
        InputError: the day, the name, the role or the file is not valid.
        ServiceError: the file cannot be written.
    """
    day = read_day(as_of, field="--as-of")
    if day > read_day(today, field="today"):
        raise InputError("a review is not in the future", field="--as-of", fix="give a past day")
    folder = os.path.realpath(os.path.dirname(os.path.abspath(spec_file)))
    path = os.path.relpath(
        os.path.join(folder, os.path.basename(spec_file)), os.path.realpath(root)
    )
    with closing(_spec_files(root)) as tree:
        found = tree.read(path)
        attest = _writer(config or GuardConfig(), path)
        attested = attest(found.data, path=path, reviewer=reviewer, role=role, day=write_day(day))
        tree.replace(path, attested, mode=found.mode, makes_folders=False)
    return path, write_day(day)


def _writer(config: GuardConfig, path: str) -> Callable[..., bytes]:
    """Return what records a review in a spec of this path."""
    formats = formats_of(config)
    if formats is None or formats.kind(path) == FRONT_MATTER:
        return accept
    from codex_orchestrator.guard.accept_document import accept_document

    return partial(accept_document, recipe=formats.recipe(path))


def write_new_spec(
    root: str, config: GuardConfig, spec_id: str, *, title: str, paths: tuple[str, ...]
) -> str:
    """Write a draft spec from the template and return its path in the repository.

    Args:
        root: top folder of the repository.
        config: says where specs are.
        spec_id: the spec's id, and the name of its file.
        title: one line.
        paths: globs of the code that the spec owns.

    Raises:
        InputError: id, title or a glob is not valid, the file exists, or its folder is outside of
            the repository.
        ServiceError: the file cannot be written.
    """
    text = spec_text(spec_id, title=title, paths=paths)
    path = place_of_spec(config, spec_id)
    with closing(_spec_files(root)) as tree:
        if tree.kind(path):
            raise InputError("exists already", path=path, fix="choose another id")
        tree.replace(path, text.encode(), mode=0o644, makes_folders=True)
    return path


def _spec_files(root: str) -> ConfinedTree:
    return ConfinedTree(Path(root), max_bytes=MAX_SPEC_BYTES, allows_hard_links=True)
