"""The settings in files that decide which tests run, or how checks judge."""

import configparser
import json
import posixpath
import re
import sys
from collections.abc import Callable, Collection
from typing import Any

from codex_orchestrator.patterns.pom_settings import pom_settings
from codex_orchestrator.text.globs import matching_glob
from codex_orchestrator.text.toml import parse_toml

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
    r"|(?:.*/)?(?:jest|vitest|vite|eslint|playwright|ava|karma|cypress|wdio|web-test-runner|babel)"
    r"[.-](?:config|conf|workspace|setup|preset|shared|base)(?:\.\w+)+"
    r"|(?:.*/)?jasmine\.(?:json|[cm]?js)|(?:.*/)?\.(?:babelrc|swcrc)(?:\.\w+)?"
    r"|(?:.*/)?\.rspec|(?:.*/)?phpunit\.xml(?:\.dist)?|(?:.*/)?\.env(?:\.test)?(?:\.local)?"
    r"|(?:.*/)?(?:gradlew|mvnw)(?:\.(?:bat|cmd))?|(?:.*/)?gradle/wrapper/.+"
    r"|(?:.*/)?META-INF/services/(?:org\.(?:junit|testng|spockframework|mockito)|io\.cucumber)\..+"
    r"|(?:.*/)?(?:\.mocharc|\.eslintrc|\.nycrc|\.c8rc|\.taprc|\.golangci)(?:\.\w+)?"
    r"|(?:.*/)?\.eslintignore|(?:.*/)?Rakefile"
    r"|(?:.*/)?(?:GNUm|M|m)akefile|(?:.*/)?[^/]+\.mk|(?:.*/)?\.?[jJ]ustfile|(?:.*/)?[Tt]askfile\.ya?ml"
    r"|(?:.*/)?(?:build|settings)\.gradle(?:\.kts)?|(?:.*/)?(?:gradle|junit-platform)\.properties"
    r"|(?:.*/)?\.mvn/.+|(?:.*/)?(?:\.npmrc|go\.work)"
)
_MAKEFILE = re.compile(r"(?:GNUm|M|m)akefile")
_INI = re.compile(
    r"\.?pytest\.ini|tox\.ini|\.coveragerc|\.?mypy\.ini|\.flake8|\.?pylintrc|setup\.cfg"
)
_TSCONFIG = re.compile(r"tsconfig(?:[._-][^/]+)?\.json")
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
    *("pytest_env", "pytest-env"),
)
_CARGO = (
    *("test", "lints", "package.autotests", "lib.test", "lib.doctest", "lib.harness", "patch"),
    *("workspace.exclude", "workspace.default-members", "workspace.lints", "replace"),
    *("profile.test", "profile.dev"),
)
_PACKAGE = ("jest", "mocha", "vitest", "ava", "c8", "nyc", "tap", "eslintConfig", "xo", "standard")
_GRADLE_DEPENDENCY = re.compile(
    r"\w*(?:[iI]mplementation|[aA]pi|[oO]nly|[pP]rocessor)[ (]+"
    r"(?:(?:platform|enforcedPlatform|project)[ (]+)?"
    r"""(?:libs[\w.]*|(?:(?:\w+ ?[:=] ?)?(?:'[^'\n]*'|"[^"\n{}]*")[, ]*)+)[) ]*"""
)
_GRADLE_VERSION = re.compile(
    r"""(?i)\b[\w.]*version[ =(]+(?:'[\w.+-]*'|"[\w.+-]*"|\d[\w.+-]*)\)?"""
)
_ALL = "the whole file"
_ALIAS = "`imports` "
_LOCAL = re.compile(r"(?:file|link|portal):.*|\.{0,2}/.*")
# What of pytest's settings chooses no test and judges none.
_PYTEST_FORM = re.compile(
    r"markers|minversion|cache_dir|console_output_style|truncation_limit_\w+|verbosity_\w+"
    r"|(?:log|junit|faulthandler|tmp_path_retention)_\w+"
)
# What of TypeScript's settings leads to other modules.
_TS_MODULES = ("paths", "baseUrl", "rootDirs", "plugins", "moduleSuffixes", "customConditions")


def is_settings_file(path: str) -> bool:
    """Say by its name whether a file may hold what `changed_settings` looks for."""
    name = posixpath.basename(path)
    return (
        name in ("pyproject.toml", "Cargo.toml", "package.json", "pom.xml", "go.mod")
        or path.endswith((".cargo/config.toml", ".cargo/config"))
        or any(known.fullmatch(name) for known in (_INI, _TOML, _TSCONFIG))
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
    if _MAKEFILE.fullmatch(name) and _only_adds_targets(before or b"", after or b"", checks):
        return ""
    if before is None and _STDLIB.fullmatch(path):
        return _ALL
    try:
        old, new = _settings(path, before, checks), _settings(path, after, checks)
    except (ValueError, TypeError, AttributeError, RecursionError, configparser.Error):
        return _ALL  # what cannot be read counts as changed
    differing = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    if not any("*" in key for key in old if key.startswith(_ALIAS)):
        # A new name for a module leads none elsewhere, unless it is one of many that had a rule.
        differing = [key for key in differing if key in old or not key.startswith(_ALIAS)]
    return ", ".join(key for key in differing if "lint" in checks or not _LINTER.match(key))


def _only_adds_targets(before: bytes, after: bytes, checks: Collection[str]) -> bool:
    """Say whether all that is new in a Makefile are targets at its end, which nothing leads to."""
    old, new = before.decode("utf-8", "replace"), after.decode("utf-8", "replace")
    added = new.removeprefix(old)
    if not old.endswith("\n") or old.endswith("\\\n") or added == new:
        return False
    if not re.fullmatch(r"(?:(?:#[^\n\\]*)?\n|[\w-]+:[\w \t-]*\n(?:\t[^\n]*\n)*)*", added):
        return False
    targets = set(re.findall(r"(?m)^([\w-]+):", added))
    return targets.isdisjoint(re.findall(r"[\w-]+", old)) and targets.isdisjoint(checks)


def _settings(path: str, data: bytes | None, checks: Collection[str]) -> dict[str, Any]:
    """Return the settings in a file by their names in words for a finding."""
    name = posixpath.basename(path)
    if name == "package.json":
        return _package(data, checks)
    if reader := _READERS.get(name):
        return reader(data)
    if _TSCONFIG.fullmatch(name):
        return _tsconfig(data, checks)
    if _INI.fullmatch(name):
        return _ini(data, _SETUP_SECTIONS if name == "setup.cfg" else None)
    if _TOML.fullmatch(name) or path.endswith((".cargo/config.toml", ".cargo/config")):
        tables = _tables(data)
        return {k: _judging(v) if k == "`pytest`" else v for k, v in tables.items()}
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
        settings[f"`[{key}]`"] = _judging(_get(found, key))
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
        words = re.findall(r"[\w:.*-]+", str(scripts.get(name, "")))
        globs = [word for word in words if "*" in word]
        chosen = [script for script in scripts if globs and matching_glob(script, globs)]
        others = [*words, *chosen, f"pre{name}", f"post{name}"]
        reached += [
            other for other in dict.fromkeys(others) if other in scripts and other not in reached
        ]
    read = {f"script `{name}`": scripts[name] for name in scripts if name in reached}
    read |= {f"{_ALIAS}{name}": value for name, value in (found.get("imports") or {}).items()}
    for key in ("devDependencies", "overrides", "resolutions"):
        # A folder of the change may take the place of a test runner.
        local = {name: value for name, value in (found.get(key) or {}).items() if _is_local(value)}
        read[f"`{key}`"] = local or None
    return {**read, **{f"`{key}`": found.get(key) for key in _PACKAGE}}


def _is_local(version: Any) -> bool:
    values = version.values() if isinstance(version, dict) else [version]
    return any(_LOCAL.fullmatch(str(value)) for value in values)


def _tsconfig(data: bytes | None, checks: Collection[str]) -> dict[str, Any]:
    text = (data or b"{}").decode("utf-8-sig")
    try:
        found = json.loads(text)
    except ValueError:
        return {_ALL: _content(data)}
    if "lint" in checks:
        return {f"`{key}`": value for key, value in found.items()}
    options = found.get("compilerOptions") or {}
    read = {f"`{key}`": options.get(key) for key in _TS_MODULES}
    return {**read, "`extends`": found.get("extends"), "`ts-node`": found.get("ts-node")}


def _judging(settings: Any) -> Any:
    """Return pytest's settings without those of form only; None for none."""
    if not isinstance(settings, dict):
        return settings
    return {key: settings[key] for key in settings if not _PYTEST_FORM.fullmatch(key)} or None


def _ini(data: bytes | None, sections: re.Pattern[str] | None) -> dict[str, Any]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string((data or b"").decode("utf-8-sig"))
    return {
        f"`[{name}]`": _judging(dict(parser.items(name)))
        if "pytest" in name
        else dict(parser.items(name))
        for name in parser.sections()
        if sections is None or sections.match(name)
    }


_READERS: dict[str, Callable[[bytes | None], dict[str, Any]]] = {
    "pyproject.toml": _pyproject,
    "Cargo.toml": _cargo,
    "pom.xml": pom_settings,
    "go.mod": _go_mod,
}
