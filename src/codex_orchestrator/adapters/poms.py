"""What the pom.xml files of a work tree say: their modules, and where copies of these lie."""

from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.adapters.interface import read_text
from codex_orchestrator.adapters.xml_reader import read_xml
from codex_orchestrator.system.listing import list_files, work_tree_of

_POM = "pom.xml"
_VALUES = ("groupId", "artifactId", "version")
_TESTS = "src/test/"


class Pom(NamedTuple):
    """A project object model, as far as it is read: nothing of its parents, no variable replaced.

    `modules` are folders, as they are written.
    """

    group: str = ""
    artifact: str = ""
    version: str = ""
    modules: tuple[str, ...] = ()


class _Reader:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.modules: list[str] = []
        self._path: list[str] = []
        self._text = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._path.append(tag)
        self._text = ""

    def text(self, piece: str) -> None:
        self._text += piece

    def end(self, tag: str) -> None:
        place, value = "/".join(self._path[1:]), self._text.strip()
        if place.removeprefix("parent/") in _VALUES:
            self.values[place] = value
        elif place.removeprefix("profiles/profile/") == "modules/module" and value:
            self.modules.append(value)
        self._path.pop()
        self._text = ""


def read_pom(folder: Path) -> Pom:
    """Return the pom.xml of a folder; an empty one where it cannot be read: Maven says why."""
    reader = _Reader()
    read_xml(read_text(folder / _POM).encode(), reader, reader.text)
    values = reader.values
    group, version = (
        values.get(name) or values.get(f"parent/{name}", "") for name in ("groupId", "version")
    )
    return Pom(group, values.get("artifactId", ""), version, tuple(reader.modules))


def installed_modules(root: Path) -> tuple[tuple[str, str], ...]:
    """Return where the modules of a work tree lie in a local repository when they are installed.

    Returns:
        Pairs: the end of a folder's path there, `org/example/lib/1.0`, and the module's folder in
        the work tree. A version that a variable sets is left out of the path.

    Args:
        root: a folder of the work tree.
    """
    tree = work_tree_of(root)
    found = []
    for path in list_files(tree):
        *folder, name = path.rsplit("/", 1)
        pom = read_pom((tree / path).parent) if name == _POM else Pom()
        if pom.group and pom.artifact and "$" not in pom.group + pom.artifact:
            parts = [*pom.group.split("."), pom.artifact]
            parts += [pom.version] if pom.version and "$" not in pom.version else []
            found.append(("/".join(parts), "".join(folder) or "."))
    return tuple(found)


def has_java_tests(root: Path) -> bool:
    """Say whether a project for the Java machine has a folder of tests in the usual place."""
    return any(path.startswith(_TESTS) or f"/{_TESTS}" in path for path in list_files(root))
