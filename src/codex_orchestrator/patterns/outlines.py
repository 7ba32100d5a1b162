"""The outline of a test file: its tests, and the nodes in them that decide what a test judges."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from codex_orchestrator.patterns.dialects import DIALECTS, Dialect
from codex_orchestrator.patterns.engine import find_config, parse
from codex_orchestrator.patterns.files import MAX_FILE_BYTES, SkipFile, decode
from codex_orchestrator.patterns.languages import language_of

_MAX_DEPTH = 120
_CALLED = re.compile(r"\s*(?:([\w:]+)!\s*[(\[{]|([^(`]*?)(?:<[^(`]*>)?[(`])")
_TITLE = re.compile(
    r"""\s*("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|[^,()]*)""", re.DOTALL
)
_SCOPE = re.compile(
    r"\b(?:class|mod|interface|record|enum|impl)\s+(?:<[^>]*>\s*)?(?:.*?\bfor\s+)?(\w+)"
)


class Node:
    """One node of a syntax tree that means something to a test; the others are left out."""

    __slots__ = ("_source", "end", "kids", "line", "name", "role", "start")

    def __init__(self, role: str, place: tuple[int, int, int], source: str) -> None:
        self.role = role
        self.start, self.end, self.line = place
        self._source = source
        self.kids: list[Node] = []
        self.name = ""

    @property
    def text(self) -> str:
        """The code of this node."""
        return self._source[self.start : self.end]

    @property
    def head(self) -> str:
        """The code up to the first block or statement in it: a condition, or a declaration."""
        ends = (kid.start for kid in self.kids if kid.role in {"block", "jump"})
        return self._source[self.start : next(ends, self.end)]

    @property
    def link(self) -> "Node | None":
        """For `a(…).b(…)` the node of `a(…)`."""
        first = self.kids[0] if self.kids else None
        is_link = first is not None and first.role == "call" and first.start == self.start
        return first if is_link else None

    @property
    def root(self) -> "Node":
        """The first call of a chain."""
        node = self
        while node.role == "call" and (link := node.link) is not None:
            node = link
        return node

    @property
    def arguments(self) -> str:
        """The code behind the name of a call or a mark, less the closing bracket."""
        start = self.link.end if self.link else self.start
        found = _CALLED.match(self._source, start, self.end)
        return self._source[found.end() : self.end - 1] if found else ""

    @property
    def called(self) -> str:
        """The name of what is called: of a chain, what comes last in it."""
        link = self.link
        found = _CALLED.match(self._source, link.end if link else self.start, self.end)
        name = (found[1] or found[2]) if found else ""
        if not name and link is None and self.text.startswith("("):
            name = self.text.partition(")")[0]
        return name if name.startswith("(") else re.sub(r"[\s?]+", "", name).lstrip(".")


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
        self._collect(root, path, (), is_class_collected=True)
        self.functions = {
            unit.node.name: unit for unit in self.units.values() if unit.kind == "function"
        }
        self.claimed = {
            id(unit.node) for unit in self.units.values() if unit.kind in {"test", "function"}
        }
        self.claimed |= {id(unit.node) for unit in self.hidden}

    def _nodes(self) -> Node:
        roles = self.dialect.roles
        top = Node("file", (0, len(self.text), 0), self.text)
        open_nodes = [top]
        config = {"rule": {"any": [{"kind": kind} for kind in roles]}}
        for found in find_config(parse(self.text, self.language), config, source=self.path):
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

    def _collect(
        self, parent: Node, scope: str, inherited: tuple[str, ...], *, is_class_collected: bool
    ) -> None:
        marks: list[Node] = []
        for node in parent.kids:
            if node.role == "mark":
                marks.append(node)
                continue
            texts = [*inherited, *(mark.text for mark in marks)]
            marks = []
            if node.role == "function" and parent.role != "call":
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
        own = [kid for kid in node.kids if kid.role == "mark"]
        marks += [kid.text for kid in own]
        header = (
            node.text[own[-1].end - node.start :]
            if own and own[-1].start >= node.start
            else node.text
        )
        found = self.dialect.declares.search(header[:2000].partition("{")[0] or header[:2000])
        if found is None:
            self._collect(node, scope, (), is_class_collected=False)
            return
        node.name = found[found.lastindex or 1]
        owner = found[1] + "::" if found.lastindex == 2 and found[1] else ""
        is_marked = any(self.dialect.tests.search(mark) for mark in marks)
        is_test = is_test and (is_marked or self.dialect.tests.search(node.name) is not None)
        is_test = is_test and not any("fixture" in mark for mark in marks if mark.startswith("@"))
        self._add(
            Unit(f"{scope}::{owner}{node.name}", "test" if is_test else "function", node, marks)
        )
        if node.name == "load_tests":
            self.units[self.path].marks.append("@skip: load_tests")
        if self.language in {"javascript", "typescript", "tsx"}:
            self._collect(node, scope, (), is_class_collected=False)

    def _add_scope(self, node: Node, scope: str, marks: list[str]) -> None:
        marks += [kid.text for kid in node.kids if kid.role == "mark"]
        found = _SCOPE.search(node.text)
        name = f"{scope}::{found[1] if found else '?'}"
        self._add(Unit(name, "scope", node, marks))
        self._collect(node, name, (), is_class_collected=self._is_collected(node))

    def _is_collected(self, node: Node) -> bool:
        """Say whether the methods of a class are tests; in Python it must look like one."""
        has_base = re.match(r"class\s+\w+\s*\(\s*[^)\s]", node.text) is not None
        is_plain = node.text.startswith("class Test") and not re.search(
            r"\n\s+def __(?:init|new)__\b", node.text
        )
        return self.language != "python" or has_base or is_plain

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
        callee = f"{node.root.called}.{node.called}" if node.link else node.called
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
