"""Read the guard's configuration: `[tool.codex-orchestrator.guard]`.

Apart from the value, because a hook whose cache knows the file's configuration reads none.
"""

import re
from collections.abc import Iterable
from typing import Any

from codex_orchestrator.guard.config import GuardConfig, Waiver
from codex_orchestrator.guard.dates import parse_day
from codex_orchestrator.guard.rules import choose_rules
from codex_orchestrator.model.config_file import ConfigTable, parse_table
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.globs import glob_problem

ROLE = r"[a-z0-9][a-z0-9._-]{0,63}"

_CHOICES = {
    "unowned": ("touched", "error", "ignore"),
    "self_review": ("warn", "error", "ignore"),
}
_DAYS = {"max_age_days": 3650, "warn_days": 3650}
_GLOBS = ("code", "specs", "tasks")
_WAIVER_KEYS = ("path", "rule", "reason", "expires")
_FORMATS = ("specs_format", "specs_fields", "specs_status", "mapping")
_OTHERS = ("required_approvals", "learning_spec", "plugins", "waivers")
KEYS = (*_GLOBS, *_DAYS, *_CHOICES, *_OTHERS, *_FORMATS)


def parse_config(table: ConfigTable) -> GuardConfig | None:
    """Return the guard's part of our table, None when there is none.

    Raises:
        InputError: a key is unknown or a value is wrong; names file, line and field.
    """
    guard = table.values.get("guard")
    if guard is None:
        return None
    if not isinstance(guard, dict):
        raise InputError("must be a table", path=table.source, field="guard")
    values: dict[str, Any] = {"source": table.source}
    for key, value in guard.items():
        if key not in KEYS:
            raise table.unknown_key(("guard", key), KEYS)
        values[key] = value
        if key in _CHOICES:
            if value not in _CHOICES[key]:
                raise _wrong(table, key, f"must be one of {', '.join(_CHOICES[key])}")
        elif key in _DAYS:
            if type(value) is not int or not 0 <= value <= _DAYS[key]:
                raise _wrong(table, key, f"must be a number of days from 0 to {_DAYS[key]}")
        elif key == "learning_spec":
            if not isinstance(value, str) or glob_problem(value):
                raise _wrong(table, key, "must be the path of a spec")
        elif key == "waivers":
            values[key] = tuple(_waivers(value, table))
        elif key in _FORMATS:
            from codex_orchestrator.guard.formats_table import parse_format

            values |= parse_format(key, value, guard, table)
        else:
            values[key] = _words(key, value, table)
    return GuardConfig(**values)


def guard_config(table: ConfigTable) -> GuardConfig | None:
    """Return the guard's part of our table, None when there is none.

    Raises:
        InputError: a key or value is wrong, or a waiver names a rule that does not exist.
        NotCheckedError: a rule plugin is missing, so its rules cannot be known.
    """
    config = parse_config(table)
    if config is None or not config.waivers:
        return config
    rules = choose_rules(config)
    for number, waiver in enumerate(config.waivers):
        if any(rule.code == waiver.rule for rule in rules):
            continue
        from codex_orchestrator.text.near import nearest_key

        near = [rule.code for rule in rules if rule.name == waiver.rule]
        hint = nearest_key(waiver.rule, near or [rule.code for rule in rules])
        raise table.error(
            ("guard", "waivers", str(number), "rule"),
            f"there is no rule {waiver.rule!r:.80}{hint}",
            fix="name one rule; `codex-orchestrator guard rules` lists them",
        )
    return config


def read_given_config(path: str) -> GuardConfig:
    """Return the configuration in a file that the caller names.

    Raises:
        InputError: the file cannot be read, or a value is wrong.
        NotCheckedError: a rule plugin is missing.
    """
    from codex_orchestrator.system.files import read_given
    from codex_orchestrator.text.toml import MAX_BYTES

    table = parse_table(read_given(path, max_bytes=MAX_BYTES + 1), name=path)
    return (guard_config(table) if table is not None else None) or GuardConfig(source=path)


def _wrong(table: ConfigTable, key: str, problem: str, *, line: int = 0) -> InputError:
    fix = "docs/guard.md lists every key and its values"
    return table.error(("guard", *key.split(".")), problem, fix=fix, line=line)


def _words(key: str, value: object, table: ConfigTable) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(table, key, "must be a list of text")
    for item in value:
        problem = ""
        if key in _GLOBS:
            problem = glob_problem(item.removeprefix("!"))
        elif key == "required_approvals" and not re.fullmatch(ROLE, item):
            problem = "is not a role: lowercase letters, digits, `.`, `_` or `-`"
        if problem:
            raise _wrong(table, key, f"{item!r} {problem}")
    return tuple(value)


def _waivers(value: object, table: ConfigTable) -> Iterable[Waiver]:
    if not isinstance(value, list):
        raise _wrong(table, "waivers", "must be a list of {path, rule, reason, expires}")
    for number, entry in enumerate(value):
        at = f"waivers.{number}"
        line = table.line(("guard", "waivers", str(number)))
        if not isinstance(entry, dict):
            raise _wrong(table, at, "must have the form {path, rule, reason, expires}", line=line)
        for key in entry:
            if key not in _WAIVER_KEYS:
                keys = ("guard", "waivers", str(number), key)
                raise table.unknown_key(keys, _WAIVER_KEYS, line=line)
        for key in _WAIVER_KEYS:
            if not str(entry.get(key, "")).strip():
                raise _wrong(table, f"{at}.{key}", "is missing", line=line)
        day = parse_day(str(entry["expires"]))
        if day is None:
            message = "must be a day such as 2026-11-30"
            raise _wrong(table, f"{at}.expires", message, line=line)
        path, rule, reason = (entry[key] for key in _WAIVER_KEYS[:3])
        if not all(isinstance(item, str) for item in (path, rule, reason)):
            raise _wrong(table, at, "path, rule and reason must be text", line=line)
        if problem := glob_problem(path):
            raise _wrong(table, f"{at}.path", problem, line=line)
        yield Waiver(path, rule, reason, day, line)
