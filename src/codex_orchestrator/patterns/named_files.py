"""The files that a command, a script or a settings file names, so that they decide what runs."""

import json
import posixpath
import re
from typing import NamedTuple

_WORD = re.compile(r"[\w./@-]+")
_CODE = re.compile(
    r".+\.(?:py[ix]?|[cm]?[jt]sx?|go|rs|java|kts?|scala|rb|php|cs|swift|c|cc|cpp|h|hpp|vue|svelte)"
)
_SCRIPT = re.compile(
    r"(?:.*/)?[\w.-]+\.(?:sh|bash|zsh|mk|ps1|bat|cmd)|(?:scripts?|tools|bin|\.?ci|hack|dev)/.+"
)
# What people read, what is installed, and what is shown decides no test.
_OTHER = re.compile(
    r"(?:.*/)?(?:[^/]+\.(?:md|rst|adoc|lock|sum|html?|css|svg|png|ico|jpe?g|gif)"
    r"|(?i:readme|license|licence|notice|authors|changelog|changes|version)[^/]*"
    r"|[^/]*requirements[^/]*\.txt|package-lock\.json|pnpm-lock\.yaml|\.git\w+"
    r"|\.dockerignore|Dockerfile[^/]*|(?:docker-)?compose[^/]*\.ya?ml)"
)
_PRODUCT = ("src/", "lib/", "app/", "packages/")
# What an interpreter runs, or loads first.
_GIVEN = re.compile(
    r"(?:python[\d.]*|node|ruby|perl|php|deno|bun|tsx|ts-node) +(?:-(?!m )\S+ +)*([\w./-]+\.\w+)"
    r"|(?:--require|--import|--loader|-r|--setup\w*|--config)[ =]([\w./-]+)"
)
_MODULE = re.compile(r"python[\d.]* +(?:-\S+ +)*?-m +([\w.]+)")
# What a program reads to know what to run.
_SETTINGS = {
    "jest": [f"jest.config.{end}" for end in ("js", "ts", "mjs", "cjs", "json")],
    "vitest": [
        f"{name}.config.{end}" for name in ("vitest", "vite") for end in ("js", "ts", "mjs", "mts")
    ],
    "mocha": [".mocharc", *(f".mocharc.{end}" for end in ("js", "cjs", "json", "yml", "yaml"))],
}
_CALLERS = {
    **{make: ["Makefile", "makefile", "GNUmakefile"] for make in ("make", "gmake")},
    **{manager: ["package.json"] for manager in ("npm", "pnpm", "yarn", "npx")},
    **{task: ["tasks.py", "tasks/__init__.py"] for task in ("invoke", "inv")},
    **_SETTINGS,
    "just": ["justfile", "Justfile"],
    "tox": ["tox.ini"],
    "nox": ["noxfile.py"],
}
_READ = frozenset(name for names in _CALLERS.values() for name in names)
_RUNNER_SETTINGS = frozenset(name for names in _SETTINGS.values() for name in names)
READ_BY_PROGRAM = _READ - {"package.json", "tox.ini"} - _RUNNER_SETTINGS
"""Files that mean nothing to a check that does not start the program which reads them."""


class NamedFile(NamedTuple):
    """A path that may be a file's, and whether it is code, which an import may load as well."""

    path: str
    is_code: bool = False


def files_named(text: str, *, path: str = "") -> tuple[NamedFile, ...]:
    """Return what a text names, relative to the folder that its commands run in.

    That is every path of a file that is no code; and code that an interpreter runs or loads first,
    or that settings of a runner load. In the folders of a product is what is tested.

    Args:
        text: a command, or the content of a file.
        path: the file that the text is of; "" for a command.
    """
    name = posixpath.basename(path)
    found: dict[str, bool] = {}
    if name == "package.json":
        text, settings = _of_package(text)
        found |= dict.fromkeys(_loaded(settings), False)
    elif name in _RUNNER_SETTINGS:
        found |= dict.fromkeys(_loaded(text), False)
        text = ""
    words = _WORD.findall(text)
    found |= dict.fromkeys((read for word in words for read in _CALLERS.get(word, ())), False)
    # A program of the check may name what it tests.
    says_what_runs = not _CODE.fullmatch(path)
    for word in map(posixpath.normpath, words):
        is_other = _CODE.fullmatch(word) or _OTHER.fullmatch(word) or word.startswith(_PRODUCT)
        if _SCRIPT.fullmatch(word) or (says_what_runs and not is_other):
            found[word] = False
    given = [posixpath.normpath(match[1] or match[2]) for match in _GIVEN.finditer(text)]
    for module in _MODULE.findall(text):
        place = module.replace(".", "/")
        given += [f"{place}.py", f"{place}/__main__.py"]
    code = [word for word in given if not (_OTHER.fullmatch(word) or word.startswith(_PRODUCT))]
    found |= {word: True for word in code if word not in found}
    return tuple(NamedFile(word, is_code) for word, is_code in found.items())


def _of_package(text: str) -> tuple[str, str]:
    """Return the scripts of a package.json, and the settings of runners in it, as texts."""
    try:
        package = json.loads(text)
        scripts = "\n".join(map(str, package.get("scripts", {}).values()))
        return scripts, json.dumps([package.get(runner) for runner in _SETTINGS])
    except (ValueError, AttributeError, RecursionError):
        return text, ""


def _loaded(settings: str) -> list[str]:
    """Return the paths in settings of a runner, with the suffixes that may be left out."""
    words = [word.removeprefix("rootDir>/") for word in re.findall(r"[\w./@>-]*\w", settings)]
    paths = [posixpath.normpath(word) for word in words if "/" in word or "." in word]
    files = [path for path in paths if not path.startswith((*_PRODUCT, "../"))]
    return [f"{path}{end}" for path in files for end in ("", ".js", ".ts", ".cjs", ".mjs")]


def imports_of(path: str) -> tuple[str, ...]:
    """Return texts that stand in a file which imports a file of code."""
    stem, end = posixpath.splitext(path)
    if end == ".py":
        module = stem.removesuffix("/__main__").removesuffix("/__init__").replace("/", ".")
        return (f"import {module}\n", f"import {module} ", f"from {module} ", f"from {module}.")
    return tuple(
        f"{quote}{up}{name}{quote}"
        for quote in "'\""
        for up in ("./", "../", "../../")
        for name in (stem, path)
    )
