"""Which configuration applies: the one before the change, never the change's own."""

from collections.abc import Mapping, Sequence

from codex_orchestrator.guard.cache import NO_CONFIG, FactsCache
from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.view_reader import ViewReader
from codex_orchestrator.model.config_file import CONFIG_FILES, PYPROJECT
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.system.git_output import Change, Entry
from codex_orchestrator.text.globs import path_matcher


def choose_configs(
    reader: ViewReader,
    changes: Sequence[Change],
    entries: Sequence[Entry],
    cache: FactsCache,
    *,
    may_be_first: bool = True,
) -> tuple[tuple[GuardConfig, ...], tuple[Finding, ...]]:
    """Return the configurations that a view must satisfy, and what to say about them.

    A change is checked under the configuration of its base. The one that it brings is parsed too,
    so that a broken file is not merged. When the base has none, the first one applies at once, and
    where the base has specs also the defaults, under which they stood; `may_be_first` is false
    where agents made the change. When the base's own file is broken, a change that corrects it is
    checked under the defaults.

    Raises:
        InputError: a configuration file is wrong.
    """
    view = reader.view
    after = {entry.path: entry.blob for entry in entries if entry.path in CONFIG_FILES}
    if not view.has_base:
        return (_load(reader, after, cache),), ()
    moved = {change.path: change for change in changes if change.path in CONFIG_FILES}
    before = dict(after)
    for name, change in moved.items():
        before[name] = change.old_blob
        if change.status == "A":
            del before[name]
    if view.base != view.fork:
        # The base has newer commits than the fork: its own configuration applies.
        before = {name: f"{view.base}:{name}" for name in CONFIG_FILES}
    brought = GuardConfig()
    if moved:
        label = f" (at {view.head[:12]})" if view.head else ""
        brought = _load(reader, after, cache, label=label)
    label = f" (at {view.base[:12]})"
    try:
        known = _load(reader, before, cache, label=label)
    except InputError as error:
        if not moved:
            raise
        return (GuardConfig(),), (_broken(error, label),)
    if not brought.source or known.source or not may_be_first:
        return (known,), ()
    return (brought, known) if _had_specs(changes, entries) else (brought,), (_first(brought),)


def _had_specs(changes: Sequence[Change], entries: Sequence[Entry]) -> bool:
    """Say whether specs were where they usually are before the change."""
    is_spec = path_matcher(GuardConfig().specs)
    added = {change.path for change in changes if change.status == "A"}
    paths = {entry.path for entry in entries} | {change.path for change in changes}
    return any(map(is_spec, paths - added))


def _broken(error: InputError, label: str) -> Finding:
    return Finding(
        "GUARD002",
        Severity.WARNING,
        error.path.removesuffix(label),
        error.line,
        f"the configuration before this change is wrong ({error.message.replace(label, '')}); "
        "the change was checked under the defaults",
        "nothing to do once this change is merged",
    )


def _first(config: GuardConfig) -> Finding:
    return Finding(
        "GUARD003",
        Severity.NOTE,
        config.file,
        0,
        "the base has no configuration; this change brings the first one and was checked under it",
        "",
    )


def config_at(reader: ViewReader, commit: str) -> GuardConfig:
    """Return the configuration in a commit.

    Raises:
        InputError: a configuration file is wrong.
    """
    names = {name: f"{commit}:{name}" for name in CONFIG_FILES}
    return _load(reader, names, FactsCache(""), label=f" (at {commit[:12]})")


def _load(
    reader: ViewReader, names: Mapping[str, str], cache: FactsCache, *, label: str = ""
) -> GuardConfig:
    """Load the configuration from objects by file name.

    A missing object means that there is no file.
    """
    found = []
    for name in CONFIG_FILES:
        blob = names.get(name)
        if blob is None:
            continue
        known = cache.get_config(name, blob)
        if known is None:
            from codex_orchestrator.guard.config_table import guard_config
            from codex_orchestrator.model.config_file import parse_table
            from codex_orchestrator.text.toml import MAX_BYTES

            answer = reader.blobs.read(blob, MAX_BYTES + 1)
            table = parse_table(answer[1], name=name, label=label) if answer else None
            known = (guard_config(table) if table is not None else None) or NO_CONFIG
            cache.put_config(name, blob, known)
        if known is not NO_CONFIG:
            found.append(known._replace(source=f"{name}{label}"))
    return only_one(found)


def only_one(found: Sequence[GuardConfig]) -> GuardConfig:
    """Return the one configuration that was found, the defaults when none was.

    Raises:
        InputError: both files configure the guard.
    """
    if len(found) > 1:
        raise InputError(
            f"{PYPROJECT} configures the guard too",
            path=found[1].source,
            field="guard",
            fix="keep one of the two tables",
        )
    return found[0] if found else GuardConfig()
