"""Try the main job on the project: adapter, interpreter, and its tests, listed for real."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from codex_orchestrator.adapters.collecting import (
    Listed,
    Listing,
    count_test_files,
    listing_of,
    read_listed,
)
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.confinement_policy import HOME_TOOLS, confine_check
from codex_orchestrator.model.errors import NotCheckedError, OrchestratorError
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.listing import listed_once
from codex_orchestrator.system.process import run_process
from codex_orchestrator.system.sandbox.plan import existing_folders, program_places
from codex_orchestrator.system.sandbox.probe import Probe as Layers
from codex_orchestrator.text.shown import one_line
from codex_orchestrator.verbs.diagnose.lines_to_paste import lines_to_paste

if TYPE_CHECKING:
    from codex_orchestrator.adapters.choose import Chosen, LanguageAdapters

# How the files end that a project of each kind consists of.
_FILES: Mapping[str, tuple[str, ...]] = {
    "python": (".py",),
    "node": (".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".jsx", ".tsx"),
    "go": (".go",),
    "rust": (".rs",),
    "maven": (".java", ".kt", ".groovy", ".scala"),
    "gradle": (".java", ".kt", ".groovy", ".scala"),
}
_COMMANDS = 'commands = {test = ["make", "test"]}'


class Trial(NamedTuple):
    """With what the project is tried: the layers that contain programs, and a bound in seconds.

    `source` is the file with the configuration, "" for none.
    """

    repo: Path
    source: str
    layers: Layers
    environ: Mapping[str, str]
    seconds: float

    @property
    def name_checks(self) -> str:
        """The lines that name the commands of checks."""
        return lines_to_paste(self.source, "adapter", _COMMANDS)


def probe_project(
    adapters: "LanguageAdapters", trial: Trial, paths: Sequence[str], *, has_set_up: bool = False
) -> tuple[Probe, ...]:
    """Say which adapter a run takes and why, with what it runs, and which tests it finds.

    Args:
        adapters: those of the repository.
        trial: how programs are run.
        paths: the tracked files.
        has_set_up: whether commands make in a work tree what the checkout may not have.
    """
    found: list[Probe] = []
    try:
        with listed_once():
            chosen = adapters.choose(trial.repo)
            found += [_adapter(one, trial, _below(one.folder, paths)) for one in chosen]
            _, commands = adapters.commands(trial.repo, wanted=None, checks=("test",))
    except NotCheckedError as error:
        if has_set_up:
            detail = f"{error.message} here; a work tree gets what set-up makes"
            return (*found, Probe("tests", "not tried", detail))
        return (*found, Probe("tests", "missing", error.message, error.fix, is_required=True))
    except OrchestratorError as error:
        fix = error.fix or trial.name_checks
        return (*found, Probe("adapter", "missing", error.message, fix, is_required=True))
    tests = [one for one in commands.values() if one.name.startswith("test")]
    for command in tests:
        if command.recorded[0] == "python":
            detail = f"{command.argv[0]}: {adapters.interpreter}{_place(command.folder)}"
            found.append(Probe("interpreter", "works", detail))
        found.append(_tests(command, trial, _below(command.folder, paths)))
    if not tests:
        known = ", ".join(commands) or "nothing"
        detail = f"the adapter has no command for `test`; it has {known}"
        found.append(Probe("tests", "missing", detail, trial.name_checks, is_required=True))
    return tuple(found)


def _below(folder: str, paths: Sequence[str]) -> Sequence[str]:
    return paths if folder == "." else [path for path in paths if path.startswith(f"{folder}/")]


def _place(folder: str) -> str:
    return "" if folder == "." else f" in {one_line(folder)}"


def _adapter(one: "Chosen", trial: Trial, paths: Sequence[str]) -> Probe:
    detail = f"{one.adapter.id}{_place(one.folder)}: {one.reason}"
    suffixes = _FILES.get(one.adapter.id)
    if suffixes is None:
        return Probe("adapter", "works", detail, is_required=True)
    number = sum(path.endswith(suffixes) for path in paths)
    if not number:
        fix = f"git add the files ({', '.join(suffixes)}), or name the checks {trial.name_checks}"
        detail = f"{detail}; no tracked file"
        return Probe("adapter", "missing", detail, fix, is_required=True)
    return Probe("adapter", "works", f"{detail}; {number} tracked files", is_required=True)


def _tests(command: CheckCommand, trial: Trial, paths: Sequence[str]) -> Probe:
    shown = " ".join(command.recorded) + _place(command.folder)
    if command.obstacle:
        return Probe("tests", "missing", command.obstacle, is_required=True)
    listing = listing_of(command)
    if listing is None:
        listed = count_test_files(command.adapter, paths)
        if listed.number is None:
            detail = f"`{shown}` is not tried: it does not list tests without running them"
            return Probe("tests", "not tried", detail)
    else:
        listed = _listed(listing, trial)
        shown = listing.shown + _place(command.folder)
    return _judged(listed, shown)


def _judged(listed: Listed, shown: str) -> Probe:
    if listed.problem.startswith("it did not end within"):
        fix = "codex-orchestrator doctor --seconds 60"
        return Probe("tests", "not tried", f"`{shown}`: {listed.problem}", fix)
    if listed.problem:
        detail = f"`{shown}` fails: {listed.problem}"
        return Probe("tests", "wrong", detail, f"make this work: {shown}", is_required=True)
    if listed.number == 0:
        detail = f"`{shown}` finds none, and a change that no test executes is not approved"
        return Probe("tests", "missing", detail, "add a test", is_required=True)
    number = "some" if listed.number is None else listed.number
    return Probe("tests", "works", f"{number} {listed.what} by `{shown}`", is_required=True)


def _listed(listing: Listing, trial: Trial) -> Listed:
    """List the tests, contained, with the checkout to read and a folder of its own to write."""
    environment = child_environment(trial.environ)
    with TemporaryDirectory(prefix="codex-orchestrator-") as folder:
        Path(folder, "reports").mkdir()
        command = listing.command.writing_to(str(Path(folder, "reports")))
        environment |= dict(command.env)
        bounds = confine_check(
            tree=folder,
            log_folder="",
            environ=environment,
            read=(*command.read, str(trial.repo)),
            tools=existing_folders(environment.get("HOME", ""), (one.folder for one in HOME_TOOLS)),
            programs=program_places(
                command.argv[0], path=environment.get("PATH", os.defpath), cwd=str(trial.repo)
            ),
        )
        try:
            done = run_process(
                command.argv,
                cwd=trial.repo / command.folder,
                bounds=bounds,
                layers=trial.layers,
                timeout_s=trial.seconds,
                log_path=Path(folder, "log"),
                max_output_bytes=4 * 1024 * 1024,
            )
        except OrchestratorError as error:
            return Listed(None, problem=error.message)
    if done.is_timed_out:
        return Listed(None, problem=f"it did not end within {trial.seconds:.0f} s")
    if done.problem:
        return Listed(None, problem=done.problem)
    return read_listed(command, done.exit_code, done.tail)
