"""One walk over the code of a test: what it asserts, how strongly, and what is never reached."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from codex_orchestrator.patterns.call_values import CallValues
from codex_orchestrator.patterns.code_text import bare, count_elements, split
from codex_orchestrator.patterns.file_facts import FileFacts, Measure
from codex_orchestrator.patterns.nodes import Node
from codex_orchestrator.patterns.outlines import Unit
from codex_orchestrator.patterns.strength import TAUTOLOGY, WEAK, rank, rank_condition

MOST = 1000
"""No assertion counts as more than this many."""
_ROOTS = re.compile(
    r"(?:^|\.)(?:expect(?:\.(?!assertions|hasAssertions|unreachable|fail|any)\w+)?|assertThat|assertWithMessage|verify|then)$"
)
_WORDING = re.compile(
    r"^(?:then|catch|finally|that|as|describedAs|withFailMessage|overridingErrorMessage|extracting)$"
)
_SWALLOWS = re.compile(r"suppress$|catch_unwind$|(?:^|\.)catch$")
_ITERATED = re.compile(r"\b(?:in|of|range)\b|(?<!:):(?![=:])")
_CONSTANT = re.compile(r"[\W\d]*(?:\b(?:True|False|None|true|false|nil|null|not|and|or)\b[\W\d]*)*")
# An assertion, or the `t` of a Go test, that something else takes the place of.
_FAKE = re.compile(
    r"[\w.]+\.(?:assert\w+|fail)\s*=(?!=)|assert\.\w+\s*=(?!=)|t\s*:?=\s*(?:&|new\()testing\.T"
    r"|del\s+globals\(\)|globals\(\)\["
)
_INVERTS = re.compile(r"(?:raises|assertRaises)\([^)]*\bAssertionError\b")
_SWITCH = re.compile(r"(?:\w+\.)*(?:pytestmark|__test__)\b")
_FAILS = re.compile(r"^(?!assert|require)\w+\.(?:Error|Fatal)f?$|\.Fail(?:Now)?$|(?:^|\.)fail$")
_RAISES = re.compile(r"\b(?:raise|throw|\w*[fF]ail|assert\w*|expect|reject|done|next)\b")
_PROPERTY = re.compile(
    r"(?:await\s+)?expect\(.*\.(?:true|false|null|undefined|ok|empty|exists?|NaN|frozen|sealed"
    r"|finite|called\w*|fulfilled|rejected);?$",
    re.DOTALL,
)
_PROMISED = re.compile(r"\b(?:resolves|rejects|doesNotReject|eventually)\b")
_WAITED = re.compile(r"(?:\b(?:await|return)|=>|[(,\[=])\s*$")
# A function that a function returns, and one that nobody waits for.
_RETURNED = re.compile(r"(?:=>|\breturn)\s*$")
_LATER = re.compile(r"^(?:setTimeout|setImmediate|setInterval|queueMicrotask|process\.nextTick)$")
_TOLD = re.compile(r"\b(?:done|resolve|reject|next|Wait)\b|<-")
_CHOSEN = re.compile(r"(?:&&|\|\||\band|\bor)\s*$")
_THROWS = re.compile(r"raise|throw")
_TRUE = re.compile(r"\W*(?:True|true|1|not False|!\s*false)\W*")

Absorb = Callable[[Measure, Unit, int], None]


class _Place(NamedTuple):
    """Where a piece of code stands."""

    is_live: bool = True
    """Whether a failed assertion there fails the test."""
    times: int = 1
    """How often loops over tables repeat it."""
    condition: str = ""
    """The `if` around it."""


class Scan:
    """One walk over the code of a unit, in the order in which it runs."""

    def __init__(self, facts: FileFacts, measure: Measure, unit: Unit, absorb: Absorb) -> None:
        self._facts, self._measure, self._unit = facts, measure, unit
        self._absorb = absorb
        self._dialect = facts.outline.dialect
        self._sizes = dict(facts.sizes)
        self._judged = self._plain = 0
        self._words: Counter[str] = Counter()
        self._values = CallValues(facts.outline.text)

    def run(self, times: int) -> None:
        """Fill the measure; `times` says how many cases run the code."""
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
                if id(node) not in self._facts.outline.claimed:
                    is_run = live and self._is_used(node) and not _RETURNED.search(node.before)
                    start = len(self._measure.returns)
                    self._walk(kids, place._replace(is_live=is_run, condition=""))
                    self._measure.leave(start, ("",))
                return False
            case "mark" | "scope":
                return False
            case "condition":
                return self._branch(node, place)
            case "loop":
                self._loop(node, place)
                return False
            case "attempt":
                swallows = any(self._swallows(kid) for kid in kids if kid.role != "call")
                self._walk(kids, place._replace(is_live=live and not swallows))
                return False
            case "context":
                swallows = any(
                    kid.role == "call"
                    and (
                        (_SWALLOWS.search(kid.called) and self._swallows(kid))
                        or kid.called in self._facts.quiet
                    )
                    for kid in kids
                )
                plain = self._plain
                has_ended = self._walk(kids, place._replace(is_live=live and not swallows))
                # The expectation is one; more means that it expects one of the others to fail.
                if _INVERTS.search(node.head) and self._plain > plain + 1:
                    self._measure.skips.append("an expected failure around assertions")
                return has_ended
            case "jump":
                self._walk(kids, place)
                return True
            case "judgement" if live:
                text = node.text.removeprefix("assert").rstrip(";")
                parts = len(re.findall(r"\band\b|&&", bare(text))) + 1
                strength = rank("assert", text, self._dialect)
                first = (split(text) or [""])[0]
                if "!=" not in first and self._values.is_repeated(first, node.start):
                    strength = TAUTOLOGY
                self._count(node.text, strength, place, parts)
            case "statement" if live and _PROPERTY.match(node.text):
                self._count(node.text, WEAK, place)
            case "assignment":
                place = place._replace(is_live=live and self._is_called(node))
                self._facts.note(node, self._sizes)
                is_fake = _FAKE.match(node.text) is not None
                if is_fake or (self._unit.kind != "test" and self._replaces(node.text)):
                    self._measure.skips.append(node.text)
                self._values.note(node)
                name = node.text.partition("=")[0].strip()
                if self._dialect.ends.search(name):
                    self._measure.ends.append(name)
            case "call":
                self._call(node, place)
                return False
        return self._walk(kids, place)

    def _count(self, text: str, strength: int, place: _Place, parts: int = 1) -> None:
        self._judged += 1
        self._plain += parts
        self._measure.assertions[bare(text), strength, place.times] += parts

    def _is_used(self, node: Node) -> bool:
        found = self._dialect.declares.match(node.text)
        return found is None or self._is_mentioned(found[found.lastindex or 1])

    def _is_called(self, assignment: Node) -> bool:
        """Say whether a function that gets a name is used."""
        name = re.match(r"(?:let\s+)?([\w$]+)", assignment.text)
        is_function = any(kid.role == "function" for kid in assignment.kids)
        return name is None or not is_function or self._is_mentioned(name[1])

    def _is_mentioned(self, name: str) -> bool:
        if not self._words:
            self._words = Counter(re.findall(r"[\w$]+", self._unit.node.text))
        return self._words[name] > 1

    def _replaces(self, assignment: str) -> bool:
        """Say whether an assignment outside functions takes tests away."""
        name = re.match(r"(?:del\s+)?([\w.]*)", assignment)
        test = self._facts.outline.units.get(
            f"{self._unit.name}::{name[1].replace('.', '::')}" if name else ""
        )
        is_switch = _SWITCH.match(assignment) is not None and self._facts.is_skip(assignment)
        return is_switch or (test is not None and test.kind == "test")

    def _swallows(self, node: Node) -> bool:
        if node.role not in {"handler", "call"}:
            is_final = node.before.rstrip(": {\t\n").endswith("finally")
            return is_final and any(_jumps(node))
        if not self._dialect.broad.search(node.head if node.role == "handler" else node.text):
            return False
        if node.role == "call" and not node.called.endswith("catch"):
            return True
        body = node.arguments if node.role == "call" else node.text[len(node.head) :]
        return not _RAISES.search(bare(body))

    def _branch(self, node: Node, place: _Place) -> bool:
        test = re.sub(r"^(?:el|else )?(?:if|while)\b|:$", "", bare(node.head))
        test = test.rpartition(";")[2].strip("() ")
        is_true = _TRUE.fullmatch(test) is not None
        is_never = test != "" and not is_true and _CONSTANT.fullmatch(test) is not None
        has_ended = False
        gains = []
        for number, kid in enumerate(node.kids):
            plain = self._plain
            live = place.is_live and not (is_never and number == 0)
            before = self._measure.total
            ended = self._visit(kid, place._replace(is_live=live, condition=node.head))
            gains.append(self._plain - plain)
            if ended and live and kid.role in {"block", "jump"}:
                has_ended = has_ended or is_true
                code = next(jump.text for jump in _jumps(kid))
                if not is_true and self._measure.total == before and not _THROWS.match(code):
                    self._measure.returns.append((before, code))
        if not place.condition and not is_true and sum(gain > 0 for gain in gains) == 1:
            self._measure.conditional += sum(gains)
        return has_ended

    def _loop(self, node: Node, place: _Place) -> None:
        found = _ITERATED.search(node.head)
        self._repeat(node, node.head[found.end() :] if found else "", place)

    def _repeat(self, node: Node, table: str, place: _Place) -> None:
        size = count_elements(table, self._sizes)
        before = self._judged
        start = len(self._measure.returns)
        times = min(place.times * (size or 1), MOST)
        self._walk(node.kids, place._replace(is_live=place.is_live and size != 0, times=times))
        self._measure.leave(start, ("continue", "break"))
        if size is not None and (self._judged > before or size == 0):
            self._measure.tables.append(size)

    def _call(self, node: Node, place: _Place) -> None:
        called = node.called
        if id(node) in self._facts.outline.claimed:
            self._judged += 1
            return
        full = called if node.link is None else f"{node.root.called}().{called}"
        before, kids = self._judged, node.kids
        marker = node.text if called.endswith(("add_marker", "applymarker")) else called
        if id(node) in self._facts.outline.suites:
            kids = node.kids[1:] if node.link is not None else kids
        elif self._facts.is_skip(marker):
            self._measure.skips.append(f"{called} if" if place.condition else called)
        elif self._dialect.ends.search(full) and "__name__" not in place.condition:
            self._measure.ends.append(called)
        elif place.is_live:
            self._judge(node, called, place)
        swallows = _SWALLOWS.search(called) is not None and self._swallows(node)
        swallows = swallows or self._is_left(node, called)
        inner = place._replace(is_live=place.is_live and not swallows)
        if called.endswith(("forEach", ".map")):
            table = next((kid.start for kid in node.kids if kid.role == "function"), node.end)
            self._repeat(node, node.text[: table - node.start].rpartition(".")[0], inner)
        else:
            self._walk(kids, inner)
        if called.endswith(".Run") and self._judged == before and place.is_live:
            self._count(node.text, WEAK, place)

    def _is_left(self, node: Node, called: str) -> bool:
        """Say whether the test ends without what a call runs."""
        is_page = node.root.called.startswith("cy.")  # Cypress waits for its commands
        is_later = any(kid.role == "function" for kid in node.kids) and (
            _LATER.match(called)
            or (called.endswith("then") and not _WAITED.search(node.before))
            or re.search(r"\bgo\s+$", node.before)
        )
        return bool(is_later) and not is_page and not _TOLD.search(bare(self._unit.node.text))

    def _judge(self, node: Node, called: str, place: _Place) -> None:
        root = node.root
        is_lost = bool(_PROMISED.search(called)) and not _WAITED.search(node.before)
        helper = self._facts.outline.functions.get(re.split(r"[.:]", called)[-1])
        if helper is not None and helper is not self._unit:
            self._absorb(self._measure, helper, place.times)
            self._judged += 1
        elif root is not node and _ROOTS.search(root.called) and not _WORDING.search(called):
            self._measure.conditional += _CHOSEN.search(node.before) is not None
            strength = rank(called, node.arguments, self._dialect, subject=root.arguments)
            compared = f"{root.arguments} == {node.arguments}"
            is_lost |= "not" not in called and self._values.is_repeated(compared, node.start)
            self._count(node.text, TAUTOLOGY if is_lost else strength, place)
        elif _FAILS.search(called):
            condition = place.condition.rpartition(";")[2].removeprefix("if").rstrip(" {")
            is_repeated = "!=" in condition and self._values.is_repeated(condition, node.start)
            strength = TAUTOLOGY if is_repeated else rank_condition(place.condition)
            self._count(place.condition + node.text, strength, place)
            self._plain -= 1  # its condition is what it asserts
        elif self._dialect.asserts.search(called) and not _ROOTS.search(called):
            self._measure.conditional += _CHOSEN.search(node.before) is not None
            strength = rank(called, node.arguments, self._dialect)
            values = [part for part in split(node.arguments) if part != "t"][:2]
            is_equal = re.search("[nN]ot|_ne", called) is None
            is_lost |= is_equal and self._values.is_repeated(" == ".join(values), node.start)
            self._count(node.text, TAUTOLOGY if is_lost else strength, place)


def _jumps(node: Node) -> Iterator[Node]:
    """Return a node and what is in it, as far as it is a jump."""
    if node.role == "jump":
        yield node
    elif node.role != "function":
        for kid in node.kids:
            yield from _jumps(kid)
