"""The outline of a test file: its tests, and the nodes in them that decide what a test judges."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_orchestrator.patterns.check_files import is_test_file
from codex_orchestrator.patterns.code_text import bare
from codex_orchestrator.patterns.dialects import DIALECTS, Dialect
from codex_orchestrator.patterns.engine import find_config, parse
from codex_orchestrator.patterns.files import MAX_FILE_BYTES, SkipFile, decode
from codex_orchestrator.patterns.languages import language_of
from codex_orchestrator.patterns.nodes import Node

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_MAX_DEPTH = 120
_FULLY_CHECKED = 200_000
_TITLE = re.compile(
    r"""\s*("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|[^,()]*)""", re.DOTALL
)
_SCOPE = re.compile(
    r"\b(?:class|mod|interface|record|enum|impl)\s+(?:<[^>]*>\s*)?(?:.*?\bfor\s+)?(\w+)"
)


@dataclass
class Unit:
    """A piece of a test file that is judged by itself: a test, a function, a class, the file."""

    name: str
    kind: str
    node: Node
    marks: list[str] = field(default_factory=list)
    """Decorators, annotations, and what the name of the call says: `it.skip`."""

    @property
    def body(self) -> Node | None:
        """What is run; None for a test that is only announced."""
        node = self.node
        if node.role == "call":
            functions = [kid for kid in node.kids if kid.role == "function"]
            return functions[-1] if functions else None
        return node


class Outline:
    """The units of one version of a file, and the syntax errors in it."""

    def __init__(self, path: str, data: bytes) -> None:
        """Read a file.

        Raises:
            SkipFile: it cannot be read as code; the text says why.
        """
        if len(data) > MAX_FILE_BYTES:
            raise SkipFile(f"more than {MAX_FILE_BYTES} bytes")
        self.text = decode(data).text.replace("\r\n", "\n")
        self.path = path
        self.language = language_of(path)
        self.dialect: Dialect = DIALECTS[self.language]
        self.errors: list[Node] = []
        self._equals: Counter[str] = Counter()
        root = self.root = self._nodes()
        self.units: dict[str, Unit] = {path: Unit(path, "file", root)}
        self.hidden: list[Unit] = []
        """Tests that a later one of the same name replaces."""
        self.aliases = frozenset(
            re.findall(r"\b(?:skip\w*|xfail|expectedFailure)\s+as\s+(\w+)", self.text)
        )
        if self.language == "go":
            # The old form says the same as the new one where both stand.
            tag = re.search(r"^//go:build\b.*|^//\s*\+build\b.*", self.text, re.MULTILINE)
            self.units[path].marks += [tag[0]] if tag else []
        self._collect(root, path, (), is_class_collected=True)
        self.functions = {
            unit.node.name: unit for unit in self.units.values() if unit.kind == "function"
        }
        self.claimed = {
            id(unit.node) for unit in self.units.values() if unit.kind in {"test", "function"}
        }
        self.claimed |= {id(unit.node) for unit in self.hidden}
        self.suites = {id(unit.node) for unit in self.units.values() if unit.kind == "scope"}

    def _nodes(self) -> Node:
        roles = self.dialect.roles
        top = Node("file", (0, len(self.text), 0), self.text)
        open_nodes = [top]
        config = {"rule": {"any": [{"kind": kind} for kind in roles]}}
        tree = parse(self.text, self.language)
        self.errors += self._inserted(tree)
        for found in find_config(tree, config, source=self.path):
            place = found.range()
            start, end = place.start.index, place.end.index
            node = Node(roles[found.kind()], (start, end, place.start.line + 1), self.text)
            while start >= open_nodes[-1].end or end > open_nodes[-1].end:
                if len(open_nodes) == 1:
                    break
                open_nodes.pop()
            if len(open_nodes) > _MAX_DEPTH:
                raise SkipFile(f"code nested more than {_MAX_DEPTH} deep in line {node.line}")
            if node.role == "error":
                self.errors.append(node)
            open_nodes[-1].kids.append(node)
            open_nodes.append(node)
        return top

    def _inserted(self, tree: "SgNode") -> Iterator[Node]:
        """Return the lines where the parser inserted a bracket to make sense of the code."""
        code = bare(self.text)
        if all(code.count(start) == code.count(end) for start, end in ("()", "[]", "{}")):
            return
        if len(self.text) > _FULLY_CHECKED:  # the search takes the square of the nesting
            yield Node("error", (0, 0, 1), self.text)
            return
        for found in find_config(tree, {"rule": {"regex": "^$"}}, source=self.path):
            if found.kind() in {")", "]", "}"}:
                end = found.range().start
                start = self.text.rfind("\n", 0, end.index) + 1
                yield Node("error", (start, end.index, end.line + 1), self.text)

    def _collect(
        self, parent: Node, scope: str, inherited: tuple[str, ...], *, is_class_collected: bool
    ) -> None:
        marks: list[Node] = []
        for node in parent.kids:
            if node.role == "mark":
                marks += [node] if self.language != "java" else []
                continue
            texts = [*inherited, *(mark.text for mark in marks)]
            marks = []
            if node.role == "function" and parent.role != "call":
                if parent.role == "assignment":
                    node.name = re.split(r"[=:\s]", parent.text, maxsplit=1)[0]
                self._add_function(node, scope, texts, is_test=is_class_collected)
            elif node.role == "scope":
                self._add_scope(node, scope, texts)
            elif node.role == "call" and self._is_declared(node):
                self._add_call(node, scope, texts)
            else:
                if node.role in {"condition", "handler"}:
                    texts.append("if " + " ".join(node.head.split()))
                self._collect(node, scope, tuple(texts), is_class_collected=is_class_collected)

    def _add_function(self, node: Node, scope: str, marks: list[str], *, is_test: bool) -> None:
        own = self._own_marks(node)
        marks += [kid.text for kid in own]
        header = node.text[own[-1].end - node.start if own else 0 :][:2000]
        found = self.dialect.declares.search(header)
        if found is not None:
            node.name = found[found.lastindex or 1]
        owner = found[1] + "::" if found and found.lastindex == 2 and found[1] else ""
        is_marked = any(self.dialect.tests.search(mark) for mark in marks)
        is_test = is_marked or (is_test and self.dialect.tests.search(node.name) is not None)
        is_private = found is not None and re.search(
            r"\b(?:private|static)\b", header[: found.start()]
        )
        is_test = is_test and not is_private
        is_test = is_test and not any("fixture" in mark for mark in marks if mark.startswith("@"))
        self._add(
            Unit(f"{scope}::{owner}{node.name}", "test" if is_test else "function", node, marks)
        )
        if node.name == "load_tests":
            self.units[self.path].marks.append("@skip: load_tests")
        if self.language in {"javascript", "typescript", "tsx"}:
            self._collect(node, scope, (), is_class_collected=False)

    def _add_scope(self, node: Node, scope: str, marks: list[str]) -> None:
        own = self._own_marks(node)
        marks += [kid.text for kid in own]
        if self.language == "java" and re.search(r"\babstract\s+class\b", node.text[:2000]):
            marks.append("@Disabled: an abstract class")
        found = _SCOPE.search(node.text)
        name = f"{scope}::{found[1] if found else '?'}"
        self._add(Unit(name, "scope", node, marks))
        self._collect(node, name, (), is_class_collected=self._is_collected(node))

    def _own_marks(self, node: Node) -> list[Node]:
        """Return annotations, which Java keeps within the declaration."""
        kids = node.kids if self.language == "java" else []
        return [kid for kid in kids if kid.role == "mark"]

    def _is_collected(self, node: Node) -> bool:
        """Say whether the methods of a class are tests; in Python it must look like one."""
        has_base = re.match(r"class\s+\w+\s*\(\s*[^)\s]", node.text) is not None
        is_plain = node.text.startswith("class Test") and not re.search(
            r"^[ \t]+def __(?:init|new)__\b", node.text, re.MULTILINE
        )
        if self.language == "java":
            return re.search(r"\bextends\s+\w*TestCase\b", node.text[:2000]) is not None
        return self.language != "python" or has_base or is_plain

    def is_product(self, unit: Unit) -> bool:
        """Say whether a unit is part of the product, which in Rust may stand beside its tests."""
        if self.language != "rust" or unit.kind == "test" or is_test_file(self.path):
            return False
        parts = unit.name.split("::")
        scopes = (self.units.get("::".join(parts[:end])) for end in range(2, len(parts) + 1))
        marks = " ".join(mark for scope in scopes if scope for mark in scope.marks)
        return re.search(r"\bcfg\b.*\btest\b", marks) is None

    def _is_declared(self, node: Node) -> bool:
        return (
            self.language in {"javascript", "typescript", "tsx"}
            and self.dialect.tests.search(node.root.called) is not None
            and (
                any(kid.role == "function" for kid in node.kids)
                or node.arguments[:1] in set("'\"`")
            )
        )

    def _add_call(self, node: Node, scope: str, marks: list[str]) -> None:
        callee = f"{node.root.called}.{node.called}".rstrip(".") if node.link else node.called
        found = _TITLE.match(node.arguments)
        title = found[1].strip("\"'`") if found else ""
        before_body = node.arguments
        functions = [kid for kid in node.kids if kid.role == "function"]
        if functions:
            before_body = node.text[: functions[-1].start - node.start]
        options = re.search(r"\{[^{}]*\}", before_body)
        marks += [callee, *([options[0]] if options else [])]
        is_suite = re.search(r"(?:describe|context|suite)\b", callee) is not None
        if not functions and not is_suite:
            marks.append(".todo")
        name = f"{scope} > {title}" if " > " in scope or scope != self.path else f"{scope}::{title}"
        self._add(Unit(name, "scope" if is_suite else "test", node, marks))
        if is_suite:
            for function in functions:
                self._collect(function, name, (), is_class_collected=True)

    def _add(self, unit: Unit) -> None:
        known = self.units.get(unit.name)
        if known is not None and self.language == "python" and unit.kind == "test":
            self.hidden.append(known)
        elif known is not None:
            self._equals[unit.name] += 1
            unit.name = f"{unit.name}#{self._equals[unit.name] + 1}"
        self.units[unit.name] = unit

    def tests(self) -> Iterator[Unit]:
        """Return the tests in order of place."""
        return (unit for unit in self.units.values() if unit.kind == "test")
