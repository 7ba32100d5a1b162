"""Approvals and the policy for what an agent may do: pure decisions, no mechanism."""

import fnmatch
import re
from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field, field_validator

from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.task import MAX_OUTPUT_BYTES

MAX_VALUE = 3900
"""Characters in what is granted: as many as the audit log holds whole."""


class ApprovalKind(StrEnum):
    """What an escalation asks for."""

    EDIT = "edit"
    RUN = "run"
    NETWORK = "network"


class Approval(Document):
    """A person's answer to an escalation, bound to one task text and one base commit."""

    kind: ApprovalKind
    value: str = Field(min_length=1, max_length=MAX_VALUE)
    by: str
    at: str
    bound_to: str


# Files that decide what runs, who reviews or what agents are told. A change needs a person.
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
    # Lock files by their ending: Cargo, uv, Poetry, PDM, Pipenv, Bundler, Composer, Yarn, Bun, Nix…
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
    "**/sitecustomize.py",
)


# Files that hold secrets where people commit them by mistake. Nobody's model reads them.
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
    """What agents may do in a work tree: read and edit there, run listed commands, no network.

    `run` holds allowed commands as argument lists; a call is allowed when it starts with one.
    `approved_edits` and `approved_runs` are what a person granted beyond the rest.
    Files that match `secret` are neither read nor edited. A command that prints more than
    `output_bytes` is ended.
    """

    protected: tuple[str, ...] = PROTECTED_PATHS
    secret: tuple[str, ...] = SECRET_PATHS
    run: tuple[tuple[str, ...], ...] = ()
    approved_edits: tuple[str, ...] = ()
    approved_runs: tuple[str, ...] = ()
    output_bytes: int = Field(default=MAX_OUTPUT_BYTES, ge=1)

    @field_validator("run")
    @classmethod
    def _no_empty_command(
        cls, commands: tuple[tuple[str, ...], ...]
    ) -> tuple[tuple[str, ...], ...]:
        if any(not command for command in commands):
            raise ValueError("an allowed command must not be empty: it would allow every command")
        return commands

    def protecting_rule(self, path: str) -> str:
        """Return the glob that protects a path from edits; "" when it may be edited."""
        if self.is_granted_edit(path):
            return ""
        return next((glob for glob in self.protected if matches_glob(path, glob)), "")

    def is_granted_edit(self, path: str) -> bool:
        """Say whether a person granted edits of a path, by its own name or by a glob."""
        return covers_path(self.approved_edits, path)

    def secret_rule(self, path: str) -> str:
        """Return the glob that says that a file holds secrets; "" when it may be read."""
        return next((glob for glob in self.secret if matches_glob(path, glob)), "")

    def allows_command(self, argv: tuple[str, ...]) -> bool:
        """Say whether a command may be run."""
        return any(argv[: len(allowed)] == allowed for allowed in self.run)


def matches_glob(path: str, glob: str) -> bool:
    """Match a repository path against a glob; `**` spans folders, `*` and `?` stay in one.

    Compared without regard to case: on file systems that fold case the file is the same one.
    """
    return _match(tuple(path.casefold().split("/")), tuple(glob.casefold().split("/")))


def covers_path(granted: Iterable[str], path: str) -> bool:
    """Say whether a granted path or glob covers a path.

    A file's own name covers it, also where it holds what a glob would mean something else by:
    `app/[slug]/AGENTS.md`.
    """
    return any(path.casefold() == one.casefold() or matches_glob(path, one) for one in granted)


def edit_of(path: str) -> str:
    """Return the escalation that asks for the edits of one file, whatever its name would match."""
    literal = re.sub(r"[*?[]", r"[\g<0>]", path)
    return f"{ApprovalKind.EDIT}:{literal}"


def named_by(value: str) -> str:
    """Return the name of the file that the value of such an escalation stands for."""
    return re.sub(r"\[([*?[])\]", r"\1", value)


def _match(parts: tuple[str, ...], globs: tuple[str, ...]) -> bool:
    if not globs:
        return not parts
    if globs[0] == "**":
        return any(_match(parts[skip:], globs[1:]) for skip in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], globs[0]) and _match(parts[1:], globs[1:])


def parse_escalation(text: str) -> tuple[ApprovalKind, str]:
    """Parse `KIND:VALUE`, for example `edit:.github/workflows/ci.yml`.

    Raises:
        InputError: the kind is unknown or the value is missing.
    """
    kind, colon, value = text.partition(":")
    if not colon or not value or kind not in set(ApprovalKind):
        raise InputError(
            f"{text!r} is not KIND:VALUE with a kind of {', '.join(ApprovalKind)}",
            field="--approve",
            fix="for example edit:AGENTS.md",
        )
    if any(0xD800 <= ord(char) <= 0xDFFF for char in value):
        raise InputError(f"{text!r} is not UTF-8", field="--approve", fix="rename the file first")
    if len(value) > MAX_VALUE:
        raise InputError(
            f"{value[:40]!r}… has {len(value)} characters, the limit is {MAX_VALUE}",
            field="--approve",
            fix="nobody could read it; make the change without it",
        )
    return ApprovalKind(kind), value
