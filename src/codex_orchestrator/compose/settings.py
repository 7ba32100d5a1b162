"""The effective settings: flag, environment, configuration file, default, in this order."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_orchestrator.compose.trusted_base import read_at, trusted_commit
from codex_orchestrator.model.config import Settings, parse_config
from codex_orchestrator.model.config_file import ConfigTable, find_table, parse_table
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.files import read_given
from codex_orchestrator.system.git import repository_root
from codex_orchestrator.text.toml import MAX_BYTES

if TYPE_CHECKING:
    from codex_orchestrator.guard.config import GuardConfig

# environment variable → dotted configuration key
SETTING_VARIABLES = {
    "CODEX_ORCHESTRATOR_MODEL": "model.name",
    "OPENAI_BASE_URL": "model.base_url",
    "CODEX_ORCHESTRATOR_CATALOG": "catalog.url",
}


def load_settings(
    repo: str | None,
    config_file: str | None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str | None] | None = None,
    is_used: bool = True,
    rules_at: str = "",
) -> Settings:
    """Find the repository and read its configuration.

    Args:
        repo: a folder in the repository; None for the enclosing one.
        config_file: a configuration file; None for the repository's own.
        environ: environment variables; None for those of this process.
        flags: dotted configuration keys that the command line sets; None values are not set.
        is_used: whether the caller uses values of it. Then, in the workflow of a pull request, the
            file of the base commit is read: the author of the change must not choose where keys are
            sent and what agents may do.
        rules_at: the commit to use when the workflow names none, for a run to resume.

    Raises:
        InputError: no repository, no such file, or a wrong key or value in it.
        NotCheckedError: the base commit of the pull request is not in this clone.
    """
    root = Path(repository_root(repo))
    environment = os.environ if environ is None else environ
    rules_at = (trusted_commit(environment) if is_used else "") or rules_at
    table = _read(root, config_file, rules_at)
    origins = dict.fromkeys((*_flat(table.values), *table.values), table.source)
    # What the file says must be right, also where something else is in force.
    parse_config(table)
    overrides: list[tuple[str, object, str]] = [
        (key, environment.get(variable) or None, variable)
        for variable, key in SETTING_VARIABLES.items()
    ]
    overrides += [(key, value, "command line") for key, value in (flags or {}).items()]
    if config_file is not None and (own := _path_inside(root, config_file)):
        protected = table.values.get("policy", {}).get("protected", [])
        origin = f"{table.source} and command line" if protected else "command line"
        overrides.append(("policy.protected", [*protected, own], origin))
    values = dict(table.values)
    for key, value, origin in overrides:
        if value is not None:
            section, _, name = key.partition(".")
            values[section] = {**values.get(section, {}), name: value}
            origins[key] = origin
    table = ConfigTable(table.source, values, table.text, table.outer)
    return Settings(root, parse_config(table), origins, rules_at, table)


def guard_part(settings: Settings) -> "GuardConfig":
    """Return the guard's part of the configuration.

    Raises:
        InputError: a key or value is wrong, or a waiver names a rule that does not exist.
    """
    from codex_orchestrator.guard.config import GuardConfig
    from codex_orchestrator.guard.config_table import guard_config

    return guard_config(settings.table) or GuardConfig()


def has_code_globs(settings: Settings) -> bool:
    """Return whether the configuration says itself what is code."""
    return "code" in settings.table.values.get("guard", {})


def in_force(settings: Settings) -> tuple[dict[str, dict[str, object]], InputError | None]:
    """Return value and origin of every setting by its dotted key, and what is wrong, if anything.

    Where a key or value of the guard's part is wrong, that part is as it is written.
    """
    document = settings.config.model_dump(mode="json", by_alias=True)
    problem = None
    try:
        guard = guard_part(settings)._asdict()
    except InputError as error:
        problem = error
    else:
        defaults = {key: value for key, value in guard.items() if key != "source"}
        document["guard"] = defaults | document["guard"]
    facts = {
        key: {"value": value, "origin": settings.origins.get(key, "default")}
        for key, value in _flat(document).items()
    }
    return facts, problem


def _read(root: Path, config_file: str | None, commit: str) -> ConfigTable:
    if config_file is not None:
        data = read_given(config_file, max_bytes=MAX_BYTES + 1)
        return parse_table(data, name=config_file) or ConfigTable(source=config_file)
    if commit:
        return find_table(lambda name: read_at(root, commit, name), label=f" at {commit[:12]}")
    return find_table(lambda name: _read_checkout(root / name, name))


def _read_checkout(path: Path, name: str) -> bytes | None:
    if path.is_file():
        return read_given(str(path), max_bytes=MAX_BYTES + 1)
    if os.path.lexists(path):
        raise InputError("no regular file", path=name, fix="put a file there, or nothing")
    return None


def _path_inside(root: Path, given: str) -> str:
    """Return where a file stands in the repository; "" when it stands elsewhere."""
    place = Path(given).resolve()
    inside = place.is_relative_to(root.resolve())
    return place.relative_to(root.resolve()).as_posix() if inside else ""


def _flat(document: Mapping[str, Any]) -> dict[str, object]:
    """Return the values of tables and of keys above them, by dotted key."""
    flat: dict[str, object] = {}
    for name, value in document.items():
        rows = value.items() if isinstance(value, dict) else [("", value)]
        flat |= {f"{name}.{key}".rstrip("."): row for key, row in rows}
    return flat
