"""What one unit of a test file judges, and what the code outside the tests says about them."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from codex_orchestrator.patterns.code_text import bare, count_elements
from codex_orchestrator.patterns.nodes import Node
from codex_orchestrator.patterns.outlines import Outline

_ASSIGNED = re.compile(
    r"(?:(?:let|const|var|mut|static|pub)\s+)*([\w$]+)\b[^=]{0,200}?=(?!=)\s*(.*)", re.DOTALL
)


@dataclass
class Measure:
    """What one unit judges."""

    assertions: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    """By text, strength, and how often a loop over a table repeats it."""
    tables: list[int] = field(default_factory=list)
    """The numbers of cases."""
    conditional: int = 0
    """How many of the assertions stand in one branch of an `if`, and not in the other."""
    skips: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    returns: list[tuple[int, str]] = field(default_factory=list)
    """Early returns: the number of assertions before each, and its code."""

    @property
    def total(self) -> int:
        """The number of assertions that can fail."""
        return sum(count for (_, strength, _), count in self.assertions.items() if strength)

    @property
    def early_returns(self) -> int:
        """The number of returns that leave assertions behind them."""
        return sum(before < self.total for before, _ in self.returns)

    def leave(self, start: int, words: tuple[str, ...]) -> None:
        """Forget those after the first `start` that leave code which asserts nothing more."""
        self.returns[start:] = [
            (before, code)
            for before, code in self.returns[start:]
            if before < self.total or not code.startswith(words)
        ]


class FileFacts:
    """What the code outside the tests of a file says about them."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.sizes: dict[str, int] = {}
        """The numbers of elements of tables, by name."""
        self._skips = set(outline.aliases)
        self.quiet = {
            unit.node.name or unit.name.rpartition("::")[2]
            for unit in outline.units.values()
            if outline.language == "python" and _hides(bare(unit.node.text))
        }
        """The file's own context managers that catch failures."""
        for node in _assignments(outline.root):
            self.note(node, self.sizes)
            found = _ASSIGNED.match(node.text)
            if found and self.is_skip(found[2].split("(")[0]):
                self._skips.add(found[1])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileFacts) and self._key() == other._key()

    __hash__ = None  # type: ignore[assignment]

    def _key(self) -> tuple[object, ...]:
        functions = sorted(unit.node.text for unit in self.outline.functions.values())
        return functions, self._skips, self.sizes, self.quiet

    def note(self, node: Node, sizes: dict[str, int]) -> None:
        """Note the size of a table that gets a name."""
        found = _ASSIGNED.match(node.text)
        if found and (size := count_elements(found[2], {})) is not None:
            sizes[found[1]] = size

    def is_skip(self, text: str) -> bool:
        """Say whether a mark, or the name of a call, keeps a test from judging."""
        words = re.match(r"@?([\w.]+)", text)
        return self.outline.dialect.skips.search(text) is not None or (
            words is not None and words[1] in self._skips
        )


def _hides(code: str) -> bool:
    """Say whether a function or class of Python catches what fails within its `with`."""
    if code.startswith("class"):
        leaves = re.search(r"def __a?exit__", code)
        after = re.compile(r"\breturn (?!None|False)")
        return leaves is not None and after.search(code, leaves.end()) is not None
    return re.search(r"\b(?:except|suppress)\b", code) is not None and "raise" not in code


def _assignments(root: Node) -> Iterator[Node]:
    """Return the assignments outside functions."""
    for node in root.kids:
        if node.role == "assignment":
            yield node
        elif node.role != "function":
            yield from _assignments(node)
