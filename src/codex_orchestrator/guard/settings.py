"""Which configuration holds: the one that stood before the change, never the change's own."""

from collections.abc import Sequence
from typing import NamedTuple

from codex_orchestrator.guard.changes import Change
from codex_orchestrator.guard.config import OWN_FILE, PYPROJECT, GuardConfig
from codex_orchestrator.guard.config_file import MAX_CONFIG_BYTES, load_config
from codex_orchestrator.guard.git import Blobs
from codex_orchestrator.guard.views import View
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import Finding, Severity

_FILES = (PYPROJECT, OWN_FILE)


class Chosen(NamedTuple):
    """The configuration, the id of the commit before the change, and what to say about them."""

    config: GuardConfig
    base: str
    remarks: tuple[Finding, ...]


def choose_config(
    view: View, changes: Sequence[Change], blobs: Blobs, given: GuardConfig | None
) -> Chosen:
    """Return the configuration for a view.

    A change is checked under the configuration of its base. The one that it brings is parsed too,
    so that a broken file is not merged. When the base's own file is broken, a change that mends it
    is checked under the defaults.

    Raises:
        InputError: a configuration file is wrong.
    """
    base = _commit(blobs, view.base) if view.base else ""
    if given is not None:
        return Chosen(given, base, ())
    if view.kind == "all" or not base:
        return Chosen(_at(blobs, view.snapshot), base, ())
    is_changed = any(change.path in _FILES for change in changes)
    if is_changed:
        _at(blobs, view.snapshot, label="" if not view.head else f" (at {view.head[:12]})")
    try:
        return Chosen(_at(blobs, f"{base}:", label=f" (at {base[:12]})"), base, ())
    except InputError as error:
        if not is_changed:
            raise
        remark = Finding(
            "GUARD002",
            Severity.WARNING,
            error.path.split(" ")[0],
            error.line,
            f"the configuration before this change is wrong ({error.message}); "
            "the change was checked under the defaults",
            "nothing to do once this change is merged",
        )
        return Chosen(GuardConfig(), base, (remark,))


def _commit(blobs: Blobs, name: str) -> str:
    answer = blobs.read(name, 0)
    return answer[0] if answer else ""


def _at(blobs: Blobs, snapshot: str, *, label: str = "") -> GuardConfig:
    # Both are asked at once: the second answer is there when the first has been read.
    blobs.ask(*(f"{snapshot}{name}" for name in _FILES))
    found = {name: blobs.next_answer(MAX_CONFIG_BYTES + 1) for name in _FILES}
    return load_config(
        lambda name: answer[1] if (answer := found[name]) is not None else None, label=label
    )
