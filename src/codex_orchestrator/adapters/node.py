"""Node projects: the package's own scripts, else node's test runner."""

import itertools
import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from codex_orchestrator.adapters.interface import Detection
from codex_orchestrator.adapters.node_packages import (
    DENO,
    PACKAGE,
    manager_of,
    package_name,
    read_package,
    scripts_of,
)
from codex_orchestrator.adapters.node_workspaces import (
    in_each_package,
    scripts_of_members,
    workspace_folders,
)
from codex_orchestrator.adapters.reports import LOADED, TEST_REPORT
from codex_orchestrator.model.check import LOG_DIR, CheckCommand
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.lock_files import LOCK_FILES, set_up_lines
from codex_orchestrator.model.task import CheckName
from codex_orchestrator.system.listing import list_files, work_tree_of
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
    "bun": ("--reporter=junit", f"--reporter-outfile={LOG_DIR}/report-test.xml"),
}
"""The options that order a report, which the last command of a script gets as its last words."""
_COMMANDS = re.compile(r"&&|\|\||[;|&\n]")
_NO_SHELL_SYNTAX = re.compile(r"[^|&;<>()$`\\#{}!\n]+")
_PREFIX = re.compile(r"npx|cross-env|[A-Za-z_]\w*=.*", re.DOTALL)
_PROGRAM = re.compile(r"(?:\./)?(?:node_modules/\.bin/)?_?(jest|vitest|mocha)")
_PROGRAM_FILE = re.compile(r"(?:\./)?node_modules/(jest|vitest|mocha)/[\w./-]+")
_NO_VITEST_RUN = {"bench", "dev", "init", "list", "watch"}
_TEST_FILE = re.compile(
    r"(.*/)?([^/]+[._-]test|[^/]+\.spec|test-[^/]+|test)\.[cm]?[jt]sx?"
    r"|(.*/)?(test|__tests__)/.*\.[cm]?[jt]sx?"
)
_CHECKS: tuple[CheckName, ...] = ("test", "lint", "build")
_XML = "report-test.xml"
_JUNIT = f"{LOG_DIR}/{_XML}"
_DENO_TEST = ("deno", "test", "--no-prompt", "--cached-only", f"--junit-path={_JUNIT}")
_INSTALL = {
    "npm": "install Node",
    "pnpm": "corepack enable pnpm, or npm install --global pnpm",
    "yarn": "corepack enable yarn, or npm install --global yarn",
    "bun": "install Bun, or npm install --global bun",
    "deno": "install Deno, or npm install --global deno",
    "node": "install Node",
}
_FIRST_TEST = "write test/NAME.test.js for `node --test`, or a script `test` in package.json"
_IN_PATTERN = re.compile(r"[.*+?^${}()|\[\]\\/]")
# A user's own settings may skip scripts, or run them by another shell.
_ENVIRONMENT = (
    ("CI", "1"),
    ("npm_config_update_notifier", "false"),
    ("npm_config_fund", "false"),
    ("npm_config_audit", "false"),
    ("npm_config_userconfig", "/dev/null"),
)


class NodeAdapter:
    """Scripts of package.json, run by the project's manager; a test runner where there is none."""

    id = "node"
    project_files = (PACKAGE, *DENO)

    def detect(self, root: Path) -> Detection:
        """Look for package.json and deno.json, their scripts, and files of tests."""
        file = next((name for name in self.project_files if (root / name).is_file()), "")
        if not file:
            return Detection(0, "no package.json and no deno.json", has_tests=False)
        scripts = {**scripts_of_members(root), **scripts_of(root)}
        has_tests = "test" in scripts or any(map(_TEST_FILE.fullmatch, list_files(root)))
        if scripts or has_tests:
            return Detection(2, f"{file} has checks", has_tests)
        return Detection(2, f"{file} is there, without a check", has_tests=False)

    def holds(self, root: Path, folder: str) -> bool:
        """Say whether the package in a folder is of the workspace."""
        return folder in workspace_folders(root)

    def one_test(self, command: CheckCommand, name: str) -> tuple[str, ...]:
        """Return what runs the tests of one name in one file."""
        if command.recorded[:2] == ("deno", "test"):
            file, _, title = name.partition("::")
            return ("deno", "test", "--filter", title, file) if title else ()
        file, *titles = re.sub(r" #\d+$", "", name).split(" > ")
        if not titles or not command.report:
            return ()
        if command.report.startswith("junit:"):
            return ("bun", "test", file, "-t", " ".join(titles))
        given = set(command.argv)
        runner = next((one for one, words in _SCRIPT_OPTIONS.items() if given >= {*words}), "node")
        if runner == "node":
            last = _IN_PATTERN.sub(r"\\\g<0>", titles[-1])
            return ("node", "--test", f"--test-name-pattern=^{last}$", file)
        pattern = _IN_PATTERN.sub(r"\\\g<0>", " ".join(titles))
        option = "-g" if runner == "mocha" else "-t"
        run = ["run"] if runner == "vitest" else []
        return ("npx", runner, *run, option, f"^{pattern}$", file)

    def commands(self, root: Path, *, python: str = "") -> Mapping[CheckName, CheckCommand]:
        """Return a command for each of the scripts test, lint and build.

        In a workspace without a script of its own it is that of the packages. There is always a
        `test`: the first ones may come with a change.

        Raises:
            InputError: a file of the project is wrong.
        """
        scripts = scripts_of(root)
        manager, version = manager_of(root)
        members = scripts_of_members(root)
        found: dict[CheckName, CheckCommand] = {}
        for name in _CHECKS:
            if name in scripts:
                verb = "task" if manager == "deno" else "run"
                found[name] = CheckCommand(name=name, argv=(manager, verb, name), env=_ENVIRONMENT)
                if name == "test" and (runner := runner_of(scripts[name])):
                    found[name] = _reporting(found[name], runner)
            elif name in members:
                argv = in_each_package(manager, version, name)
                found[name] = CheckCommand(name=name, argv=argv, env=_ENVIRONMENT)
        if "test" not in found:
            found["test"] = _runner_of_manager(manager)
        if manager != "deno":
            found["test"] = _probed(found["test"], root)
        has_no_test = not any(map(_TEST_FILE.fullmatch, list_files(root)))
        # Without a file of tests, Bun and Deno end with 1 and write no report.
        is_empty = has_no_test and found["test"].report.startswith("junit:")
        facts = {
            "programs": ("node", manager),
            "first_test": _FIRST_TEST,
            "empty_codes": (1,) if is_empty else (),
        }
        return {name: command.model_copy(update=facts) for name, command in found.items()}

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
        package = read_package(root)
        for name in checks:
            if name not in known:
                raise NotCheckedError(
                    f"package.json has no script `{name}`", fix="add it, or drop the check"
                )
            program = known[name].recorded[0]
            if shutil.which(program) is None:
                raise NotCheckedError(f"`{name}` needs {program}", fix=_INSTALL[program])
        needs_modules = any(package.get(key) for key in ("dependencies", "devDependencies"))
        if needs_modules and not (root / "node_modules").is_dir():
            lock = next((name for name in LOCK_FILES if (root / name).is_file()), "package.json")
            raise NotCheckedError(
                "package.json has dependencies and node_modules is missing, also in the checkout",
                fix="install them in the checkout, or let each work tree install its own:\n"
                f"{set_up_lines(lock)}",
            )


def runner_of(script: str) -> str:
    """Return the test runner that a report can be ordered of, in `_SCRIPT_OPTIONS`, or "".

    Node's own runner is told by a variable, wherever its one command stands. Others are told by
    words after the script, which reach its last command, beside plain ones that must end well.
    """
    runners = [*filter(None, map(_runner_of_command, _COMMANDS.split(script)))]
    if runners == ["node"]:
        return "" if "NODE_OPTIONS=" in script else "node"
    commands = script.split("&&")
    is_plain = len(runners) == 1 and all(map(_NO_SHELL_SYNTAX.fullmatch, commands))
    return _runner_of_command(commands[-1]) if is_plain else ""


def _runner_of_command(command: str) -> str:
    """Return the test runner that one command of a script starts, or ""."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    words = list(itertools.dropwhile(_PREFIX.fullmatch, words))
    if not words or "--" in words:
        return ""
    program, *rest = words
    if program == "bun" and rest[:1] == ["test"]:
        return program
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
    is_ours = runner != "bun"
    update = {
        "argv": (*command.argv, *options),
        "env": (*command.env, variable),
        "shown": command.argv,
        "report": f"lines:{TEST_REPORT}" if is_ours else f"junit:{_XML}",
        "read": (str(_REPORTER if runner == "node" else _SCRIPT_REPORTER),) if is_ours else (),
    }
    return command.model_copy(update=update)


def _probed(command: CheckCommand, root: Path) -> CheckCommand:
    """Return a command whose Node processes write down which code they load."""
    tree = work_tree_of(root)
    others = (tree / path for path in list_files(tree) if path.endswith(f"/{PACKAGE}"))
    names = {package_name(path): str(path.parent) for path in others}
    code = json.dumps({"tree": os.path.realpath(tree), "packages": names})
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


def _runner_of_manager(manager: str) -> CheckCommand:
    """Return the check of a project without a script for it."""
    if manager == "deno":
        shown = _DENO_TEST[:-1]
        report = f"junit:{_XML}"
        return CheckCommand(
            name="test", argv=_DENO_TEST, shown=shown, report=report, env=_ENVIRONMENT
        )
    if manager == "bun":
        argv = ("bun", "test", *_SCRIPT_OPTIONS["bun"])
        report = f"junit:{_XML}"
        return CheckCommand(name="test", argv=argv, shown=argv[:2], report=report, env=_ENVIRONMENT)
    return CheckCommand(
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
