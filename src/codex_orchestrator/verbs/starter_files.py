"""The text of each file that `init` proposes for a repository, and why it is as it is."""

import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.guard.new_spec import spec_text
from codex_orchestrator.model.errors import OrchestratorError
from codex_orchestrator.system.listing import listed_once
from codex_orchestrator.system.source import Source
from codex_orchestrator.text.shown import one_line
from codex_orchestrator.verbs.code_globs import CodeGlob

SPEC = "tasks/specs/0001-first-change.md"
TASK = "tasks/0001-first-change.md"


class AdapterChoice(NamedTuple):
    """How the project will be checked, in one line, and a key for who wants it otherwise."""

    reason: str
    key: str


@listed_once()
def choose_checks(repo: Path) -> AdapterChoice:
    """Return which adapter a run would take here, and why."""
    from codex_orchestrator.adapters.projects import find_projects

    reasons = []
    try:
        projects = find_projects(repo)
        for folder, adapter, reason, _ in projects:
            checks = ", ".join(
                f"{name} is `{' '.join(command.recorded)}`"
                for name, command in adapter.commands(repo / folder).items()
            )
            where = "" if folder == "." else f" in {folder}/"
            reasons.append(f"{adapter.id}{where}, because {reason}; {checks}")
    except OrchestratorError as error:
        reason = one_line(f"{error.message.removeprefix('adapter: ')}; {error.fix}", limit=400)
        return AdapterChoice(reason, 'commands = {test = ["make", "test"]}')
    folder, adapter, *_ = projects[0]
    key = f'id = "{adapter.id}"'
    if folder != ".":
        key += f"\n# path = {json.dumps(one_line(folder), ensure_ascii=False)}"
    return AdapterChoice(one_line(". ".join(reasons), limit=400), key)


def config_text(code: Iterable[CodeGlob], adapter: AdapterChoice) -> str:
    """Return the configuration, with the reason of every glob beside it."""
    lines = [(f"  {json.dumps(glob, ensure_ascii=False)},", why) for glob, _, why in code]
    width = max((len(line) for line, _ in lines), default=0)
    listed = "".join(f"{line:<{width}}  # {why}\n" for line, why in lines)
    return (
        _starter("config.toml")
        .replace("ADAPTER_KEY", adapter.key)
        .replace("ADAPTER", adapter.reason)
        .replace("CODE", listed)
    )


def first_spec(code: Sequence[CodeGlob]) -> str:
    """Return the first spec: a draft that owns all code, for a person to edit."""
    owned = tuple(glob for glob, *_ in code if not glob.startswith("!"))
    return spec_text("0001-first-change", title="The first change", paths=owned)


def first_task() -> str:
    """Return the first task, which names the first spec."""
    return _starter("task.md")


def hook_lines(source: Source) -> str:
    """Return the entry of the hook in a list of `repos`."""
    text = _starter("hook.yaml")
    return text.replace("URL", source.url).replace("REVISION", source.revision)


def hook_file(source: Source) -> str:
    """Return a configuration for pre-commit and prek that has the hook."""
    return _starter("pre-commit-config.yaml") + hook_lines(source)


def workflow(source: Source) -> str:
    """Return the workflow that checks every pull request."""
    return _starter("workflow.yml").replace("REQUIREMENT", source.requirement)


def _starter(name: str) -> str:
    return files("codex_orchestrator.verbs").joinpath(f"starter/{name}").read_text("utf-8")
