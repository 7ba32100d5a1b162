"""Where the packages of a Python project lie, and where an interpreter would load them from.

An editable installation leads into the checkout that it was made in. Its folders are mapped onto
the work tree: the same places below its top.
"""

import ast
import json
import os
import re
import shutil
import site
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from codex_orchestrator.adapters.interface import read_text
from codex_orchestrator.system.listing import list_files, work_tree_of

_VENDORED = ("vendor", "_vendor", "third_party")
_NO_CODE = frozenset(
    [*("test", "tests", "testing", "doc", "docs"), *("example", "examples"), *_VENDORED]
)
# Below these a folder may belong to a package without having a file of its own.
_USUAL = ("src", "lib", "python")
_INSTALLED = frozenset(["site-packages", "dist-packages"])
_STRICT = re.compile(r"/build/__editable__\.[^/]+$")
_MAP_MODULE = re.compile(r"map_module\(\s*(['\"])(.+?)\1\s*,\s*(['\"])(.+?)\3")


class Packages(NamedTuple):
    """Folders, as absolute paths, and names.

    `path` is where modules are looked for before anything that is installed; `roots` is where the
    work tree may have packages; `sources` is where editable installations lead; `names` are the
    modules and packages that were copied to the interpreter's folders from this repository.
    """

    path: tuple[str, ...]
    roots: tuple[str, ...]
    sources: tuple[str, ...]
    names: tuple[str, ...]


def find_packages(root: Path, interpreter: str, *, others: Sequence[str]) -> Packages:
    """Look for a project's packages in the work tree and in an interpreter's folders.

    Args:
        root: the project's folder in the work tree.
        interpreter: the program that will run the tests; it is not started.
        others: real paths of the repository's other work trees.
    """
    sources: set[str] = set()
    names: set[str] = set()
    for folder in _site_folders(interpreter):
        sources.update(_editable_sources(folder))
        names.update(_copied_names(folder, others))
    usual = [root / "src", root] if (root / "src").is_dir() else [root]
    path = [*map(str, usual), *_mapped(work_tree_of(root), sorted(sources), others)]
    folders = sorted(package_folders(list_files(root)))
    roots = [*path, *(os.path.join(root, folder) for folder in folders)]
    return Packages(
        path=tuple(dict.fromkeys(path)),
        roots=tuple(dict.fromkeys(roots)),
        sources=tuple(sorted(sources)),
        names=tuple(sorted(names)),
    )


def _mapped(tree: Path, sources: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    for source in sources:
        for other in others:
            if f"{source}/".startswith(f"{other}/"):
                place = os.path.normpath(tree / os.path.relpath(source, other))
                if os.path.isdir(place):
                    yield place


def package_folders(files: Sequence[str]) -> set[str]:
    """Return the folders that the modules of a work tree can be imported from.

    Args:
        files: all files of the work tree.
    """
    known = frozenset(files)
    found = set()
    for path in files:
        *folders, name = path.split("/")
        if not name.endswith(".py") or not _NO_CODE.isdisjoint(folders):
            continue
        depth = max((number for number, one in enumerate(folders, 1) if one in _USUAL), default=0)
        if not depth:
            # The folder around the outermost package, or the module's own.
            above = ("/".join((*folders[:number], "")) for number in range(1, len(folders) + 1))
            packages = [f"{place}__init__.py" in known for place in above]
            depth = packages.index(True) if True in packages else len(folders)
        found.add("/".join(folders[:depth]))
    return found


def _site_folders(interpreter: str) -> list[str]:
    """Return the folders that an interpreter has installed packages in, as far as they show."""
    if interpreter == sys.executable:
        return site.getsitepackages()
    program = Path(os.path.abspath(shutil.which(interpreter) or interpreter))
    if not (program.parent.parent / "pyvenv.cfg").is_file():
        program = program.resolve()
    prefix = program.parent.parent
    prefixes = [prefix, prefix / "local"] if prefix == Path("/usr") else [prefix]
    return [
        str(folder)
        for place in prefixes
        for kind in sorted(_INSTALLED)
        for folder in sorted(place.glob(f"lib*/python3*/{kind}"))
    ]


def _editable_sources(folder: str) -> Iterator[str]:
    """Return the folders that an installation only points to: real paths."""
    for entry in (
        sorted(os.scandir(folder), key=lambda one: one.name) if os.path.isdir(folder) else ()
    ):
        name = entry.name
        if entry.is_symlink():
            yield from _without(entry.path, name.removesuffix(".py"))
        elif name.endswith(".pth"):
            for line in _text(entry.path).splitlines():
                place = os.path.realpath(os.path.join(folder, line.strip()))
                if line.strip() and not line.startswith(("#", "import ", "import\t")):
                    yield from _linked_folders(place) if _STRICT.search(place) else (place,)
        elif name.startswith("__editable__") and name.endswith("_finder.py"):
            for module, place in _finder_places(_text(entry.path)):
                yield from _without(place, module)
        elif name.startswith("_editable_impl_") and name.endswith(".py"):
            for _, module, _, place in _MAP_MODULE.findall(_text(entry.path)):
                yield from _without(place, module)


def _linked_folders(strict: str) -> Iterator[str]:
    """Return the folders that the links of a strict installation lead to."""
    for folder, _, names in os.walk(strict):
        for name in names:
            place = os.path.join(folder, name)
            module = os.path.relpath(place, strict).removesuffix(".py").replace(os.sep, ".")
            if os.path.islink(place) and name.endswith(".py"):
                yield from _without(place, module)


def _finder_places(text: str) -> Iterator[tuple[str, str]]:
    """Return what a finder that setuptools wrote maps: modules and their places."""
    try:
        statements = ast.parse(text).body
    except SyntaxError:
        return
    for statement in statements:
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        named = {target.id for target in targets if isinstance(target, ast.Name)}
        if named & {"MAPPING", "NAMESPACES"}:
            try:
                mapping = ast.literal_eval(statement.value)
            except ValueError:
                continue
            for module, found in mapping.items():
                yield from (
                    (module, place) for place in ([found] if isinstance(found, str) else found)
                )


def _without(place: str, module: str) -> Iterator[str]:
    """Return the folder that a module is imported from; nothing if the place has another name."""
    parts = os.path.realpath(place).removesuffix(".py").removesuffix("/__init__").split("/")
    names = module.removesuffix(".__init__").split(".")
    if parts[-len(names) :] == names:
        yield "/".join(parts[: -len(names)])


def _copied_names(folder: str, others: Sequence[str]) -> Iterator[str]:
    """Return the names of what was copied to a folder of packages from one of the work trees."""
    for record in Path(folder).glob("*.dist-info/direct_url.json"):
        try:
            source = json.loads(_text(str(record)))
            url = urlsplit(source["url"])
            is_folder = "dir_info" in source
        except (ValueError, KeyError, TypeError):
            continue
        place = os.path.realpath(unquote(url.path))
        if url.scheme != "file" or not is_folder:
            continue
        if not any(f"{place}/".startswith(f"{other}/") for other in others):
            continue
        for line in _text(str(record.with_name("RECORD"))).splitlines():
            top = line.split(",")[0].split("/")[0]
            is_no_module = top.endswith((".dist-info", ".pth")) or top in ("..", "__pycache__")
            if not is_no_module and "_editable_" not in top:
                yield top


def _text(path: str) -> str:
    return read_text(Path(path))
