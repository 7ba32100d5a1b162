"""Which Python runs the checks of a project: that of its own environment, where there is one."""

import os
import posixpath
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.adapters.environment_tools import ask_tools
from codex_orchestrator.system.sandbox.probe import Layers


class Interpreter(NamedTuple):
    """A Python interpreter, and in words which one it is and why."""

    program: str
    why: str


def find_interpreter(
    repo: Path,
    configured: str,
    *,
    environ: Mapping[str, str],
    layers: Layers,
    folder: str = ".",
) -> Interpreter:
    """Return the interpreter for the checks of a project.

    Args:
        repo: the checkout; a work tree has no environment of its own.
        configured: what `adapter.python` names, "" for nothing.
        environ: our environment.
        layers: what a tool that is asked can be contained with.
        folder: where the project lies in the checkout.
    """
    if configured:
        program = str(repo / configured) if "/" in configured else configured
        # Records do not say where things lie on this machine.
        shown = os.path.basename(configured) if os.path.isabs(configured) else configured
        return Interpreter(program, f"Python that adapter.python names ({shown})")
    active = environ.get("VIRTUAL_ENV", "")
    if os.path.isabs(active) and (program := _program(active)):
        return Interpreter(program, "Python of the active environment (VIRTUAL_ENV)")
    own = (posixpath.join(folder, name) for name in (".venv", "venv") if folder != ".")
    for name in (*own, ".venv", "venv"):
        if program := _program(str(repo / name)):
            return Interpreter(program, f"Python of {name} in the checkout")
    for place, tool in ask_tools(repo, environ=environ, layers=layers):
        # Some answer with the folder, some with the interpreter in it. One of the system is none.
        for environment in (place, os.path.dirname(os.path.dirname(place))):
            if program := _program(environment):
                return Interpreter(program, f"Python that `{tool}` answers")
    why = "Python that runs the toolkit, because the project has no environment (.venv, venv, …)"
    return Interpreter(sys.executable, why)


def _program(folder: str) -> str:
    """Return the interpreter of a virtual environment, ours by its own name; "" for none."""
    if not os.path.isfile(os.path.join(folder, "pyvenv.cfg")):
        return ""
    if os.path.realpath(folder) == os.path.realpath(sys.prefix):
        return sys.executable
    places = (os.path.join(folder, *parts) for parts in (("bin", "python"), ("Scripts", "python")))
    return next((place for place in places if os.access(place, os.X_OK)), "")
