"""What agents may do: protected and secret paths, commands, and grants."""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field, field_validator

from codex_orchestrator.model.approval import ApprovalKind, Grant
from codex_orchestrator.model.confinement import Network, Sandbox
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.mode import CLOUD_HOST
from codex_orchestrator.model.task import MAX_OUTPUT_BYTES, Task
from codex_orchestrator.text.globs import matching_glob

if TYPE_CHECKING:
    from codex_orchestrator.model.config import Config

# Files that decide what runs, who reviews or which instructions agents get. Edits need an approval.
PROTECTED_PATHS = (
    ".github/**",
    ".git/**",
    "**/.git/**",
    "**/.githooks/**",
    "**/.husky/**",
    "**/.lefthook/**",
    "**/lefthook.y*ml",
    "**/.lefthook.y*ml",
    ".pre-commit-config.yaml",
    ".pre-commit-hooks.yaml",
    "**/.gitattributes",
    "**/.gitmodules",
    "**/CODEOWNERS",
    "**/AGENTS.md",
    "**/AGENTS.override.md",
    "**/CLAUDE.md",
    "**/GEMINI.md",
    "**/.codex/**",
    "**/.agents/**",
    "**/.claude/**",
    "**/.cursor/**",
    "**/.cursorrules",
    # Lock files by suffix: Cargo, uv, Poetry, PDM, Pipenv, Bundler, Composer, Yarn, Bun, Nix…
    "**/*.lock",
    "**/*.lockfile",
    "**/*.lock.json",
    "**/*.lock.hcl",
    "**/*-lock.json",
    "**/*-lock.yaml",
    "**/bun.lockb",
    "**/npm-shrinkwrap.json",
    "**/pylock.toml",
    "**/pylock.*.toml",
    "**/go.sum",
    "**/go.work.sum",
    "**/Package.resolved",
    "**/verification-metadata.xml",
    ".codex-orchestrator.toml",
    "**/conftest.py",
    # What Python runs by itself when it starts, as a module, a package, or compiled.
    "**/sitecustomize.*",
    "**/sitecustomize/**",
    "**/usercustomize.*",
    "**/usercustomize/**",
    "**/site-packages/*.pth",
    "**/dist-packages/*.pth",
    "**/pyvenv.cfg",
)


# Files with secrets that people commit by mistake. No model reads them.
SECRET_PATHS = (
    "**/.env",
    "**/.env.local",
    "**/.env.*.local",
    "**/.env.production",
    "**/.netrc",
    "**/.npmrc",
    "**/.pypirc",
    "**/.git-credentials",
    "**/.aws/credentials",
    "**/.docker/config.json",
    "**/.ssh/**",
    "**/id_rsa",
    "**/id_ecdsa",
    "**/id_ed25519",
    "**/*.key",
    "**/*.pem",
    "**/*.p12",
    "**/*.pfx",
    "**/*.jks",
    "**/*.kdbx",
)


class Policy(Document):
    """What agents may do in a work tree: read and edit there, and run listed commands.

    `run` has the allowed commands as argument lists; a call is allowed when it starts with one of
    them. `approved_edits` and `approved_runs` are what a person granted in addition;
    `approved_tests` may be removed, skipped or weakened. Files that match `secret` are neither read
    nor edited. A command that prints more than `output_bytes` is
    ended. `sandbox` and `network` say how commands are contained, and what they reach.
    """

    protected: tuple[str, ...] = PROTECTED_PATHS
    secret: tuple[str, ...] = SECRET_PATHS
    run: tuple[tuple[str, ...], ...] = ()
    approved_edits: tuple[str, ...] = ()
    approved_runs: tuple[str, ...] = ()
    approved_tests: tuple[str, ...] = ()
    output_bytes: int = Field(default=MAX_OUTPUT_BYTES, ge=1)
    sandbox: Sandbox = Sandbox.AUTO
    network: Network = Network.LOOPBACK

    @field_validator("run")
    @classmethod
    def _no_empty_command(
        cls, commands: tuple[tuple[str, ...], ...]
    ) -> tuple[tuple[str, ...], ...]:
        if any(not command for command in commands):
            raise ValueError("an allowed command must not be empty: it would allow every command")
        return commands

    def protecting_rule(self, path: str) -> str:
        """Return the glob that protects a path from edits, or "" when it may be edited."""
        if self.is_granted_edit(path):
            return ""
        return matching_glob(path, self.protected)

    def is_granted_edit(self, path: str) -> bool:
        """Return whether a person granted edits of a path, by its name, a folder or a glob."""
        return bool(matching_glob(path, self.approved_edits))

    def secret_rule(self, path: str) -> str:
        """Return the glob that marks a file as secret, or "" when it may be read."""
        return matching_glob(path, self.secret)

    def allows_command(self, argv: tuple[str, ...]) -> bool:
        """Say whether a command may be run."""
        return any(argv[: len(allowed)] == allowed for allowed in self.run)


class Rails(NamedTuple):
    """Three checks, at three places, and a mask.

    `spec` runs before the planner and `secrets` on every answer; each returns what is wrong, ""
    when nothing is. `protected` runs after the builder and returns the protected paths that the
    work tree changes. `mask` takes a JSON value that goes to a model and masks its texts;
    `known_failures` are the tests that fail at the base, by check, which models are told.
    """

    spec: Callable[[], str]
    protected: Callable[[], tuple[str, ...]]
    secrets: Callable[[str], str]
    mask: "Callable[[Any], Any]"
    known_failures: Mapping[str, Sequence[str]] = MappingProxyType({})


def run_policy(task: Task, config: "Config", granted: Iterable[Grant]) -> Policy:
    """Return what agents may do in a run: what is built in and configured, its steps, and grants.

    Args:
        task: the task, whose own steps are allowed.
        config: adds protected paths and commands.
        granted: what a person granted.

    Raises:
        InputError: a command of `policy.run`, or a granted one, cannot be split into arguments.
        NotCheckedError: a network approval is not for Codex Cloud; no builder can get network
            access.
    """
    configured = (_split(text, shown=repr(text), field="policy.run") for text in config.policy.run)
    run = [command for command in configured if command]
    run += [step.command for step in task.steps if step.command]
    edits, runs, tests = [], [], list(task.tests.may_change)
    for kind, value in granted:
        if kind is ApprovalKind.EDIT:
            edits.append(value)
        elif kind is ApprovalKind.RUN:
            run.append(_split_granted(value))
            runs.append(value)
        elif kind is ApprovalKind.TESTS:
            tests.append(value)
        elif kind is ApprovalKind.SECRET:
            if value not in config.setup.secrets:
                raise InputError(
                    f"secret:{value} would have no effect: setup.secrets does not name it",
                    field="--approve",
                    fix="leave it out, or name it in the configuration",
                )
        elif value.partition("/")[0] != CLOUD_HOST:
            raise NotCheckedError(
                f"network access to {value} cannot be granted: no builder has network access",
                fix="fetch what the task needs beforehand and leave out the approval",
            )
    return Policy(
        protected=(*PROTECTED_PATHS, *config.policy.protected),
        run=tuple(run),
        approved_edits=tuple(edits),
        approved_runs=tuple(runs),
        approved_tests=tuple(tests),
        output_bytes=task.limits.output_bytes,
        sandbox=config.policy.sandbox,
        network=config.policy.network,
    )


def _split(command: str, *, shown: str, field: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise InputError(f"{shown}: {error}", field=field) from error


def _split_granted(command: str) -> tuple[str, ...]:
    words = _split(command, shown=f"run:{command}", field="--approve")
    if not words:
        raise InputError("run: names no command", field="--approve", fix="--approve run:COMMAND")
    return words
