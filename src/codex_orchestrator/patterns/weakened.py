"""What a change takes from tests, read from their syntax: nothing is run.

A finding here is no proof of bad intent, and silence is no proof that a test still judges. A new
expected value is an honest change of behaviour, so it is not reported.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from codex_orchestrator.patterns.bodies import body_of, forgets, has_only, is_empty, is_lazy
from codex_orchestrator.patterns.dialects import DIALECTS
from codex_orchestrator.patterns.file_facts import Measure
from codex_orchestrator.patterns.files import SkipFile
from codex_orchestrator.patterns.languages import language_of
from codex_orchestrator.patterns.losses import Kind, compare_assertions, fewer_cases, new_skip
from codex_orchestrator.patterns.measures import Measuring
from codex_orchestrator.patterns.outlines import Outline, Unit
from codex_orchestrator.patterns.stand_ins import stand_ins
from codex_orchestrator.patterns.test_code import is_test_code
from codex_orchestrator.text.shown import counted, one_line

_MOST_ERRORS = 100


class WeakenedTest(NamedTuple):
    """One thing that a change takes from a test.

    Args:
        test: `path::Class::name`, or the file's path for what concerns all of it.
        line: the line in the new file, from 1; 0 when the test is gone.
        kind: what kind of thing.
        message: what it is, in one line.
    """

    test: str
    line: int
    kind: Kind
    message: str


def weakened_tests(
    path: str, before: bytes | None, after: bytes | None, *, holds_tests: bool = False
) -> tuple[WeakenedTest, ...]:
    """Say what a change to one file takes from the tests in it.

    Args:
        path: the file, relative to the repository; its suffix says the language.
        before: its content before the change; None if there was none.
        after: its content after the change; None if it is gone.
        holds_tests: whether tests were run from it, whatever its name.

    Returns:
        What was found, in order of place; nothing for a file of another language.

    Raises:
        MissingExtraError: the parser is not installed.
    """
    language = language_of(path)
    if before == after or language not in DIALECTS:
        return ()
    if not (holds_tests or is_test_code(path, before) or language == "rust"):
        return ()
    try:
        old, new = Outline(path, before or b""), Outline(path, after or b"")
        found = list(_Comparison(old, new).findings())
    except (SkipFile, RecursionError) as error:
        message = f"its tests cannot be compared: {error}"
        found = [WeakenedTest(path, 0, "unreadable", message)]
    if after is None:
        found = [f._replace(message="the file is gone") for f in found if f.kind == "removed"]
    return tuple(
        f._replace(test=one_line(f.test, limit=None), message=one_line(f.message))
        for f in sorted(found, key=lambda f: f.line)
    )


class _Comparison:
    def __init__(self, old: Outline, new: Outline) -> None:
        self._old, self._new = old, new
        self._old_measures, self._new_measures = Measuring(old), Measuring(new)
        self._is_same_ground = self._old_measures.facts == self._new_measures.facts

    def findings(self) -> Iterator[WeakenedTest]:
        unreadable = list(self._unreadable())
        yield from unreadable
        yield from self._gone()
        for name, line, code in stand_ins(self._old, self._new):
            yield WeakenedTest(name, line, "skipped", f"judges something else now: {code}")
        units = [
            unit
            for unit in self._new.units.values()
            if not (self._is_same(unit) or self._new.is_product(unit))
        ]
        for unit in units:
            self._new_measures.measure(unit)
        for unit in units:
            # The tests of the file tell of a function already when they call it.
            if unit.name in self._new_measures.called or unit.name in {f.test for f in unreadable}:
                continue
            known = self._old.units.get(unit.name)
            known = known if known is not None and known.kind == unit.kind else None
            for kind, message in self._compare(known, unit):
                yield WeakenedTest(unit.name, unit.node.line, kind, message)

    def _is_same(self, unit: Unit) -> bool:
        known = self._old.units.get(unit.name)
        return (
            self._is_same_ground
            and known is not None
            and unit.kind != "file"
            and (known.kind, known.marks, known.node.text)
            == (unit.kind, unit.marks, unit.node.text)
        )

    def _unreadable(self) -> Iterator[WeakenedTest]:
        known = {error.text for error in self._old.errors}
        named: set[str] = set()
        for error in self._new.errors[:_MOST_ERRORS]:
            if error.text in known:
                continue
            units = reversed(self._new.units.values())
            around = (unit for unit in units if unit.node.start <= error.start < unit.node.end)
            unit = next(around, self._new.units[self._new.path])
            name = unit.name
            if name not in named and not self._new.is_product(unit):
                named.add(name)
                message = "a syntax error: what stands here is not compared"
                yield WeakenedTest(name, error.line, "unreadable", message)

    def _gone(self) -> Iterator[WeakenedTest]:
        bodies: dict[str, Unit] = {}
        for unit in self._new.tests():
            if unit.name not in self._old.units:
                bodies.setdefault(body_of(unit), unit)
        for unit in self._old.tests():
            now = self._new.units.get(unit.name)
            if now is not None and now.kind == "test":
                continue
            other = bodies.pop(body_of(unit), None)
            if now is not None:
                yield WeakenedTest(
                    unit.name, now.node.line, "removed", "is not collected as a test any more"
                )
            elif other is not None and self._is_moved(unit, other):
                continue
            elif other is not None:
                message = f"has the name {other.name} now"
                yield WeakenedTest(unit.name, other.node.line, "renamed", message)
            else:
                yield WeakenedTest(unit.name, 0, "removed", "the test is gone")
        hidden = Counter(unit.name for unit in self._old.hidden)
        for name, count in (Counter(unit.name for unit in self._new.hidden) - hidden).items():
            line = self._new.units[name].node.line
            message = f"{counted(count, 'earlier test')} of this name never run"
            yield WeakenedTest(name, line, "removed", message)

    def _is_moved(self, old: Unit, new: Unit) -> bool:
        """Say whether a test has the same name in a class that runs its tests."""
        scope = self._new.units.get(new.name.rpartition("::")[0])
        skips = self._new_measures.measure(scope).skips if scope is not None else []
        skips = skips + self._new_measures.measure(new).skips
        return bool(old.node.name) and old.node.name == new.node.name and not skips

    def _compare(self, old: Unit | None, new: Unit) -> Iterator[tuple[Kind, str]]:
        after = self._new_measures.measure(new)
        before = self._old_measures.measure(old) if old is not None else Measure()
        if has_only(new) and not (old is not None and has_only(old)):
            yield "only", "the other tests of the file do not run"
        if new.name == f"{self._new.path}::TestMain" and self._new.language == "go":
            if forgets(new, after) and not (old is not None and forgets(old, before)):
                yield "returns-early", "does not run the tests, or forgets how they ended"
            return
        if ends := Counter(after.ends) - Counter(before.ends):
            yield "returns-early", f"ends the process of the test runner: {', '.join(ends)}"
        if old is None and new.kind != "file":
            return
        skips = new_skip(before.skips, after.skips)
        if skips:
            yield "skipped", f"is skipped, or its failure does not count: {skips}"
        if new.kind == "scope" or old is None:
            return
        is_emptied = new.kind != "file" and is_empty(new) and not is_empty(old)
        if is_emptied and not skips:
            yield "emptied", "the body does nothing"
        elif new.kind == "test" and is_lazy(new) and not is_lazy(old):
            yield "emptied", "a coroutine or generator: calling it does not run its body"
        if after.early_returns > before.early_returns:
            yield "returns-early", "returns before its assertions"
        fewer = fewer_cases(before.tables, after.tables)
        if fewer:
            yield "parameters-removed", fewer
        if not (skips or is_emptied or fewer):
            yield from compare_assertions(before, after)
