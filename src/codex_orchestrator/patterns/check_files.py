"""The files that decide what checks say: tests, what they compare with, and settings."""

import configparser
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from codex_orchestrator.text.toml import parse_toml

_TEST_FILE = re.compile(
    r"(?:.*/)?(?:tests?/(?:.*/)?[^/]+\.py|test_[^/]*\.py|[^/]*_test\.py|conftest\.py"
    r"|(?:(?:__tests__|tests?|specs?|e2e|cypress)/(?:.*/)?[^/]+|[^/]+[.-](?:test|spec|cy))\.[cm]?[jt]sx?"
    r"|[^/]+_test\.go"
    r"|(?:tests/(?:.*/)?[^/]+|tests?|[^/]+_tests?)\.rs"
    r"|test/(?:.*/)?[^/]+\.java|(?:Test[^/]*|[^/]+(?:Tests?|TestCase|IT))\.java)"
)
_SNAPSHOT = re.compile(
    r"(?:.*/)?(?:(?:__snapshots__|__image_snapshots__|snapshots|goldens?|cassettes|baselines)/.+"
    r"|testdata/(?!.*\.go$).+"
    r"|[^/]+\.(?:snap|snap\.new|ambr|golden|expected)|[^/]+\.(?:approved|verified|expected)\.[^/]+)"
)
# A module of this name is loaded in place of the test runner's own.
_SHADOWS = r"(?:unittest|pytest|_pytest|pluggy|doctest|coverage|sitecustomize|usercustomize)"
_WHOLE = re.compile(
    rf"(?:.*/)?(?:conftest|noxfile|{_SHADOWS}(?:/__init__)?)\.py|(?:.*/)?[^/]+\.pth"
    r"|(?:.*/)?(?:jest|vitest|vite|eslint|playwright|ava|karma)\.(?:config|conf|workspace|setup)\.\w+"
    r"|(?:.*/)?(?:\.mocharc|\.eslintrc|\.nycrc|\.c8rc|\.golangci)(?:\.\w+)?|(?:.*/)?\.eslintignore"
    r"|(?:.*/)?(?:GNUm|M|m)akefile|(?:.*/)?[^/]+\.mk|(?:.*/)?\.?[jJ]ustfile|(?:.*/)?[Tt]askfile\.ya?ml"
    r"|(?:.*/)?(?:build|settings)\.gradle(?:\.kts)?|(?:.*/)?(?:gradle|junit-platform)\.properties"
    r"|(?:.*/)?\.mvn/.+|(?:.*/)?(?:\.npmrc|go\.work)"
)
_INI = re.compile(
    r"\.?pytest\.ini|tox\.ini|\.coveragerc|\.?mypy\.ini|\.flake8|\.?pylintrc|setup\.cfg"
)
_TOML = re.compile(r"\.?ruff\.toml|\.?tox\.toml|\.?pytest\.toml|nextest\.toml|\.?clippy\.toml")
_SETUP_SECTIONS = re.compile(
    r"tool:pytest|flake8|mypy|coverage|pylint|isort|pycodestyle|tox|aliases"
)
_PYPROJECT = (
    *("pytest", "coverage", "tox", "nox", "poe", "taskipy", "ruff", "mypy", "pyright", "pylint"),
    *("flake8", "black", "isort", "importlinter", "hatch.envs", "pdm.scripts", "rye.scripts"),
)
_CARGO = (
    *("test", "lints", "profile", "package.autotests", "lib.test", "lib.doctest", "lib.harness"),
    *("workspace.exclude", "workspace.default-members", "workspace.lints", "target"),
)
_PACKAGE = ("jest", "mocha", "vitest", "ava", "c8", "nyc", "tap", "eslintConfig", "xo", "standard")
_PROPERTY = re.compile(r"(?i)skip|test|surefire|failsafe|argline|jacoco|coverage")
_ALL = "the whole file"


def is_test_file(path: str) -> bool:
    """Say by its name whether a file holds tests or their helpers.

    Rust keeps tests in any file, which only its content tells: `weakened_tests` reads each.
    """
    return _TEST_FILE.fullmatch(path) is not None


def is_snapshot(path: str) -> bool:
    """Say whether tests compare with a file, so that rewriting it makes a failing test pass."""
    return _SNAPSHOT.fullmatch(path) is not None


def is_settings_file(path: str) -> bool:
    """Say by its name whether a file may hold what `changed_settings` looks for."""
    name = posixpath.basename(path)
    return (
        name in ("pyproject.toml", "Cargo.toml", "package.json", "pom.xml")
        or path.endswith(".cargo/config.toml")
        or any(known.fullmatch(name) for known in (_INI, _TOML))
        or _WHOLE.fullmatch(path) is not None
    )


def changed_settings(path: str, before: bytes | None, after: bytes | None) -> str:
    """Say which settings differ that decide which tests run, or how checks judge.

    Args:
        path: the file, relative to the repository.
        before: its content before the change; None if there was none.
        after: its content after the change; None if it is gone.

    Returns:
        What differs, in words for a finding; empty when nothing does. Dependencies, versions,
        comments and the format of a file are no such settings.
    """
    if before == after:
        return ""
    name = posixpath.basename(path)
    try:
        if name == "pyproject.toml":
            return _differing(_pyproject(before), _pyproject(after))
        if name == "Cargo.toml":
            return _differing(_cargo(before), _cargo(after))
        if name == "package.json":
            return _differing(_package(before), _package(after))
        if name == "pom.xml":
            return _differing(_pom(before), _pom(after))
        if _INI.fullmatch(name):
            sections = _SETUP_SECTIONS if name == "setup.cfg" else None
            return _differing(_ini(before, sections), _ini(after, sections))
        if _TOML.fullmatch(name) or path.endswith(".cargo/config.toml"):
            return _differing(_tables(before), _tables(after))
        if _WHOLE.fullmatch(path) is None or _content(before) == _content(after):
            return ""
    except (ValueError, TypeError, AttributeError, RecursionError, configparser.Error):
        pass  # what cannot be read counts as changed
    return _ALL


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(names)


def _content(data: bytes | None) -> Any:
    """Return the value of a JSON document; of another file the lines that are no comments."""
    try:
        return json.loads(data or b"")
    except ValueError:
        lines = (line.strip() for line in (data or b"").splitlines())
        return [line for line in lines if line and not line.startswith((b"#", b"//"))]


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


def _package(data: bytes | None) -> dict[str, Any]:
    found = json.loads(data or b"{}")
    scripts = {f"script `{name}`": value for name, value in found.get("scripts", {}).items()}
    return {**scripts, **{f"`{key}`": found.get(key) for key in _PACKAGE}}


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
