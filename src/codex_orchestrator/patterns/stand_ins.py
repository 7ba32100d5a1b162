"""What newly takes the place of the code that a test judges, or of what it judges with."""

import re
import sys
import unittest
from collections.abc import Iterator

from codex_orchestrator.patterns.code_text import bare, split
from codex_orchestrator.patterns.nodes import Node
from codex_orchestrator.patterns.outlines import Outline, Unit

# What runs a test of unittest, and what its assertions are.
_UNITTEST = {name for name in dir(unittest.TestCase) if name.startswith(("assert", "fail"))} | {
    "run",
    "__call__",
    "debug",
    "countTestCases",
    "_callTestMethod",
    "__getattribute__",
}
_FRAMEWORKS = {
    *("pytest", "pytest_asyncio", "mock", "hypothesis", "parameterized", "freezegun", "responses"),
    *("ddt", "django", "moto", "vcr", "time_machine", "requests_mock", "respx", "numpy", "pandas"),
    *("testfixtures", "allure", "syrupy", "anyio", "trio", "twisted", "tornado"),
}
# Bounded, and within a line where it can be: what is hostile must not cost the square of its size.
_FROM = re.compile(
    r"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]{0,4000}\)|[^\n#]+)", re.MULTILINE
)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([\w.]+)(?:[ \t]+as[ \t]+(\w+))?[ \t]*$", re.MULTILINE)
_SCRIPT_IMPORT = re.compile(
    r"(?:import|const|let|var)\s+([\w\s{},:*$]{1,2000}?)\s*(?:from|=\s*require\()\s*[\"'](\.[^\"']*)[\"']"
)
_ASSIGNED = re.compile(
    r"(?:([\w.]+)\.)?([\w$]+)\s*(?::(?!=)[^=]*)?(:?=)(?!=)\s*(.{0,200})", re.DOTALL
)
_BASES = re.compile(r"class\s+\w+\s*\(([^)]{0,2000})\)")
_SCRIPTS = {"javascript", "typescript", "tsx"}
_JUDGES = {"assert", "expect", "test", "it", "describe", "strict"}
_QUOTED = re.compile(r"[\"']([^\"']*)[\"']")
_MACRO = re.compile(r"macro_rules!\s*((?:debug_)?assert(?:_eq|_ne)?|panic)\b")


def stand_ins(old: Outline, new: Outline) -> Iterator[tuple[str, int, str]]:
    """Say what stands in for something in the new version, and did not in the old one.

    Yields:
        The unit in which it does, the line from 1, and what it is.
    """
    if not old.text.strip():
        yield from _patches(new)
        return
    judged = _Judged(old)
    known = {(unit, code) for unit, _, code in judged.replaced(old)}
    for place, line, code in judged.replaced(new):
        if (place, code) not in known:
            yield place, line, code
    if new.language != "python":
        return
    yield from _bases(old, new)
    defined = set(re.findall(r"^(?:async )?(?:def|class)\s+(\w+)", new.text, re.MULTILINE))
    own = defined | _imported(new.text)
    for unit in new.units.values():
        before = old.units.get(unit.name)
        is_known = before is not None and before.kind == unit.kind in {"test", "scope"}
        for mark in unit.marks if is_known else ():
            name = re.match(r"@(\w+)", mark)
            if before is not None and name and name[1] in own and mark not in before.marks:
                yield unit.name, unit.node.line, mark


def _patches(new: Outline) -> Iterator[tuple[str, int, str]]:
    """Say what a new file of Python replaces for all tests, when it is loaded."""
    if new.language != "python":
        return
    outside = _FRAMEWORKS | sys.stdlib_module_names
    modules = {alias or name for name, alias in _IMPORT.findall(new.text)}
    modules = {name for name in modules if name.split(".")[0] not in outside}
    for node, owner, _ in _nodes(new.root, new.root, None):
        found = _ASSIGNED.match(node.text) if node.role == "assignment" else None
        if owner is new.root and found and found[1]:
            is_assertion = found[2] in _UNITTEST and found[1].endswith("TestCase")
            if is_assertion or found[1] in modules:
                yield new.path, node.line, f"{found[1]}.{found[2]} in the file"


def _bases(old: Outline, new: Outline) -> Iterator[tuple[str, int, str]]:
    """Say which classes with tests newly inherit from something that is no part of a framework."""
    own = _imported(new.text) | {name for name, _ in _IMPORT.findall(new.text)}
    own -= _FRAMEWORKS | sys.stdlib_module_names
    for unit in new.units.values():
        before = old.units.get(unit.name)
        if before is None or before.kind != unit.kind or unit.kind != "scope":
            continue
        names, were = (
            set(re.findall(r"[\w.]+", found[1])) if found else set()
            for found in (_BASES.match(one.node.text) for one in (unit, before))
        )
        for name in sorted(names - were):
            if name.split(".")[0] in own:
                yield unit.name, unit.node.line, f"a class of {name}"


def _imported(text: str) -> set[str]:
    return {
        re.split(r"\s+as\s+", name.strip("() \n"))[-1]
        for module, names in _FROM.findall(text)
        if module.split(".")[0] not in _FRAMEWORKS | sys.stdlib_module_names
        for name in split(names.strip("() \n"))
    }


class _Judged:
    """What the old version of a test file judges that its own code does not define."""

    def __init__(self, old: Outline) -> None:
        self._old = old
        self._modules: set[str] = set()
        self._tests = {unit.node.name for unit in old.tests()} - {""}
        code = bare(old.text)
        if old.language == "python":
            imports = [(name, alias or name) for name, alias in _IMPORT.findall(old.text)]
            outside = _FRAMEWORKS | sys.stdlib_module_names
            self._modules = {alias for name, alias in imports if name.split(".")[0] not in outside}
            members = re.findall(r"\b(\w+)\.(?=(\w+)\()", code)
            called = {name for module, name in members if module in self._modules}
            self._names = _used(_imported(old.text), code) | called
        elif old.language == "go":
            self._names = set(re.findall(r"(?<![.\w])(?<!func )([A-Za-z]\w*)\(", code))
        else:
            found = _SCRIPT_IMPORT.findall(old.text)
            names = {name for names, _ in found for name in re.findall(r"[\w$]+", names)}
            self._names = _used(names, code)
            self._modules = {module for _, module in found}

    def replaced(self, outline: Outline) -> Iterator[tuple[str, int, str]]:
        """Return what stands in for something in one version of the file."""
        if outline.language == "rust":
            for found in _MACRO.finditer(outline.text):
                yield outline.path, outline.text.count("\n", 0, found.start()) + 1, found[0]
        # What judges comes from a framework, and not from a file of the repository.
        for found in _SCRIPT_IMPORT.finditer(outline.text) if outline.language in _SCRIPTS else ():
            for name in sorted(_JUDGES & set(re.findall(r"[\w$]+", found[1]))):
                line = outline.text.count("\n", 0, found.start()) + 1
                yield outline.path, line, f"{name} of {found[2]}"
        for node, owner, mark in _nodes(outline.root, outline.root, None):
            code = self._replacement(outline, node, owner)
            if not code:
                continue
            unit = _unit_of(outline, mark or node, is_mark=mark is not None)
            if self._reaches(unit, code):
                place = unit.name.removeprefix(outline.path).removeprefix("::")
                yield outline.path, node.line, f"{code} in {place or 'the file'}"

    def _replacement(self, outline: Outline, node: Node, owner: Node) -> str:
        """Return the name that a node gives to something else; "" if it is none of those here."""
        is_python = outline.language == "python"
        in_class = owner.role == "scope"
        if node.role == "function" and outline.language not in {"go", "rust", "java"}:
            found = outline.dialect.declares.match(node.text)
            name = found[1] if found else ""
            if in_class:
                return name if is_python and name in _UNITTEST and _is_case(owner) else ""
            return name if name in self._names else ""
        if node.role == "scope" and is_python and not in_class:
            found = re.match(r"class\s+(\w+)", node.text)
            return found[1] if found and found[1] in self._names else ""
        if node.role == "assignment":
            return self._assigned(outline, node, owner)
        if node.role == "call":
            return self._mocked(node)
        return ""

    def _assigned(self, outline: Outline, node: Node, owner: Node) -> str:
        found = _ASSIGNED.match(node.text)
        if found is None:
            return ""
        target, name, sign, value = found.groups()
        if outline.language == "python" and name == "__code__":
            return node.text
        if outline.language == "python" and name in _UNITTEST:
            is_case = target in {"self", "cls"} or (target or "").endswith("TestCase")
            return name if is_case or (not target and _is_case(owner)) else ""
        if outline.language == "go":
            return name if sign == ":=" and value.startswith("func") and name in self._names else ""
        if outline.language in {"rust", "java"} or re.search(r"\brequire\(|\bimport\(", value):
            return ""
        is_ours = target in self._modules if target else owner.role != "scope"
        return name if is_ours and name in self._names else ""

    def _mocked(self, node: Node) -> str:
        called, arguments = node.called, node.arguments
        if re.search(r"(?:^|\.)(?:patch|patch\.object|setattr)$", called):
            words = [word for part in split(arguments)[:2] for word in _QUOTED.findall(part)]
            names = {word.rpartition(".")[2] for word in words} & (self._names | self._tests)
            return "" if "wraps=" in arguments else next(iter(names), "")
        if re.search(r"^(?:jest|vi)\.(?:mock|doMock|unstable_mockModule)$", called):
            module = _QUOTED.match(arguments.lstrip())
            is_partial = re.search(r"requireActual|importActual|importOriginal", arguments)
            return module[1] if module and not is_partial and module[1] in self._modules else ""
        return ""

    def _reaches(self, unit: Unit, code: str) -> bool:
        """Say whether tests that there were before get what stands in."""
        if unit.kind == "test":
            before = self._old.units.get(unit.name)
            return before is not None and (code in before.node.text or "/" in code)
        if unit.kind != "function" or "autouse" in str(unit.marks) or code in unit.node.head:
            return True
        name = re.escape(unit.node.name)
        is_used = re.compile(rf"\b{name}\b") if unit.node.name else re.compile(r"(?!)")
        return unit.node.name.lower().startswith("setup") or any(
            is_used.search(test.node.text) for test in self._old.tests()
        )


def _used(names: set[str], code: str) -> set[str]:
    """Return those of some names that are called, or have a member that is used."""
    return names & set(re.findall(r"[\w$]+(?=[.(])", code))


def _is_case(node: Node) -> bool:
    """Say whether a class looks like a test case of unittest."""
    has_tests = re.search(r"^[ \t]+(?:async )?def test", node.text, re.MULTILINE) is not None
    return re.match(r"class\s+\w+\s*\([^)]*TestCase", node.text) is not None or (
        has_tests and re.match(r"class\s+\w+\s*\(\s*[^)\s]", node.text) is not None
    )


def _nodes(
    parent: Node, owner: Node, mark: Node | None
) -> Iterator[tuple[Node, Node, Node | None]]:
    """Return each node with the function or class, and the decorator, that it stands in."""
    for node in parent.kids:
        inner = node if node.role == "mark" else mark
        yield node, owner, inner
        yield from _nodes(node, node if node.role in {"function", "scope"} else owner, inner)


def _unit_of(outline: Outline, node: Node, *, is_mark: bool) -> Unit:
    if is_mark:
        after = (unit for unit in outline.units.values() if unit.node.start >= node.end)
        return min(after, key=lambda unit: unit.node.start, default=outline.units[outline.path])
    around = (
        unit
        for unit in outline.units.values()
        if unit.node.start <= node.start and node.end <= unit.node.end
    )
    return max(around, key=lambda unit: unit.node.start)
