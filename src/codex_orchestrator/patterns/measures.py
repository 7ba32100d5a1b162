"""What one test judges: its assertions and how strong each is, and what keeps it from judging."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from codex_orchestrator.patterns.outlines import Node, Outline, Unit
from codex_orchestrator.patterns.strength import (
    WEAK,
    bare,
    count_elements,
    rank,
    rank_condition,
    split,
)

_MOST = 1000
_ROOTS = re.compile(r"(?:^|\.)(?:expect(?:\.\w+)?|assertThat|verify|then)$")
_WORDING = re.compile(r"^(?:as|describedAs|withFailMessage|overridingErrorMessage|extracting)$")
_SWALLOWS = re.compile(r"suppress$|catch_unwind$|(?:^|\.)catch$")
_TABLE = re.compile(r"parametrize|(?:Value|Csv|Enum)Source\b|\bparams\s*=")
_CASE = re.compile(r"#\[\s*(?:case|test_case)\b")
_ASSIGNED = re.compile(
    r"(?:(?:let|const|var|mut|static|pub)\s+)*([\w$]+)\b[^=]{0,200}?=(?!=)\s*(.*)", re.DOTALL
)
_ITERATED = re.compile(r"\b(?:in|of|range)\b|(?<!:):(?![=:])")
_CONSTANT = re.compile(r"[\W\d]*(?:\b(?:True|False|None|true|false|nil|null|not|and|or)\b[\W\d]*)*")
_WORD = re.compile(r"\w+")
_SWITCH = re.compile(r"(?:\w+\.)*(?:pytestmark|__test__)\b")
_FAILS = re.compile(r"^\w+\.(?:Error|Fatal)f?$|\.Fail(?:Now)?$|(?:^|\.)fail$")
_RAISES = re.compile(r"\b(?:raise|throw|\w*[fF]ail|assert\w*|expect|reject|done|next)\b")
_PROPERTY = re.compile(r"(?:await\s+)?expect\(.*\.\w+;?$", re.DOTALL)
_TRUE = re.compile(r"\W*(?:True|true|1|not False|!\s*false)\W*")


@dataclass
class Measure:
    """What one unit judges."""

    assertions: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    """By text, strength, and how often a loop over a table repeats it."""
    tables: list[int] = field(default_factory=list)
    """The numbers of cases."""
    skips: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    returns: list[int] = field(default_factory=list)
    """For each early return: the number of assertions before it."""

    @property
    def total(self) -> int:
        """The number of assertions that can fail."""
        return sum(count for (_, strength, _), count in self.assertions.items() if strength)

    @property
    def early_returns(self) -> int:
        """The number of returns that leave assertions behind them."""
        return sum(before < self.total for before in self.returns)


class Measuring:
    """Measures the units of one file."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.sizes: dict[str, int] = {}
        """The numbers of elements of the file's own tables, by name."""
        self.aliases = set(outline.aliases)
        self.called: set[str] = set()
        """The functions of the file that others in it call."""
        self._known: dict[str, Measure] = {}
        for node in _assignments(outline.root):
            self.note(node, self.sizes)
            found = _ASSIGNED.match(node.text)
            if found and self.is_skip(found[2].split("(")[0]):
                self.aliases.add(found[1])

    def ground(self) -> list[str]:
        """Return the code outside the tests that decides what they judge."""
        functions = sorted(unit.node.text for unit in self.outline.functions.values())
        return [*functions, *sorted(self.aliases), *map(str, sorted(self.sizes.items()))]

    def note(self, node: Node, sizes: dict[str, int]) -> None:
        """Note the size of a table that gets a name."""
        found = _ASSIGNED.match(node.text)
        if found and (size := count_elements(found[2], {})) is not None:
            sizes[found[1]] = size

    def is_skip(self, text: str) -> bool:
        """Say whether a mark, or the name of a call, keeps a test from judging."""
        words = re.match(r"@?([\w.]+)", text)
        return self.outline.dialect.skips.search(text) is not None or (
            words is not None and words[1] in self.aliases
        )

    def measure(self, unit: Unit) -> Measure:
        """Return what a unit judges, what the file's functions that it calls judge included."""
        known = self._known.get(unit.name)
        if known is not None:
            return known
        measure = self._known[unit.name] = Measure()
        measure.skips += [mark for mark in unit.marks if self.is_skip(mark)]
        for mark in unit.marks:
            if _TABLE.search(mark):
                arguments = split(mark.partition("(")[2])
                arguments = arguments[1:2] if "parametrize" in mark else arguments
                measure.tables += self.sizes_of(re.sub(r"^\w+\s*=", "", a) for a in arguments)
            if "should_panic" in mark or re.search(r"@Test\b.*\bexpected\s*=", mark):
                error = mark.partition("=")[2].rstrip(")]").split(",")[0]
                strength = rank("expected", error, self.outline.dialect)
                measure.assertions[bare(mark), strength, 1] += 1
        if cases := sum(_CASE.search(mark) is not None for mark in unit.marks):
            measure.tables.append(cases)
        link = unit.node.link
        if link is not None and link.called.endswith("each"):
            is_text = link.text.endswith("`")
            rows = [link.text.count("\n") - 1] if is_text else self.sizes_of([link.arguments])
            measure.tables += rows
        named = set(_WORD.findall(" ".join([unit.node.head, *unit.marks])))
        for helper in self.outline.functions.values():
            is_named = helper.node.name in named and unit.kind == "test"
            if is_named or (unit.kind == "file" and any("autouse" in m for m in helper.marks)):
                self.absorb(measure, helper, 1)
        if unit.body is not None and (unit.kind != "scope" or unit.node.role == "scope"):
            times = min(math.prod(size or 1 for size in measure.tables), _MOST)
            _Scan(self, measure, unit).run(times)
        return measure

    def absorb(self, measure: Measure, helper: Unit, times: int) -> None:
        """Add what a function judges to what its caller, or the test that names it, judges."""
        self.called.add(helper.name)
        inner = self.measure(helper)
        measure.skips += inner.skips
        measure.ends += inner.ends
        for (text, strength, repeated), count in inner.assertions.items():
            measure.assertions[text, strength, min(repeated * times, _MOST)] += count

    def sizes_of(self, tables: Iterable[str]) -> list[int]:
        """Return the numbers of elements of those tables that are written out in the file."""
        sizes = (count_elements(table, self.sizes) for table in tables)
        return [size for size in sizes if size is not None]


class _Place(NamedTuple):
    """Where a piece of code stands."""

    is_live: bool = True
    """Whether a failed assertion there fails the test."""
    times: int = 1
    """How often loops over tables repeat it."""
    condition: str = ""
    """The `if` around it."""


class _Scan:
    """One walk over the code of a unit, in the order in which it runs."""

    def __init__(self, file: Measuring, measure: Measure, unit: Unit) -> None:
        self._file, self._measure, self._unit = file, measure, unit
        self._dialect = file.outline.dialect
        self._sizes = dict(file.sizes)

    def run(self, times: int) -> None:
        body = self._unit.body
        self._walk(body.kids if body is not None else [], _Place(times=times))

    def _walk(self, kids: list[Node], place: _Place) -> bool:
        """Judge nodes that follow each other; say whether what follows them is never run."""
        has_ended = False
        for node in kids:
            if self._visit(node, place) and not has_ended:
                has_ended, place = True, place._replace(is_live=False)
        return has_ended

    def _visit(self, node: Node, place: _Place) -> bool:
        kids, live = node.kids, place.is_live
        match node.role:
            case "function":
                if id(node) not in self._file.outline.claimed:
                    is_run = live and self._is_used(node)
                    self._walk(kids, place._replace(is_live=is_run, condition=""))
                return False
            case "mark" | "scope":
                return False
            case "condition":
                return self._branch(node, place)
            case "loop":
                self._loop(node, place)
                return False
            case "attempt":
                swallows = any(kid.role == "handler" and self._swallows(kid) for kid in kids)
                self._walk(kids, place._replace(is_live=live and not swallows))
                return False
            case "context":
                swallows = any(
                    kid.role == "call" and _SWALLOWS.search(kid.called) and self._swallows(kid)
                    for kid in kids
                )
                return self._walk(kids, place._replace(is_live=live and not swallows))
            case "jump":
                self._walk(kids, place)
                return True
            case "judgement" if live:
                text = node.text.removeprefix("assert").rstrip(";")
                parts = len(re.findall(r"\band\b|&&", bare(text))) + 1
                self._count(node.text, rank("assert", text, self._dialect), place, parts)
            case "statement" if live and _PROPERTY.match(node.text):
                self._count(node.text, WEAK, place)
            case "assignment":
                self._file.note(node, self._sizes)
                if self._unit.kind != "test" and self._replaces(node.text):
                    self._measure.skips.append(node.text)
            case "call":
                self._call(node, place)
                return False
        return self._walk(kids, place)

    def _count(self, text: str, strength: int, place: _Place, parts: int = 1) -> None:
        self._measure.assertions[bare(text), strength, place.times] += parts

    def _is_used(self, node: Node) -> bool:
        found = self._dialect.declares.match(node.text)
        return found is None or self._unit.node.text.count(found[found.lastindex or 1]) > 1

    def _replaces(self, assignment: str) -> bool:
        """Say whether an assignment outside functions takes tests away."""
        name = re.match(r"(?:del\s+)?([\w.]*)", assignment)
        test = self._file.outline.units.get(
            f"{self._unit.name}::{name[1].replace('.', '::')}" if name else ""
        )
        is_switch = _SWITCH.match(assignment) is not None and self._file.is_skip(assignment)
        return is_switch or (test is not None and test.kind == "test")

    def _swallows(self, node: Node) -> bool:
        if not self._dialect.broad.search(node.head if node.role == "handler" else node.text):
            return False
        return not _RAISES.search(bare(node.text[len(node.head) :]))

    def _branch(self, node: Node, place: _Place) -> bool:
        test = re.sub(r"^(?:el|else )?(?:if|while)\b|:$", "", bare(node.head)).strip("() ")
        is_true = _TRUE.fullmatch(test) is not None
        is_never = test != "" and not is_true and _CONSTANT.fullmatch(test) is not None
        has_ended = False
        for number, kid in enumerate(node.kids):
            live = place.is_live and not (is_never and number == 0)
            before = self._measure.total
            ended = self._visit(kid, place._replace(is_live=live, condition=node.head))
            if ended and live and kid.role in {"block", "jump"}:
                has_ended = has_ended or is_true
                if not is_true and self._measure.total == before:
                    self._measure.returns.append(before)
        return has_ended

    def _loop(self, node: Node, place: _Place) -> None:
        found = _ITERATED.search(node.head)
        size = count_elements(node.head[found.end() :], self._sizes) if found else None
        before = self._measure.total
        times = min(place.times * (size or 1), _MOST)
        self._walk(node.kids, place._replace(is_live=place.is_live and size != 0, times=times))
        if size is not None and (self._measure.total > before or size == 0):
            self._measure.tables.append(size)

    def _call(self, node: Node, place: _Place) -> None:
        called = node.called
        if id(node) in self._file.outline.claimed:
            return
        if self._file.is_skip(called):
            self._measure.skips.append(f"{called} if" if place.condition else called)
        elif self._dialect.ends.search(called) and "__name__" not in place.condition:
            self._measure.ends.append(called)
        elif place.is_live:
            self._judge(node, called, place)
        swallows = _SWALLOWS.search(called) is not None and self._swallows(node)
        self._walk(node.kids, place._replace(is_live=place.is_live and not swallows))

    def _judge(self, node: Node, called: str, place: _Place) -> None:
        root = node.root
        helper = self._file.outline.functions.get(re.split(r"[.:]", called)[-1])
        if helper is not None and helper is not self._unit:
            self._file.absorb(self._measure, helper, place.times)
        elif root is not node and _ROOTS.search(root.called) and not _WORDING.search(called):
            strength = rank(called, node.arguments, self._dialect, subject=root.arguments)
            self._count(node.text, strength, place)
        elif _FAILS.search(called):
            self._count(place.condition + node.text, rank_condition(place.condition), place)
        elif self._dialect.asserts.search(called) and not _ROOTS.search(called):
            self._count(node.text, rank(called, node.arguments, self._dialect), place)


def _assignments(root: Node) -> Iterator[Node]:
    """Return the assignments outside functions."""
    for node in root.kids:
        if node.role == "assignment":
            yield node
        elif node.role != "function":
            yield from _assignments(node)
