"""What a unit of a test file judges: by its marks, by its code, and by the functions it calls."""

import math
import re
from collections.abc import Iterable

from codex_orchestrator.patterns.code_text import bare, count_elements, split
from codex_orchestrator.patterns.file_facts import FileFacts, Measure
from codex_orchestrator.patterns.outlines import Outline, Unit
from codex_orchestrator.patterns.scans import MOST, Scan
from codex_orchestrator.patterns.strength import rank_error

_MOST_TEXTS = 100
_TABLE = re.compile(r"parametrize|(?:Value|Csv|Enum)Source\b|\bparams\s*=")
_CASE = re.compile(r"#\[\s*(?:case|test_case)\b")
_WORD = re.compile(r"\w+")


class Measuring:
    """Measures the units of one file."""

    def __init__(self, outline: Outline) -> None:
        self.facts = FileFacts(outline)
        self.called: set[str] = set()
        """The functions of the file that others in it call."""
        self._functions = outline.functions
        self._is_python = outline.language == "python"
        self._known: dict[str, Measure] = {}

    def measure(self, unit: Unit) -> Measure:
        """Return what a unit judges, what the file's functions that it calls judge included."""
        known = self._known.get(unit.name)
        if known is not None:
            return known
        measure = self._known[unit.name] = Measure()
        measure.skips += [mark for mark in unit.marks if self.facts.is_skip(bare(mark) or mark)]
        for mark in unit.marks:
            if _TABLE.search(mark):
                arguments = split(mark.partition("(")[2])
                arguments = arguments[1:2] if "parametrize" in mark else arguments
                measure.tables += self.sizes_of(re.sub(r"^\w+\s*=", "", a) for a in arguments)
            if "should_panic" in mark or re.search(r"@Test\b.*\bexpected\s*=", mark):
                error = mark.partition("=")[2].split(",")[0].strip(" )]")
                measure.assertions[bare(mark), rank_error(error), 1] += 1
            if "MethodSource" in mark:
                name = re.search(r'"(?:.*#)?(\w+)"', mark)
                source = self._functions.get(name[1] if name else unit.node.name)
                built = re.search(
                    r"\b(?:of|asList)\(.*", source.node.text if source else "", re.DOTALL
                )
                measure.tables += self.sizes_of([built[0]] if built else [])
        if cases := sum(_CASE.search(mark) is not None for mark in unit.marks):
            measure.tables.append(cases)
        link = unit.node.link
        if link is not None and link.called.endswith("each"):
            is_text = link.text.endswith("`")
            rows = [link.text.count("\n") - 1] if is_text else self.sizes_of([link.arguments])
            measure.tables += rows
        for helper in self._fixtures(unit):
            self.absorb(measure, helper, 1)
        if unit.body is not None and (unit.kind != "scope" or unit.node.role == "scope"):
            times = min(math.prod(size or 1 for size in measure.tables), MOST)
            expected = measure.total
            Scan(self.facts, measure, unit, self.absorb).run(times)
            if 0 < expected < measure.total:
                measure.skips.append("an expected failure beside assertions")
        return measure

    def _fixtures(self, unit: Unit) -> list[Unit]:
        """Return pytest's fixtures that run for a test, or for all tests of the file."""
        if unit.kind == "file":
            return [helper for helper in self._functions.values() if "autouse" in str(helper.marks)]
        if unit.kind != "test" or not self._is_python:
            return []
        named = _WORD.findall(" ".join([unit.node.head, *unit.marks]))
        return [self._functions[name] for name in dict.fromkeys(named) if name in self._functions]

    def absorb(self, measure: Measure, helper: Unit, times: int) -> None:
        """Add what a function judges to what its caller, or the test that names it, judges."""
        self.called.add(helper.name)
        inner = self.measure(helper)
        measure.skips += inner.skips
        measure.ends += inner.ends
        is_long = len(inner.assertions) > _MOST_TEXTS
        for (code, strength, repeated), count in inner.assertions.items():
            text = helper.node.name if is_long else code
            measure.assertions[text, strength, min(repeated * times, MOST)] += count

    def sizes_of(self, tables: Iterable[str]) -> list[int]:
        """Return the numbers of elements of those tables that are written out in the file."""
        sizes = (count_elements(table, self.facts.sizes) for table in tables)
        return [size for size in sizes if size is not None]
