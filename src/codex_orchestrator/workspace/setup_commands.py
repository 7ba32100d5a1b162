"""Run the commands that set up a work tree, unless what they make is kept."""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.config import SetupConfig
from codex_orchestrator.model.confinement import GitPlaces, Network
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.validation import SETUP_LOGS, Setup, Validation
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.files import UnusableFileError, read_file
from codex_orchestrator.system.output import Redaction
from codex_orchestrator.system.sandbox.probe import Layers
from codex_orchestrator.text.shown import one_line
from codex_orchestrator.workspace.checks import run_check
from codex_orchestrator.workspace.kept_results import keep, take_kept
from codex_orchestrator.workspace.tree import GitWorkTree

_TIMEOUT_S = 1800
_MOST_KEY_BYTES = 256 * 1024 * 1024


class Means(NamedTuple):
    """What set-up works with: our environment, containment, the network of checks, a redactor.

    `kept` is the folder for results of commands.
    """

    environ: Mapping[str, str]
    layers: Layers
    network: Network
    redact: Redaction
    kept: Path


class Commands(NamedTuple):
    """The commands of one tree: where their logs go, and how many seconds each of them has."""

    tree: GitWorkTree
    config: SetupConfig
    means: Means
    log_dir: Path
    deadline_s: float
    git_places: GitPlaces

    def run(self, before: Setup | None) -> Setup:
        """Run the commands, unless their result is kept; return what there is to say of it.

        `before` is what was said of the tree when it was new, None for a new one.
        """
        if not self.config.run:
            return Setup()
        key = (before.key or "") if before else self._key()
        made_before = set(untracked(self.tree))
        if key and take_kept(self.means.kept, key, self.tree.root):
            return before or Setup(key=key, is_cached=True)
        done = tuple(self._run(command) for command in self.config.run)
        _refuse_changes(self.tree)
        reason = "no `key` says what their result depends on"
        if key:
            made = tuple(path for path in untracked(self.tree) if path not in made_before)
            reason = keep(self.means.kept, key, self.tree.root, made)
            reason = reason or "no result was kept for this content of `key`"
        return Setup(key=key or None, commands=done, reason=reason)

    def _run(self, argv: tuple[str, ...]) -> Validation:
        shown = one_line(" ".join(argv))
        environ = self.means.environ
        missing = [name for name in self.config.secrets if name not in environ]
        if missing:
            raise NotCheckedError(
                f"set-up needs {missing[0]}, which is not set",
                fix=f"export {missing[0]}, or take it out of setup.secrets",
            )
        named = (*self.config.pass_env, *self.config.secrets)
        given = {name: environ[name] for name in named if name in environ}
        network = Network.OPEN if self.config.network else Network.LOOPBACK
        if self.means.network is Network.OFF and not self.config.network:
            network = Network.OFF
        result = run_check(
            self.tree.root,
            CheckCommand(name="set-up", argv=argv, timeout_s=_TIMEOUT_S),
            log_dir=self.log_dir,
            deadline_s=self.deadline_s,
            env=child_environment(environ) | {"CI": "1"} | given,
            layers=self.means.layers(),
            network=network,
            git=self.git_places,
            redact=self.means.redact,
        )
        if result.status is not ValidationStatus.PASSED:
            lines = [line for line in result.output_tail.splitlines() if line.strip()]
            why = result.detail or f"exit code {result.exit_code}"
            end = f": {one_line(lines[-1], limit=200)}" if lines else ""
            log = self.log_dir / result.log_path
            hint = "" if self.config.network else "; `network = true` lets it reach a registry"
            raise NotCheckedError(
                f"set-up: `{shown}` {result.status}, {why}{end}",
                fix=f"see {log}, and change `run` in [tool.codex-orchestrator.setup]{hint}",
            )
        return Validation.of(result, SETUP_LOGS)

    def _key(self) -> str:
        """Return what the result of the commands depends on, as one hash; "" without a `key`."""
        if not self.config.key:
            return ""
        content = []
        for path in self.config.key:
            try:
                data = read_file(self.tree.root / path, max_bytes=_MOST_KEY_BYTES)
            except (FileNotFoundError, UnusableFileError) as error:
                why = "is not in the commit" if isinstance(error, FileNotFoundError) else error
                raise InputError(
                    f"{one_line(path)} {why}",
                    field="setup.key",
                    fix="name files that are committed, such as the lock file",
                ) from error
            content.append((path, hashlib.sha256(data).hexdigest()))
        environ = self.means.environ
        programs = {command[0] for command in self.config.run} | {"node", "python3"}
        search = child_environment(environ)["PATH"]
        found = [shutil.which(name, path=search) or name for name in sorted(programs)]
        passed = [(name, environ.get(name)) for name in self.config.pass_env]
        facts = [content, self.config.model_dump(mode="json"), list(map(identity, found)), passed]
        machine = [platform.system(), platform.machine()]
        return hashlib.sha256(json.dumps([*facts, machine]).encode()).hexdigest()


def _refuse_changes(tree: GitWorkTree) -> None:
    """Check that no tracked file was changed."""
    git = tree.git
    git.attempt("update-index", "-q", "--refresh")
    listed = git.run("diff-files", "--name-only", "-z", "--ignore-submodules=all")
    names = [one_line(os.fsdecode(name)) for name in listed.split(b"\0") if name]
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise NotCheckedError(
            f"set-up changed tracked files: {', '.join(names[:3])}{more}",
            fix="let `run` in [tool.codex-orchestrator.setup] leave them as they are, for "
            "example `npm ci` in place of `npm install`",
        )


def untracked(tree: GitWorkTree) -> tuple[str, ...]:
    """Return what is in a tree and not tracked; a folder of nothing else is one path."""
    listed = tree.git.run("ls-files", "--others", "--directory", "-z")
    names = (os.fsdecode(name).rstrip("/") for name in listed.split(b"\0"))
    return tuple(sorted(filter(None, names)))


def identity(place: str) -> str:
    """Return what changes when another file or folder takes a place."""
    real = os.path.realpath(place)
    facts = os.stat(real) if os.path.exists(real) else None
    return f"{place} {real} {facts.st_mtime_ns} {facts.st_ino}" if facts else place
