"""The guard's configuration as one frozen value."""

from collections.abc import Iterable

from codex_orchestrator.text.globs import literal_prefix
from codex_orchestrator.text.lean_typing import NamedTuple

PATTERNS_FOLDER = "patterns/"
"""The folder of the learning library."""
PATTERN_INDEX = "patterns/index.json"
FRONT_MATTER = "front-matter"
"""The format of specs that `spec new` writes."""


class Waiver(NamedTuple):
    """A finding that a team accepts up to and including a day (an ordinal number)."""

    path: str
    rule: str
    reason: str
    expires: int
    line: int


class Mapping(NamedTuple):
    """What the configuration says of specs that a glob means: their format, the code they own.

    An empty format or no paths say nothing.
    """

    specs: str
    format: str
    paths: tuple[str, ...]


class GuardConfig(NamedTuple):
    """What the guard checks and how strict it is. Ages are in days."""

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
    specs_format: str = FRONT_MATTER
    specs_fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    specs_status: tuple[tuple[str, str], ...] = ()
    mapping: tuple[Mapping, ...] = ()
    source: str = ""

    @property
    def file(self) -> str:
        """The name of the file that it is from, without its commit; "" for the defaults."""
        return self.source.partition(" (at ")[0]

    @property
    def spec_folders(self) -> tuple[str, ...]:
        """The folders with all specs, for git to list; "" is the whole repository."""
        return folders(self.specs)


def folders(globs: Iterable[str]) -> tuple[str, ...]:
    """Return folders that contain everything that the globs match."""
    found = {_folder(glob) for glob in globs if not glob.startswith("!")}
    return tuple(sorted(found)) if "" not in found else ("",)


def _folder(glob: str) -> str:
    prefix = literal_prefix(glob)
    return prefix.rstrip("/") if prefix == glob else prefix.rpartition("/")[0]
