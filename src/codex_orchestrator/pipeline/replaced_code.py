"""Code of the change that is loaded in place of other code: what is tested is not what it seems."""

import re
from collections.abc import Iterator, Mapping

from codex_orchestrator.model.check import CheckRun
from codex_orchestrator.patterns.check_files import is_test_file

_PACKAGE = re.compile(r"(.+)/__init__\.py")
_JAVA_TEST = re.compile(r"((?:.*/)?src/)test(/.+\.(?:java|kt|groovy|scala))")
_SCRIPT = re.compile(r"(.+)\.(jsx?|tsx?)")
_SUFFIXES = ("js", "jsx", "ts", "tsx")
# Names that many projects and many installed packages have, and that mean no module of theirs.
_NO_MODULES = frozenset(["", "__main__", "__mp_main__", "conftest", "setup"])


def replaced_modules(base: CheckRun, now: CheckRun) -> dict[str, str]:
    """Return the files that modules are newly loaded from, each with the one that it replaces.

    Args:
        base: the check at the base.
        now: the same check with the change.
    """
    return {
        new: old
        for name, files in now.modules.items()
        if name not in _NO_MODULES
        for old in _left(base.modules, name, files)
        for new in files
        if new not in base.modules[name]
    }


def _left(base: Mapping[str, tuple[str, ...]], name: str, files: tuple[str, ...]) -> list[str]:
    """Return the files of the product that a module was loaded from, and is not any more.

    Where it still is in some process, another file of its name stands beside it.
    """
    known = [path for path in base.get(name, ()) if not is_test_file(path)]
    gone = [path for path in known if path not in files]
    return gone or (known if len(known) == 1 else [])


def hidden_by(path: str) -> Iterator[str]:
    """Yield the files that another one hides by its name alone, where it is new.

    Python loads a package before a module of its name, Java the classes of tests before the
    product's, and what looks for a script without its suffix takes one of several.
    """
    if package := _PACKAGE.fullmatch(path):
        yield f"{package[1]}.py"
    elif java := _JAVA_TEST.fullmatch(path):
        yield f"{java[1]}main{java[2]}"
    elif script := _SCRIPT.fullmatch(path):
        if script[1].endswith(".d"):
            return
        for suffix in _SUFFIXES:
            yield from (f"{script[1]}.{suffix}", f"{script[1]}/index.{suffix}")
