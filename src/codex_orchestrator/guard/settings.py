"""Which configuration holds: the one that stood before the change, never the change's own."""

from collections.abc import Mapping, Sequence

from codex_orchestrator.guard.cache import NO_CONFIG, FactsCache
from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.config_file import MAX_CONFIG_BYTES, only_one, parse_named
from codex_orchestrator.guard.inquiry import CONFIG_FILES, Inquiry
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.system.git_output import Change, Entry


def choose_config(
    inquiry: Inquiry, changes: Sequence[Change], entries: Sequence[Entry], cache: FactsCache
) -> tuple[GuardConfig, tuple[Finding, ...]]:
    """Return the configuration for a view and what to say about it.

    A change is checked under the configuration of its base. The one that it brings is parsed too,
    so that a broken file is not merged. When the base's own file is broken, a change that mends it
    is checked under the defaults.

    Raises:
        InputError: a configuration file is wrong.
    """
    view = inquiry.view
    after = {entry.path: entry.blob for entry in entries if entry.path in CONFIG_FILES}
    if not view.has_base:
        return _load(inquiry, after, cache), ()
    moved = {change.path: change for change in changes if change.path in CONFIG_FILES}
    before = dict(after)
    for name, change in moved.items():
        before[name] = change.old_blob
        if change.status == "A":
            del before[name]
    if view.base != view.fork:
        # The base went on after the change left it: its configuration is the one in force.
        before = {name: f"{view.base}:{name}" for name in CONFIG_FILES}
    elif moved and not before and inquiry.git.answer("rev-parse", "--verify", "-q", "HEAD") is None:
        return _load(inquiry, after, cache), ()  # the first commit: nothing was there before
    if moved:
        _load(inquiry, after, cache, label=f" (at {view.head[:12]})" if view.head else "")
    label = f" (at {view.base[:12]})"
    try:
        return _load(inquiry, before, cache, label=label), ()
    except InputError as error:
        if not moved:
            raise
        remark = Finding(
            "GUARD002",
            Severity.WARNING,
            error.path.removesuffix(label),
            error.line,
            f"the configuration before this change is wrong ({error.message.replace(label, '')}); "
            "the change was checked under the defaults",
            "nothing to do once this change is merged",
        )
        return GuardConfig(), (remark,)


def config_at(inquiry: Inquiry, commit: str) -> GuardConfig:
    """Return the configuration in a commit.

    Raises:
        InputError: a configuration file is wrong.
    """
    names = {name: f"{commit}:{name}" for name in CONFIG_FILES}
    return _load(inquiry, names, FactsCache(""), label=f" (at {commit[:12]})")


def _load(
    inquiry: Inquiry, names: Mapping[str, str], cache: FactsCache, *, label: str = ""
) -> GuardConfig:
    """Load the configuration from objects, given by file name; a missing object is no file."""
    found = []
    for name in CONFIG_FILES:
        blob = names.get(name)
        if blob is None:
            continue
        known = cache.get_config(name, blob)
        if known is None:
            answer = inquiry.blobs.read(blob, MAX_CONFIG_BYTES + 1)
            known = (parse_named(name, answer[1], label=label) if answer else None) or NO_CONFIG
            cache.put_config(name, blob, known)
        if known is not NO_CONFIG:
            found.append(known._replace(source=f"{name}{label}"))
    return only_one(found)
