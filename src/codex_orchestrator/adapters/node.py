"""Node projects: the package's own scripts, else node's test runner."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from codex_orchestrator.adapters.interface import Detection, read_text
from codex_orchestrator.adapters.reports import LOADED, TEST_REPORT
from codex_orchestrator.model.canonical import CanonicalError, load_strict
from codex_orchestrator.model.check import LOG_DIR, CheckCommand
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.lock_files import LOCK_FILES, set_up_lines
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.listing import list_files
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers

_REPORTER = Path(__file__).with_name("node_reporter.mjs")
_SCRIPT_REPORTER = Path(__file__).with_name("script_reporter.cjs")
_PROBE = Path(__file__).with_name("node_probe.cjs")
# In quotes: a folder's name may hold a space.
_LOAD_PROBE = f'--require "{_PROBE}"'
_MEND = "install packages in the work tree itself, or link each of them, not all of node_modules"
_REPORT = f"{LOG_DIR}/{TEST_REPORT}"
_FOR_PEOPLE = ("--test-reporter=spec", "--test-reporter-destination=stdout")
_SCRIPT_OPTIONS = {
    "jest": ("--reporters=default", f"--reporters={_SCRIPT_REPORTER}"),
    "vitest": ("--reporter=default", f"--reporter={_SCRIPT_REPORTER}"),
    "mocha": (f"--reporter={_SCRIPT_REPORTER}",),
    "node": (),
}
"""The options that order a report, which a script of one plain command gets as its last words."""
_NO_SHELL_SYNTAX = re.compile(r"[^|&;<>()$`\\#{}!\n]+")
_PREFIX = re.compile(r"npx|cross-env|[A-Za-z_]\w*=.*", re.DOTALL)
_PROGRAM = re.compile(r"(?:\./)?(?:node_modules/\.bin/)?_?(jest|vitest|mocha)")
_PROGRAM_FILE = re.compile(r"(?:\./)?node_modules/(jest|vitest|mocha)/[\w./-]+")
_NO_VITEST_RUN = {"bench", "dev", "init", "list", "watch"}
_NO_TEST = "no test specified"
_TEST_FILE = re.compile(r"(.*/)?([^/]+[._-]test|test-[^/]+|test)\.[cm]?js|(.*/)?test/.*\.[cm]?js")
_CHECKS: tuple[CheckName, ...] = ("test", "lint", "build")
# A user's own settings may skip scripts, or run them by another shell.
_ENVIRONMENT = (
    ("CI", "1"),
    ("npm_config_update_notifier", "false"),
    ("npm_config_fund", "false"),
    ("npm_config_audit", "false"),
    ("npm_config_userconfig", "/dev/null"),
)


class NodeAdapter:
    """npm, pnpm or yarn scripts by the lock file; `node --test` where there is no script."""

    id = "node"

    def detect(self, root: Path) -> Detection:
        """Look for package.json."""
        if not (root / "package.json").is_file():
            return Detection(0, "no package.json")
        if self.commands(root):
            return Detection(2, "package.json has checks")
        return Detection(1, "package.json is there, without a check")

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return a command for each of the scripts test, lint and build.

        Raises:
            InputError: package.json is not JSON.
        """
        scripts = _package(root).get("scripts")
        scripts = scripts if isinstance(scripts, dict) else {}
        manager = _manager(root)
        found: dict[CheckName, CheckCommand] = {}
        for name in _CHECKS:
            script = scripts.get(name)
            if isinstance(script, str) and script.strip() and _NO_TEST not in script:
                argv = (manager, "run", name)
                found[name] = CheckCommand(name=name, argv=argv, env=_ENVIRONMENT)
                if name == "test" and (runner := runner_of(script)):
                    found[name] = _reporting(found[name], runner)
        if "test" in found:
            found["test"] = _probed(found["test"], root)
        elif any(_TEST_FILE.fullmatch(path) for path in list_files(root)):
            found["test"] = CheckCommand(
                name="test",
                argv=(
                    "node",
                    "--test",
                    *_FOR_PEOPLE,
                    f"--test-reporter={_REPORTER}",
                    f"--test-reporter-destination={_REPORT}",
                ),
                shown=("node", "--test"),
                report=f"lines:{TEST_REPORT}",
                read=(str(_REPORTER),),
                env=_ENVIRONMENT,
            )
            found["test"] = _probed(found["test"], root)
        return found

    def ensure_ready(
        self,
        root: Path,
        checks: Sequence[CheckName],
        *,
        python: str = "",
        layers: Layers = probe_layers,
    ) -> None:
        """Make sure that scripts, their program and the dependencies are there.

        Raises:
            NotCheckedError: something is missing.
        """
        known = self.commands(root)
        package = _package(root)
        for name in checks:
            if name not in known:
                raise NotCheckedError(
                    f"package.json has no script `{name}`", fix="add it, or drop the check"
                )
            program = known[name].recorded[0]
            if shutil.which(program) is None:
                raise NotCheckedError(f"`{name}` needs {program}", fix=f"install {program}")
        needs_modules = any(package.get(key) for key in ("dependencies", "devDependencies"))
        if needs_modules and not (root / "node_modules").is_dir():
            lock = next((name for name in LOCK_FILES if (root / name).is_file()), "package.json")
            raise NotCheckedError(
                "package.json has dependencies and node_modules is missing, also in the checkout",
                fix="install them in the checkout, or let each work tree install its own:\n"
                f"{set_up_lines(lock)}",
            )


def runner_of(script: str) -> str:
    """Return `jest`, `vitest`, `mocha` or `node` when a script is one plain command of it, else "".

    A report can be ordered of such a script only: what is added to others may reach something else.
    """
    if not _NO_SHELL_SYNTAX.fullmatch(script):
        return ""
    try:
        words = shlex.split(script)
    except ValueError:
        return ""
    while words and _PREFIX.fullmatch(words[0]):
        if words.pop(0).startswith("NODE_OPTIONS=") and "node" in words:
            return ""
    if not words or "--" in words:
        return ""
    program, *rest = words
    if program == "node":
        file = next((word for word in rest if not word.startswith("-")), "")
        is_runner = "--test" in (rest[: rest.index(file)] if file else rest)
        if is_runner and not any(word.startswith("--test-reporter") for word in rest):
            return program
        found = None if is_runner else _PROGRAM_FILE.fullmatch(file)
    else:
        found = _PROGRAM.fullmatch(program)
    runner = found[1] if found else ""
    return "" if runner == "vitest" and rest and rest[0] in _NO_VITEST_RUN else runner


def _reporting(command: CheckCommand, runner: str) -> CheckCommand:
    """Return the command of a script that calls one runner, which is told to write a report."""
    variable, options = ("CODEX_ORCHESTRATOR_REPORT", _REPORT), _SCRIPT_OPTIONS[runner]
    if runner == "node":
        ours = (f'--test-reporter="{_REPORTER}"', f'--test-reporter-destination="{_REPORT}"')
        variable = ("NODE_OPTIONS", " ".join((*_FOR_PEOPLE, *ours)))
    elif command.argv[0] == "npm":
        # Other managers hand on all that comes after the script's name, this mark as well.
        options = ("--", *options)
    update = {
        "argv": (*command.argv, *options),
        "env": (*command.env, variable),
        "shown": command.argv,
        "report": f"lines:{TEST_REPORT}",
        "read": (str(_REPORTER if runner == "node" else _SCRIPT_REPORTER),),
    }
    return command.model_copy(update=update)


def _probed(command: CheckCommand, root: Path) -> CheckCommand:
    """Return a command whose Node processes write down which code they load."""
    others = (path for path in list_files(root) if path.endswith("/package.json"))
    names = {str(_package(root, path).get("name")): str((root / path).parent) for path in others}
    code = json.dumps({"tree": os.path.realpath(root), "packages": names})
    known = dict(command.env)
    variables = {
        "NODE_OPTIONS": " ".join(filter(None, [_LOAD_PROBE, known.get("NODE_OPTIONS", "")])),
        "CODEX_ORCHESTRATOR_LOADED": f"{LOG_DIR}/{LOADED}",
        "CODEX_ORCHESTRATOR_CODE": code,
    }
    update = {
        "loaded": LOADED,
        "mend": _MEND,
        # Other runners may start programs without the probe.
        "must_measure": command.argv[0] == "node" or "NODE_OPTIONS" in known,
        "env": tuple((known | variables).items()),
        "read": (*command.read, str(_PROBE)),
    }
    return command.model_copy(update=update)


def _package(root: Path, name: str = "package.json") -> dict[str, Any]:
    text = read_text(root / name)
    if not text:
        return {}
    try:
        package = load_strict(text.encode("utf-8"))
    except CanonicalError as error:
        raise InputError(str(error), path=name, fix="fix the file") from error
    return package if isinstance(package, dict) else {}


def _manager(root: Path) -> str:
    if (root / "pnpm-lock.yaml").is_file():
        return "pnpm"
    return "yarn" if (root / "yarn.lock").is_file() else "npm"
