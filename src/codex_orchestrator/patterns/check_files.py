"""The files that decide what checks say: tests, what they compare with, and settings."""

import configparser
import json
import posixpath
import re
import sys
from collections.abc import Callable, Collection, Iterator
from typing import Any
from xml.etree import ElementTree as ET

from codex_orchestrator.text.toml import parse_toml

_JS = r"\.[cm]?[jt]sx?"
# What the runners collect by themselves, and the folders and files that hold helpers of tests.
_TEST_FILE = re.compile(
    r"(?:.*/)?(?:(?i:tests?)/(?:.*/)?[^/]+\.(?:py|java)|[^/]*_tests?\.py|conftest\.py"
    r"|test(?!(?:ing|ers?|imon(?:y|ials?)|ament)\.)[^/]*\.py|features/environment\.py"
    rf"|features/(?:[^/]+/)?(?:steps|step_definitions|support)/(?:.*/)?[^/]+(?:\.py|{_JS})"
    rf"|(?i:__tests__|__mocks__|tests?|specs?|e2e|cypress)/(?:.*/)?[^/]+{_JS}"
    rf"|(?:[^/]+(?:[._-](?:tests?|spec|cy)|Spec|Test)|tests?|test[-_.][^/]+){_JS}"
    rf"|(?:setup[-_.]?(?i:tests?|jest|vitest)|test[sS]etup){_JS}"
    r"|[^/]+_test\.go|(?:testutils?|testing|testhelpers?|internal/test[^/]*)/(?:.*/)?[^/]+\.go"
    r"|(?:(?i:tests)/(?:.*/)?[^/]+|tests?|[^/]+_tests?)\.rs"
    r"|src/\w+Test/(?:.*/)?[^/]+\.java|(?:Test[^/]*|[^/]+(?:Tests?|TestCase|IT|ITCase))\.java)"
)
_SNAPSHOT = re.compile(
    r"(?:.*/)?(?:(?:__snapshots__|__image_snapshots__|snapshots|goldens?|cassettes|baselines)/.+"
    r"|testdata/(?!.*\.go$)(?!(?:.*/)?README[^/]*$).+"
    r"|[^/]+\.(?:snap|snap\.new|ambr|golden|expected|stderr|stdout)"
    r"|[^/]+\.(?:approved|verified|expected)\.[^/]+)"
)
_BESIDE_TESTS = re.compile(r"(?:.*/)?(?i:tests?|__tests__|spec/(?:fixtures|support))/.+")
_CODE_OR_TEXT = re.compile(
    rf".+(?:{_JS}|\.(?:py[ix]?|go|rs|java|kts?|groovy|gradle|scala|rb|php|cs|swift|c|cc|cpp|h|hpp"
    r"|vue|svelte|lua|pl|exs?|sh|bash|zsh|fish|ps1|bat|cmd|mk|md|rst|adoc))|(?:.*/)?README[^/]*"
)
_DATA_FOLDER = re.compile(r"(?:.*/)?(?i:fixtures?|resources|data)/.+")
_MANIFEST = re.compile(
    r"(?:.*/)?(?:[^/]*requirements[^/]*\.txt|[^/]+\.(?:lock|sum)|package-lock\.json|pnpm-lock\.yaml"
    r"|[tj]sconfig[^/]*\.json|\.git\w+|\.dockerignore|Dockerfile[^/]*|(?:docker-)?compose[^/]*\.ya?ml"
    r"|py\.typed|CMakeLists\.txt|BUILD(?:\.bazel)?|CODEOWNERS)"
)
# A module of this name is loaded in place of the test runner's own, where it is on the path.
_SHADOWS = (
    r"(?:lib/|(?:.*/)?(?:src|tests?)/)?"
    r"(?:unittest|pytest|_pytest|pluggy|doctest|coverage|sitecustomize|usercustomize)(?:/__init__)?"
)
# Python's own, which a test may judge with. Many projects have a package of tests.
_STDLIB = re.compile(
    rf"(?:lib/|(?:.*/)?src/|tests?/)?(?:{'|'.join(sys.stdlib_module_names - {'test'})})"
    r"(?:/__init__)?\.py"
)
_WHOLE = re.compile(
    rf"(?:(?:.*/)?(?:conftest|noxfile)|{_SHADOWS})\.py|(?:.*/)?[^/]+\.pth"
    r"|(?:.*/)?[^/]+\.(?:dist|egg)-info(?:/.+)?"
    r"|(?:.*/)?(?:jest|vitest|vite|eslint|playwright|ava|karma|cypress|wdio|web-test-runner)"
    r"\.(?:config|conf|workspace|setup)(?:\.\w+)+|(?:.*/)?jasmine\.(?:json|[cm]?js)"
    r"|(?:.*/)?(?:\.mocharc|\.eslintrc|\.nycrc|\.c8rc|\.taprc|\.golangci)(?:\.\w+)?"
    r"|(?:.*/)?\.eslintignore|(?:.*/)?Rakefile"
    r"|(?:.*/)?(?:GNUm|M|m)akefile|(?:.*/)?[^/]+\.mk|(?:.*/)?\.?[jJ]ustfile|(?:.*/)?[Tt]askfile\.ya?ml"
    r"|(?:.*/)?(?:build|settings)\.gradle(?:\.kts)?|(?:.*/)?(?:gradle|junit-platform)\.properties"
    r"|(?:.*/)?\.mvn/.+|(?:.*/)?(?:\.npmrc|go\.work)"
)
_INI = re.compile(
    r"\.?pytest\.ini|tox\.ini|\.coveragerc|\.?mypy\.ini|\.flake8|\.?pylintrc|setup\.cfg"
)
_TOML = re.compile(r"(?:\.?(?:ruff|tox|pytest|clippy)|nextest|bunfig)\.toml")
_LINTER_FILE = re.compile(
    r"\.?mypy\.ini|\.flake8|\.?pylintrc|\.?(?:ruff|clippy)\.toml|\.?eslint.*|\.golangci.*"
)
_LINTER = re.compile(
    r"`\[?(?:tool\.)?(?:ruff|mypy|pyright|pylint|flake8|black|isort|pycodestyle|importlinter"
    r"|eslintConfig|xo|standard)\b"
)
_SETUP_SECTIONS = re.compile(
    r"tool:pytest|flake8|mypy|coverage|pylint|isort|pycodestyle|tox|aliases"
)
_PYPROJECT = (
    *("pytest", "coverage", "tox", "nox", "poe", "taskipy", "ruff", "mypy", "pyright", "pylint"),
    *("flake8", "black", "isort", "importlinter", "hatch.envs", "pdm.scripts", "rye.scripts"),
)
_CARGO = (
    *("test", "lints", "package.autotests", "lib.test", "lib.doctest", "lib.harness", "patch"),
    *("workspace.exclude", "workspace.default-members", "workspace.lints", "replace"),
    *("profile.test", "profile.dev"),
)
_PACKAGE = ("jest", "mocha", "vitest", "ava", "c8", "nyc", "tap", "eslintConfig", "xo", "standard")
_PROPERTY = re.compile(r"(?i)skip|test|surefire|failsafe|argline|jacoco|coverage")
_GRADLE_DEPENDENCY = re.compile(
    r"\w*(?:[iI]mplementation|[aA]pi|[oO]nly|[pP]rocessor)[ (]+"
    r"(?:(?:platform|enforcedPlatform|project)[ (]+)?"
    r"""(?:libs[\w.]*|(?:(?:\w+ ?[:=] ?)?(?:'[^'\n]*'|"[^"\n{}]*")[, ]*)+)[) ]*"""
)
_GRADLE_VERSION = re.compile(
    r"""(?i)\b[\w.]*version[ =(]+(?:'[\w.+-]*'|"[\w.+-]*"|\d[\w.+-]*)\)?"""
)
_ALL = "the whole file"


def is_test_file(path: str) -> bool:
    """Say by its name whether a file holds tests or their helpers.

    Rust keeps tests in any file, which only its content tells: `weakened_tests` reads each.
    """
    return _TEST_FILE.fullmatch(path) is not None


def is_snapshot(path: str) -> bool:
    """Say whether tests compare with a file, so that rewriting it makes a failing test pass.

    What lies beside tests and is no code, text for people or list of dependencies may be compared.
    """
    if _SNAPSHOT.fullmatch(path):
        return True
    if not _BESIDE_TESTS.fullmatch(path) or _CODE_OR_TEXT.fullmatch(path):
        return False
    is_data = _DATA_FOLDER.fullmatch(path) is not None
    return is_data or not (_MANIFEST.fullmatch(path) or is_settings_file(path))


def is_settings_file(path: str) -> bool:
    """Say by its name whether a file may hold what `changed_settings` looks for."""
    name = posixpath.basename(path)
    return (
        name in ("pyproject.toml", "Cargo.toml", "package.json", "pom.xml", "go.mod")
        or path.endswith((".cargo/config.toml", ".cargo/config"))
        or any(known.fullmatch(name) for known in (_INI, _TOML))
        or any(known.fullmatch(path) for known in (_WHOLE, _STDLIB))
    )


def changed_settings(
    path: str,
    before: bytes | None,
    after: bytes | None,
    *,
    checks: Collection[str] = ("test", "lint", "build"),
) -> str:
    """Say which settings differ that decide which tests run, or how checks judge.

    Args:
        path: the file, relative to the repository.
        before: its content before the change; None if there was none.
        after: its content after the change; None if it is gone.
        checks: the checks that are run, and words of their commands; settings of linters count
            only for "lint", and scripts of npm where one of these leads to them.

    Returns:
        What differs, in words for a finding; empty when nothing does. Dependencies, versions,
        comments and the format of a file are no such settings.
    """
    name = posixpath.basename(path)
    if before == after or ("lint" not in checks and _LINTER_FILE.fullmatch(name)):
        return ""
    if name.startswith("vite.config.") and b"test" not in (before or b"") + (after or b""):
        return ""
    if before is None and _STDLIB.fullmatch(path):
        return _ALL
    try:
        old, new = _settings(path, before, checks), _settings(path, after, checks)
    except (ValueError, TypeError, AttributeError, RecursionError, configparser.Error):
        return _ALL  # what cannot be read counts as changed
    differing = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return ", ".join(key for key in differing if "lint" in checks or not _LINTER.match(key))


def _settings(path: str, data: bytes | None, checks: Collection[str]) -> dict[str, Any]:
    """Return the settings in a file by their names in words for a finding."""
    name = posixpath.basename(path)
    if name == "package.json":
        return _package(data, checks)
    if reader := _READERS.get(name):
        return reader(data)
    if _INI.fullmatch(name):
        return _ini(data, _SETUP_SECTIONS if name == "setup.cfg" else None)
    if _TOML.fullmatch(name) or path.endswith((".cargo/config.toml", ".cargo/config")):
        return _tables(data)
    if "gradle" in name and _WHOLE.fullmatch(path):
        return {_ALL: _gradle(data)}
    return {_ALL: _content(data)} if _WHOLE.fullmatch(path) else {}


def _content(data: bytes | None) -> Any:
    """Return the value of a JSON document; of another file the lines that are no comments."""
    try:
        return json.loads(data or b"")
    except ValueError:
        lines = (line.strip() for line in (data or b"").splitlines())
        return [line for line in lines if line and not line.startswith((b"#", b"//"))]


def _gradle(data: bytes | None) -> str:
    """Return a build file without dependencies, versions and comments."""
    text = re.sub(r"(?=\})|(?<=\{)", "\n", (data or b"").decode())
    lines = [line.decode() for line in _content(text.encode())]
    kept = (
        _GRADLE_VERSION.sub("", line) for line in lines if not _GRADLE_DEPENDENCY.fullmatch(line)
    )
    return re.sub(r"(?m)^dependencies ?\{\n\}$", "", "\n".join(kept)).strip()


def _go_mod(data: bytes | None) -> dict[str, Any]:
    text = re.sub(r"//.*", "", (data or b"").decode())
    found: dict[str, Any] = {}
    for kind, block, line in re.findall(
        r"(?m)^[ \t]*(replace|exclude)\b[ \t]*(?:\(([^)]*)\)|(.+))", text
    ):
        rules = {" ".join(rule.split()) for rule in (block or line).splitlines()} - {""}
        found[f"`{kind}`"] = found.get(f"`{kind}`", set()) | rules
    return found


def _tables(data: bytes | None) -> dict[str, Any]:
    found, _ = parse_toml(data or b"")
    return {f"`{name}`": value for name, value in found.items()}


def _get(document: Any, key: str) -> Any:
    for part in key.split("."):
        document = document.get(part) if isinstance(document, dict) else None
    return document


def _pyproject(data: bytes | None) -> dict[str, Any]:
    found, _ = parse_toml(data or b"")
    settings = {f"`[tool.{key}]`": _get(found, f"tool.{key}") for key in _PYPROJECT}
    for key in ("tool.pytest.ini_options", "project.entry-points.pytest11"):
        settings[f"`[{key}]`"] = _get(found, key)
    settings["`[tool.pytest]`"] = {**(settings["`[tool.pytest]`"] or {}), "ini_options": None}
    return settings


def _cargo(data: bytes | None) -> dict[str, Any]:
    found, _ = parse_toml(data or b"")
    settings = {f"`{key}`": _get(found, key) for key in _CARGO}
    for kind in ("bin", "example", "bench"):
        for item in found.get(kind, []):
            judged = {key: item[key] for key in ("test", "doctest", "harness") if key in item}
            settings[f"`[[{kind}]]` {item.get('name')}"] = judged or None
    return settings


def _package(data: bytes | None, checks: Collection[str]) -> dict[str, Any]:
    found = json.loads(data or b"{}")
    scripts, reached = found.get("scripts", {}), list(checks)
    # A script may run others; npm runs those named pre… and post… around it.
    for name in reached:
        words = re.findall(r"[\w:.-]+", str(scripts.get(name, "")))
        others = [*words, f"pre{name}", f"post{name}"]
        reached += [
            other for other in dict.fromkeys(others) if other in scripts and other not in reached
        ]
    read = {f"script `{name}`": scripts[name] for name in scripts if name in reached}
    return {**read, **{f"`{key}`": found.get(key) for key in _PACKAGE}}


def _ini(data: bytes | None, sections: re.Pattern[str] | None) -> dict[str, Any]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string((data or b"").decode("utf-8-sig"))
    return {
        f"`[{name}]`": dict(parser.items(name))
        for name in parser.sections()
        if sections is None or sections.match(name)
    }


def _pom(data: bytes | None) -> dict[str, Any]:
    text = (data or b"<project/>").decode("utf-8-sig")
    if "<!DOCTYPE" in text or "\0" in text:
        raise ValueError("a pom has no document type")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without entities it cannot grow
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    return dict(_settings_of(root, ""))


def _settings_of(project: ET.Element, place: str) -> Iterator[tuple[str, str]]:
    for child in project:
        name = child.tag.rpartition("}")[2]
        if name in {"build", "modules", "activation", "reporting"}:
            text = ET.canonicalize(ET.tostring(child), strip_text=True)
            yield f"{place}`<{name}>`", text
        elif name == "properties":
            for item in child:
                tag = item.tag.rpartition("}")[2]
                if _PROPERTY.search(tag) and not tag.endswith("version"):
                    yield f"{place}`<{tag}>`", (item.text or "").strip()
        elif name == "profiles":
            for number, profile in enumerate(child):
                yield from _settings_of(profile, f"profile {number + 1} {place}")


_READERS: dict[str, Callable[[bytes | None], dict[str, Any]]] = {
    "pyproject.toml": _pyproject,
    "Cargo.toml": _cargo,
    "pom.xml": _pom,
    "go.mod": _go_mod,
}
