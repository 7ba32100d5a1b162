"""The guard's configuration: `[tool.codex-orchestrator.guard]`, parsed into one frozen value."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from codex_orchestrator.guard.dates import parse_day
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.globs import glob_problem, literal_prefix

PYPROJECT = "pyproject.toml"
OWN_FILE = ".codex-orchestrator.toml"
ROLE = r"[a-z0-9][a-z0-9._-]{0,63}"


class Waiver(NamedTuple):
    """A finding that a team accepts until a day (an ordinal, included)."""

    path: str
    rule: str
    reason: str
    expires: int
    line: int


class GuardConfig(NamedTuple):
    """What the guard looks at and how strict it is. Ages are in days."""

    code: tuple[str, ...] = (
        "src/**",
        "app/**",
        "server/**",
        "migrations/**",
        "db/migrations/**",
        "prisma/migrations/**",
    )
    specs: tuple[str, ...] = ("tasks/specs/**/*.md",)
    tasks: tuple[str, ...] = ("tasks/*.md",)
    max_age_days: int = 30
    warn_days: int = 7
    unowned: str = "touched"
    required_approvals: tuple[str, ...] = ()
    self_review: str = "warn"
    learning_spec: str = "tasks/specs/0003-learning-library.md"
    plugins: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    source: str = ""

    @property
    def spec_folders(self) -> tuple[str, ...]:
        """The folders that hold all specs, for git to list; "" is the whole repository."""
        return folders(self.specs)


def folders(globs: Iterable[str]) -> tuple[str, ...]:
    """Return the folders below which everything that the globs match must lie."""
    found = {_folder(glob) for glob in globs if not glob.startswith("!")}
    return tuple(sorted(found)) if "" not in found else ("",)


def _folder(glob: str) -> str:
    prefix = literal_prefix(glob)
    return prefix.rstrip("/") if prefix == glob else prefix.rpartition("/")[0]


_CHOICES = {
    "unowned": ("touched", "error", "ignore"),
    "self_review": ("warn", "error", "ignore"),
}
_DAYS = {"max_age_days": 3650, "warn_days": 3650}
_GLOBS = ("code", "specs", "tasks")
_WAIVER_KEYS = ("path", "rule", "reason", "expires")
KEYS = (*_GLOBS, *_DAYS, *_CHOICES, "required_approvals", "learning_spec", "plugins", "waivers")


def parse_config(table: dict[str, Any], *, source: str, text: str) -> GuardConfig:
    """Parse the guard's table.

    Args:
        table: the parsed TOML table.
        source: name of the file, for messages and for the report.
        text: the file's text, to say on which line a key stands.

    Raises:
        InputError: a key is unknown or a value is wrong; names file, line and field.
    """
    place = _Place(source, text)
    values: dict[str, Any] = {"source": source}
    for key, value in table.items():
        if key not in KEYS:
            raise place.unknown(key, KEYS)
        if key in _CHOICES:
            if value not in _CHOICES[key]:
                raise place.wrong(key, f"must be one of {', '.join(_CHOICES[key])}")
            values[key] = value
        elif key in _DAYS:
            if type(value) is not int or not 0 <= value <= _DAYS[key]:
                raise place.wrong(key, f"must be a number of days from 0 to {_DAYS[key]}")
            values[key] = value
        elif key == "waivers":
            values[key] = tuple(_waivers(value, place))
        elif key == "learning_spec":
            if not isinstance(value, str) or glob_problem(value):
                raise place.wrong(key, "must be the path of a spec")
            values[key] = value
        else:
            values[key] = _words(key, value, place)
    return GuardConfig(**values)


def _words(key: str, value: object, place: "_Place") -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise place.wrong(key, "must be a list of text")
    for item in value:
        problem = ""
        if key in _GLOBS:
            problem = glob_problem(item.removeprefix("!"))
        elif key == "required_approvals" and not re.fullmatch(ROLE, item):
            problem = "is not a role: lowercase letters, digits, `.`, `_` or `-`"
        if problem:
            raise place.wrong(key, f"{item!r} {problem}")
    return tuple(value)


def _waivers(value: object, place: "_Place") -> Iterable[Waiver]:
    if not isinstance(value, list):
        raise place.wrong("waivers", "must be a list of {path, rule, reason, expires}")
    for number, entry in enumerate(value):
        field = f"waivers.{number}"
        line = place.line_of_waiver(number)
        if not isinstance(entry, dict):
            raise place.wrong(field, "must have the form {path, rule, reason, expires}", line)
        for key in entry:
            if key not in _WAIVER_KEYS:
                raise place.unknown(key, _WAIVER_KEYS, field, line)
        for key in _WAIVER_KEYS:
            if not str(entry.get(key, "")).strip():
                raise place.wrong(f"{field}.{key}", "is missing", line)
        day = parse_day(str(entry["expires"]))
        if day is None:
            raise place.wrong(f"{field}.expires", "must be a day such as 2026-11-30", line)
        path, rule, reason = (entry[key] for key in _WAIVER_KEYS[:3])
        if not all(isinstance(item, str) for item in (path, rule, reason)):
            raise place.wrong(field, "path, rule and reason must be text", line)
        if problem := glob_problem(path):
            raise place.wrong(f"{field}.path", problem, line)
        yield Waiver(path, rule, reason, day, line)


class _Place(NamedTuple):
    """Where in the file things stand; TOML readers do not say, so the text is searched."""

    source: str
    text: str

    def line_of(self, key: str) -> int:
        name = re.escape(key.rsplit(".", maxsplit=1)[-1])
        header = re.search(r"(?m)^\s*\[+[^\]\n]*guard[^\]\n]*\]", self.text)
        start = header.start() if header else 0
        pattern = re.compile(rf"(?m)^[^#\n]*?(?<![\w-])[\"']?{name}[\"']?(?![\w-])\s*[=\].]")
        found = pattern.search(self.text, start) or pattern.search(self.text)
        return self.text.count("\n", 0, found.end()) + 1 if found else 1

    def line_of_waiver(self, number: int) -> int:
        tables = list(re.finditer(r"(?m)^\s*\[\[[^\]\n]*waivers\s*\]\]", self.text))
        if number < len(tables):
            return self.text.count("\n", 0, tables[number].end()) + 1
        return self.line_of("waivers")

    def wrong(self, key: str, problem: str, line: int = 0) -> InputError:
        return InputError(
            problem,
            path=self.source,
            line=line or self.line_of(key),
            field=f"guard.{key}",
            fix="docs/guard.md lists every key and its values",
        )

    def unknown(
        self, key: str, known: tuple[str, ...], parent: str = "", line: int = 0
    ) -> InputError:
        import difflib

        near = difflib.get_close_matches(key, known, n=1, cutoff=0)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return InputError(
            f"unknown key{hint}",
            path=self.source,
            line=line or self.line_of(key),
            field="guard." + (f"{parent}.{key}" if parent else key),
            fix=f"known keys here: {', '.join(known)}",
        )
