"""Write down the code that a Python process loads from outside the work tree.

A program of its own, which the project's interpreter runs: standard library only. The test runner
starts it, and each Python process that a test starts loads it by its name. Files of the work tree
are written with the names of their modules, and what is installed only where the work tree has the
same module or where it was installed from this repository.

`CODEX_ORCHESTRATOR_LOADED` names the file that is written. `CODEX_ORCHESTRATOR_CODE` has lines,
each a list that is separated like PATH: the work tree, the folders of its packages, further folders
that modules are installed in, and the top names there of what was installed from this repository.
"""

from __future__ import annotations

import os
import sys
from typing import Any

FILE = "CODEX_ORCHESTRATOR_LOADED"
CODE = "CODEX_ORCHESTRATOR_CODE"
_HERE = os.path.dirname(os.path.abspath(__file__))
_OURS = (
    *(os.path.join(_HERE, name) for name in ("sitecustomize.py", "codex_orchestrator_pytest.py")),
    os.path.join(os.path.dirname(_HERE), "test_runner.py"),
)
_PYTHON = tuple(
    os.path.dirname(os.path.abspath(file)) + os.sep for file in (os.__file__, sys.executable or "/")
)
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


class Watch:
    """Takes the files of modules, and writes those that matter."""

    def __init__(self, file: str, code: str, *, is_main: bool) -> None:
        self._file = file
        self._is_main = is_main
        lists = [line.split(os.pathsep) if line else [] for line in code.split("\n")]
        (self._tree,), self._roots, installed, names = lists
        self._installed = sorted((f"{one}{os.sep}" for one in installed), key=len, reverse=True)
        self._names = frozenset(names)
        self._known = {
            name for root in self._roots if os.path.isdir(root) for name in os.listdir(root)
        }
        self._seen = set(_OURS)
        self._folders: dict[str, str] = {}
        self._foreign: set[tuple[str, str]] = set()
        self._packages: set[str] = set()

    def take_modules(self) -> None:
        """Take the modules that are loaded now."""
        for name, module in list(sys.modules.items()):
            self.take(getattr(module, "__file__", None), str(name))

    def take_code(self, path: Any) -> None:
        """Take the file of a module whose code is executed now."""
        try:
            # It is entered there just before that.
            name = next(reversed(sys.modules))
            is_it = getattr(sys.modules[name], "__file__", None) == path
        except (LookupError, StopIteration, RuntimeError, TypeError):
            is_it = False
        self.take(path, name if is_it else "")

    def take(self, path: Any, name: str = "") -> None:
        """Take the file of the module of a name, and write it if it matters."""
        if not isinstance(path, str) or path[:1] in ("", "<") or path in self._seen:
            return
        self._seen.add(path)
        path = os.path.abspath(path)
        if _is_of_python(path) or self._is_foreign(path):
            return
        real = self._real(path)
        if _is_of_python(real):
            return
        if real.startswith(self._tree + os.sep) and not _is_installed(real):
            self._write(real, "", name)
            return
        instead = self._instead(path) or self._instead(real)
        if instead or not _is_installed(real):
            self._write(real, instead)

    def _is_foreign(self, path: str) -> bool:
        """Say whether a file is of an installed package that the project has no part in."""
        if not _is_installed(path):
            return False
        place, below = self._placed(path)
        top = below.partition(os.sep)[0]
        if not place or top in self._known or top in self._names:
            return False
        if (place, top) not in self._foreign:
            if os.path.islink(place + top):
                return False
            self._foreign.add((place, top))
        return True

    def _real(self, path: str) -> str:
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        real = os.path.join(self._folders[folder], name)
        return os.path.realpath(real) if os.path.islink(real) else real

    def _placed(self, path: str) -> tuple[str, str]:
        """Return the folder that a module was installed in, and the rest of its path."""
        place = next((one for one in self._installed if path.startswith(one)), "")
        return place, path[len(place) :]

    def _instead(self, path: str) -> str:
        """Return what an installed file stands in place of: a file or the work tree, "" if none."""
        place, below = self._placed(path)
        top = below.partition(os.sep)[0]
        if not place:
            return ""
        if top in self._known:
            # Without its source a module may be there compiled.
            source = below[:-1] if below.endswith(".pyc") else below
            for file in (os.path.join(root, source) for root in self._roots):
                if os.path.exists(file):
                    return file
        return self._tree if top in self._names else ""

    def _write(self, path: str, instead: str, module: str = "") -> None:
        import json

        folder, name = os.path.split(path)
        is_package = name == "__init__.py"
        # One line is enough for a package and all below it; of the work tree's own, the process
        # that runs the tests writes each.
        is_below = folder in self._packages or (
            is_package and os.path.dirname(folder) in self._packages
        )
        if is_package or is_below:
            self._packages.add(folder)
        if is_below and not (self._is_main and module):
            return
        document = {"loaded": path, "instead": instead, **({"module": module} if module else {})}
        line = json.dumps(document).encode() + b"\n"
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)


def _is_of_python(path: str) -> bool:
    return path.startswith(_PYTHON) and not _is_installed(path)


def _is_installed(path: str) -> bool:
    return any(name in path for name in _INSTALLED)


def watch(*, is_main: bool = False) -> Watch | None:
    """Watch this process from now on, and look at what it has loaded; None where nobody asked.

    Args:
        is_main: whether it runs the tests itself.
    """
    file, code = os.environ.get(FILE, ""), os.environ.get(CODE, "")
    if not file or code.count("\n") != 3:
        return None
    watching = Watch(file, code, is_main=is_main)
    take, take_code = watching.take, watching.take_code

    def see(event: str, arguments: tuple[Any, ...]) -> None:
        # Each module is seen when its code is executed, however it was found; one in machine code
        # when its file is loaded.
        if event == "exec":
            if getattr(arguments[0], "co_name", "") == "<module>":
                take_code(arguments[0].co_filename)
        elif event == "import":
            take(arguments[1], arguments[0])

    sys.addaudithook(see)
    watching.take_modules()
    return watching


def watch_all(path: list[str]) -> Watch | None:
    """Watch this process and those that it starts, as `watch` does; `path` is where it looks."""
    tree, roots, installed, names = os.environ.get(CODE, "\n\n\n").split("\n")
    # Modules that tests write and import are found later: by then the path has changed.
    places = [os.path.abspath(entry) for entry in path if entry]
    others = [
        one
        for one in places
        if _is_installed(one + os.sep) or not f"{one}{os.sep}".startswith(tree + os.sep)
    ]
    lines = (tree, roots, os.pathsep.join([*filter(None, [installed]), *others]), names)
    os.environ[CODE] = "\n".join(lines)
    folders = [_HERE, os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
    return watch(is_main=True)


def _load_hidden() -> None:
    """Load the module that has the name of this one and would be found without it."""
    from importlib.machinery import PathFinder

    places = [entry for entry in sys.path if os.path.abspath(entry) != _HERE]
    found = PathFinder.find_spec(__name__, places)
    if found is not None and found.loader is not None:
        from importlib.util import module_from_spec

        sys.modules[__name__] = module = module_from_spec(found)
        found.loader.exec_module(module)


if __name__ == "sitecustomize":
    watch()
    _load_hidden()
