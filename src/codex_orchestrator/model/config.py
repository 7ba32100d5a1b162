"""The configuration: one table.

An unknown key is an error that names the most similar known key.
"""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from codex_orchestrator.model.config_file import TABLE, ConfigTable
from codex_orchestrator.model.confinement import Network, Sandbox
from codex_orchestrator.model.document import Document, document_at, problems_of
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.text.globs import glob_problem
from codex_orchestrator.text.names import path_problem
from codex_orchestrator.text.secret_names import is_secret_name

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_AUTHOR = "Codex Orchestrator <codex-orchestrator@localhost>"
# What git forbids in branch names; see git-check-ref-format.
_NO_BRANCH = re.compile(r"^[-/.]|//|/\.|\.\.|\.lock/|@\{|[\x00-\x20\x7f~^:?*\[\\]")

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _variable_names(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a variable")
    return names


class ModelConfig(Document):
    """Which model, and its server. An empty name means the offline model, for tasks with steps."""

    name: str = ""
    base_url: str = OPENAI_URL


class CodexConfig(Document):
    """The Codex binary and Codex Cloud."""

    path: str = ""
    environment: str = ""
    parallel: int = Field(default=10, ge=1, le=100)


class AdapterConfig(Document):
    """How a project is checked, where looking at its files does not tell.

    `path` is its folder. Its checks run `always`, or `when` a change has `touched` the folder.
    `commands` maps `test`, `lint` or `build` to an argument list, for the adapter `command`;
    `python` is the interpreter of the Python adapter. `report` says what the command `test` writes:
    `junit:PATH` (files below `path`, PATH may be a glob), `tap` on its stdout, or `none`.
    """

    path: str = "."
    when: Literal["touched", "always"] = "touched"
    id: str = ""
    python: str = ""
    commands: dict[CheckName, tuple[str, ...]] = Field(default_factory=dict)
    report: str = "none"

    @property
    def adapter_id(self) -> str:
        """The adapter's id; "" where looking at the folder decides."""
        return self.id or ("command" if self.commands else "")

    @field_validator("path")
    @classmethod
    def _is_inside(cls, path: str) -> str:
        if problem := path_problem(path):
            raise ValueError(f"{path!r} {problem}")
        return posixpath.normpath(path)

    @field_validator("report")
    @classmethod
    def _can_be_read(cls, report: str, info: ValidationInfo) -> str:
        form, _, path = report.partition(":")
        if report not in ("none", "tap") and form != "junit":
            raise ValueError(f"{report!r} is none of junit:PATH, tap, none")
        if form == "junit" and (problem := path_problem(path) or glob_problem(path)):
            raise ValueError(f"{path!r} {problem}")
        if report != "none" and not info.data.get("commands"):
            raise ValueError("only the commands of `adapter.commands` have a report to name")
        return report


class SetupConfig(Document):
    """What a work tree needs beyond what git holds, see docs/how-to/set-up.md.

    `run` are commands, once a work tree; their result is kept by the content of the files that
    `key` names. `link` and `copy` are paths of the checkout that git ignores. `pass_env` are
    variables that set-up and checks get, `secrets` those that a person grants to set-up alone.
    `network` says that the commands reach more than this machine.
    """

    run: tuple[tuple[str, ...], ...] = ()
    key: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    copy_: tuple[str, ...] = Field(default=(), alias="copy")
    pass_env: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    submodules: bool = True
    network: bool = False

    @field_validator("run")
    @classmethod
    def _can_be_run(cls, commands: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        for command in commands:
            if not command or not command[0] or any("\0" in word for word in command):
                raise ValueError('a command is a list of words, such as ["npm", "ci"]')
        return commands

    @field_validator("key", "link", "copy_")
    @classmethod
    def _lies_inside(cls, paths: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        kept = tuple(path.rstrip("/") or path for path in paths)
        for path in kept:
            problem = path_problem(path)
            if not problem and not {"", "."}.isdisjoint(path.split("/")):
                problem = "has an empty part; write it as git does: folder/file"
            if problem:
                raise ValueError(f"{path!r} {problem}")
        known = [*info.data.get("link", ()), *kept] if info.field_name == "copy_" else list(kept)
        for number, path in enumerate(known):
            others = known[:number] if info.field_name != "key" else ()
            if any(f"{path}/".startswith(f"{other}/") for other in others):
                raise ValueError(f"{path!r} is named twice, or lies in another one")
            if any(other.startswith(f"{path}/") for other in others):
                raise ValueError(f"another path lies in {path!r}")
        return kept

    @field_validator("pass_env", "secrets")
    @classmethod
    def _names_variables(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _variable_names(names)


class PolicyConfig(Document):
    """Additions to the built-in policy, and how what we start is contained."""

    sandbox: Sandbox = Sandbox.AUTO
    network: Network = Network.LOOPBACK
    run: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()

    @field_validator("protected")
    @classmethod
    def _can_match(cls, globs: tuple[str, ...]) -> tuple[str, ...]:
        for glob in globs:
            if problem := glob_problem(glob):
                raise ValueError(f"{glob!r} {problem}")
        return globs


class VaultScope(Document):
    """Where the secret of a scope is in Vault."""

    path: str
    field: str


class VaultConfig(Document):
    """How to reach Vault."""

    url: str = ""
    auth: Literal["jwt", "approle", "kubernetes", "token"] = "jwt"
    role: str = ""
    mount: str = "jwt"
    namespace: str = ""
    scopes: dict[str, VaultScope] = Field(default_factory=dict)


class CredentialsConfig(Document):
    """Where secrets come from, and variables that hold none although they are named like it."""

    source: Literal["environment", "vault"] = "environment"
    not_secret: tuple[str, ...] = ()
    vault: VaultConfig = VaultConfig()

    @field_validator("not_secret")
    @classmethod
    def _names_variables(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _variable_names(names)


class CatalogConfig(Document):
    """Where manifests are sent."""

    url: str = "file://out/catalog"


class Config(Document):
    """All of `[tool.codex-orchestrator]`. The guard reads its own table; it needs no pydantic."""

    branch_prefix: str = "codex-orchestrator/"
    author: str = DEFAULT_AUTHOR
    model: ModelConfig = ModelConfig()
    codex: CodexConfig = CodexConfig()
    adapter: tuple[AdapterConfig, ...] = ()
    policy: PolicyConfig = PolicyConfig()
    credentials: CredentialsConfig = CredentialsConfig()
    catalog: CatalogConfig = CatalogConfig()
    setup: SetupConfig = SetupConfig()
    guard: dict[str, Any] = Field(default_factory=dict)

    @field_validator("adapter", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, Mapping) else value

    @field_validator("branch_prefix")
    @classmethod
    def _begins_a_branch(cls, prefix: str) -> str:
        if _NO_BRANCH.search(prefix):
            raise ValueError("no name of a git branch can begin like this")
        return prefix


class Settings(NamedTuple):
    """A repository and its configuration in force, as `table` has it.

    `origins` names the file, variable or command line by dotted key; what it leaves out is a
    default. `rules_at` is the commit whose configuration and patterns hold, "" for the checkout.
    """

    repo: Path
    config: Config
    origins: Mapping[str, str]
    rules_at: str = ""
    table: ConfigTable = ConfigTable(source="")


def parse_config(table: ConfigTable) -> Config:
    """Return the configuration that our table in a file sets.

    Raises:
        InputError: names file, line, field and the most similar known key.
    """
    try:
        config = Config.model_validate(table.values)
    except ValidationError as error:
        problem = problems_of(error)[0]
        path = problem.path
        if path[:1] == ("adapter",) and path[1:]:
            path = adapter_keys(table, int(path[1]), *path[2:])
        if problem.kind == "extra_forbidden":
            fields = document_at(Config, problem.path[:-1]).model_fields
            known = sorted(field.alias or name for name, field in fields.items())
            raise table.unknown_key(path, known) from error
        fix = "change the value; `codex-orchestrator doctor` shows the others"
        raise table.error(path, problem.message, fix=fix) from error
    for name in config.setup.pass_env:
        if is_secret_name(name) and name not in config.credentials.not_secret:
            raise table.error(
                ("setup", "pass_env"),
                f"{name!r} is named like a secret, and checks get none",
                fix=f"put it under setup.secrets: a person grants it to set-up; or say that it is "
                f'none: credentials.not_secret = ["{name}"]',
            )
    places = [(entry.path, entry.adapter_id) for entry in config.adapter]
    for number, (folder, name) in enumerate(places):
        if (folder, name) in places[:number]:
            what = f"a second adapter {name or 'without id'} for the folder {folder!r}"
            mend = "put both into one entry, or give each its own `path` or `id`"
            raise table.error(adapter_keys(table, number, "path"), what, fix=mend)
    return config


def adapter_keys(table: ConfigTable, number: int, *names: str) -> tuple[str, ...]:
    """Return the keys that lead to an adapter's entry: a plain table has no number."""
    is_list = not isinstance(table.values.get("adapter"), Mapping)
    return ("adapter", *([str(number)] if is_list else []), *names)


def changes_own_table(before: bytes | None, after: bytes | None) -> bool:
    """Return whether our table differs between two versions of `pyproject.toml`.

    None means no file.
    """
    return _own_table(before) != _own_table(after)


def _own_table(data: bytes | None) -> object:
    from codex_orchestrator.text.toml import TomlError, parse_toml

    try:
        document, _ = parse_toml(data or b"")
    except TomlError:
        return data  # it cannot be parsed: equal only to itself
    tools = document.get("tool")
    return tools.get(TABLE) if isinstance(tools, dict) else tools
