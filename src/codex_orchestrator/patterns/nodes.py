"""The nodes of a syntax tree that mean something to a test, and the names of calls."""

import re

_CALLED = re.compile(
    r"\s*(?:([\w:]+)!\s*[(\[{]|(\((?:[^()]|\([^()]*\))*\)(?=\s*\())\s*\(|([^(`]*?)(?:<[^(`]*>)?[(`])"
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
    def before(self) -> str:
        """The end of the code in front of this node."""
        return self._source[max(self.start - 80, 0) : self.start]

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
        name = (found[1] or found[2] or found[3]) if found else ""
        return name if name.startswith("(") else re.sub(r"[\s?]+", "", name).lstrip(".")
