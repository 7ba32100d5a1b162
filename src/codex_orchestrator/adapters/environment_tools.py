"""Ask the tools that keep a project's environment elsewhere where it is.

They are asked by commands that only look: nothing is installed, synchronized or created.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from codex_orchestrator.adapters.interface import read_text
from codex_orchestrator.model.confinement_policy import confine_check
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.process import run_process
from codex_orchestrator.system.sandbox.plan import program_places
from codex_orchestrator.system.sandbox.probe import Layers


class _Tool(NamedTuple):
    """A tool that knows where a project's environment is.

    It is asked where one of the files has a match, by a command whose last line is a path. `places`
    are folders below the home that it reads.
    """

    argv: tuple[str, ...]
    signs: Mapping[str, str]
    places: tuple[str, ...] = ()


_POETRY_PLACES = (".cache/pypoetry/virtualenvs", ".config/pypoetry/config.toml")
_TOOLS = (
    _Tool(
        ("poetry", "env", "info", "--path"),
        {"poetry.lock": "", "pyproject.toml": r"^\[tool\.poetry\b"},
        _POETRY_PLACES,
    ),
    _Tool(
        ("uv", "python", "find", "--offline", "--no-python-downloads"),
        {"uv.lock": "", "pyproject.toml": r"^\[tool\.uv\b"},
    ),
    _Tool(
        ("hatch", "env", "find", "default"),
        {"hatch.toml": "", "pyproject.toml": r"^\[tool\.hatch\.envs\b"},
        (".local/share/hatch/env", ".config/hatch/config.toml"),
    ),
    _Tool(("pipenv", "--venv"), {"Pipfile": ""}, (".local/share/virtualenvs",)),
)
_PROJECT_FILES = (
    *("pyproject.toml", "poetry.toml", "poetry.lock", "uv.toml", "uv.lock", "hatch.toml"),
    *("Pipfile", "Pipfile.lock", ".python-version", "setup.py", "setup.cfg", "README.md"),
)
_TIMEOUT_S = 20


def ask_tools(
    repo: Path, *, environ: Mapping[str, str], layers: Layers
) -> Iterator[tuple[str, str]]:
    """Yield paths that tools answer, of an environment or of a program in it, each with its tool.

    Args:
        repo: the checkout.
        environ: our environment.
        layers: what the tools can be contained with.
    """
    for tool in _TOOLS:
        if answer := _answer(repo, tool, environ=environ, layers=layers):
            yield answer, " ".join(tool.argv)


def _answer(repo: Path, tool: _Tool, *, environ: Mapping[str, str], layers: Layers) -> str:
    texts = ((read_text(repo / name), sign) for name, sign in tool.signs.items())
    if not any(text and re.search(sign, text, re.MULTILINE) for text, sign in texts):
        return ""
    environment = child_environment(environ)
    program = shutil.which(tool.argv[0], path=environment["PATH"])
    if program is None:
        return ""
    home = environment.get("HOME", "")
    places = [os.path.join(home, place) for place in tool.places if home]
    files = [str(repo / name) for name in _PROJECT_FILES]
    with TemporaryDirectory(prefix="codex-orchestrator-") as folder:
        done = run_process(
            [program, *tool.argv[1:]],
            cwd=repo,
            bounds=confine_check(
                tree=folder,
                log_folder="",
                environ=environment,
                read=[place for place in (*files, *places) if os.path.exists(place)],
                programs=program_places(program, path=environment["PATH"], cwd=folder),
            ),
            layers=layers(),
            timeout_s=_TIMEOUT_S,
            log_path=Path(folder, "log"),
        )
    lines = [line.strip() for line in done.tail.splitlines() if line.strip()]
    is_path = not done.exit_code and bool(lines) and os.path.isabs(lines[-1])
    return lines[-1] if is_path else ""
