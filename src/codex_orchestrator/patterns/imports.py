"""Additions that a Python codemod needs: imports, and one statement below them.

The file's syntax tree says where they go: after docstring and `__future__`, without a second import
of the same name, and never where the name already means something else.
"""

import ast
import warnings
from typing import NamedTuple

from codex_orchestrator.patterns.files import SkipFile

_Import = ast.Import | ast.ImportFrom


class Insertion(NamedTuple):
    """Text to put in at an offset, counted in characters."""

    offset: int
    text: str


def parse_python(text: str) -> ast.Module | None:
    """Parse Python with the running interpreter; None when that fails."""
    tree = _compiled(text, ast.PyCF_ONLY_AST)
    return tree if isinstance(tree, ast.Module) else None


def compiles(text: str) -> bool:
    """Say whether the running interpreter can compile a text. Nothing is run."""
    return _compiled(text, 0) is not None


def _compiled(text: str, flags: int) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return compile(text, "text", "exec", flags, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def plan_additions(
    text: str, *, imports: tuple[str, ...], statement: str, first_use: int
) -> list[Insertion]:
    """Plan what must be inserted so that the imports and the statement are there.

    Args:
        text: the file before the codemod's own edits.
        imports: statements such as `import logging` or `from datetime import timezone`.
        statement: one assignment to put below the imports, or "".
        first_use: offset of the first place that needs them.

    Raises:
        SkipFile: a name is taken by something else, or is needed above the imports.
    """
    tree = parse_python(text)
    if tree is None:
        raise SkipFile("not Python that this interpreter can parse; imports cannot be placed")
    source = _Source(text, tree)
    planned = [found for wanted in imports if (found := _plan_import(source, wanted)) is not None]
    if statement and (found := _plan_statement(source, statement)) is not None:
        planned.append(found)
    if any(insertion.offset > first_use for insertion in planned):
        raise SkipFile("the name would be used above the imports")
    return planned


class _Source:
    """A file's text with its tree, and how lines relate to offsets."""

    def __init__(self, text: str, tree: ast.Module) -> None:
        self.text = text
        self.body = tree.body
        self.tree = tree
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.starts = [0]
        for line in text.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        first = 1 if ast.get_docstring(tree, clean=False) is not None else 0
        while first < len(self.body) and _is_future(self.body[first]):
            first += 1
        self.prologue = first

    def before(self, node: ast.stmt) -> int:
        """Return the offset of the line that a statement starts on, decorators included."""
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        return self.starts[min([node.lineno, *(found.lineno for found in decorators)]) - 1]

    def after(self, node: ast.stmt) -> int:
        """Return the offset behind the line that a statement ends on."""
        return min(self.starts[_end_line(node)], len(self.text))

    def at(self, line: int, column_bytes: int) -> int:
        """Return the offset of a column that the tree counts in UTF-8 bytes."""
        start = self.starts[line - 1]
        row = self.text[start : self.starts[line] - 1]
        return start + len(row.encode("utf-8")[:column_bytes].decode("utf-8"))

    def line(self, offset: int, code: str, *, is_block: bool = False) -> Insertion:
        """Plan code as lines of their own; a block gets an empty line above and below."""
        text = code + self.newline
        if offset > 0 and self.text[offset - 1] != "\n":
            text = self.newline + text.removesuffix(self.newline)
        if is_block and offset > 0:
            text = self.newline + text
        rest = self.text[offset:].lstrip(" \t")
        if is_block and rest and not rest.startswith(("\n", "\r\n")):
            text += self.newline
        return Insertion(offset, text)


def _plan_import(source: _Source, wanted: str) -> Insertion | None:
    statement = ast.parse(wanted).body[0]
    if not isinstance(statement, _Import):
        raise SkipFile(f"{wanted!r} is not an import")
    alias = statement.names[0]
    name = alias.asname or alias.name.split(".")[0]
    same = [node for node in source.body if isinstance(node, _Import) and _gives(node, statement)]
    if _is_bound(source, name, as_wanted=len(same)):
        return None
    if isinstance(statement, ast.ImportFrom):
        sibling = _sibling(source, statement)
        if sibling is not None:
            last = sibling.names[-1]
            offset = source.at(last.end_lineno or 0, last.end_col_offset or 0)
            return Insertion(offset, f", {alias.name}")
    return _place_import(source, wanted, statement)


def _gives(node: _Import, wanted: _Import) -> bool:
    """Say whether a top-level import already brings the wanted name."""
    name = (wanted.names[0].name, wanted.names[0].asname)
    return _origin(node) == _origin(wanted) and any(
        (alias.name, alias.asname) == name for alias in node.names
    )


def _origin(node: _Import) -> tuple[str | None, int] | None:
    return (node.module, node.level) if isinstance(node, ast.ImportFrom) else None


def _sibling(source: _Source, wanted: ast.ImportFrom) -> ast.ImportFrom | None:
    """Find an import of the same module that can take one more name."""
    for node in source.body:
        if (
            isinstance(node, ast.ImportFrom)
            and _origin(node) == _origin(wanted)
            and node.names[0].name != "*"
        ):
            return node
    return None


def _place_import(source: _Source, wanted: str, statement: _Import) -> Insertion:
    block: list[_Import] = []
    for node in source.body[source.prologue :]:
        if not isinstance(node, _Import):
            break
        block.append(node)
    key = _sort_key(statement)
    for node in block:
        if node.col_offset == 0 and _sort_key(node) > key:
            return source.line(source.before(node), wanted)
    if block and _ends_its_line(source, block[-1]):
        return source.line(source.after(block[-1]), wanted)
    if block:
        return source.line(source.before(block[0]), wanted)
    if source.prologue:
        previous = source.body[source.prologue - 1]
        if not _ends_its_line(source, previous):
            raise SkipFile("there is no line for an import")
        return source.line(source.after(previous), wanted, is_block=True)
    if not source.body:
        raise SkipFile("there is no code")
    offset = source.before(source.body[0])
    return Insertion(offset, wanted + source.newline + source.newline)


def _plan_statement(source: _Source, code: str) -> Insertion | None:
    wanted = ast.parse(code).body[0]
    if not isinstance(wanted, ast.Assign) or not isinstance(wanted.targets[0], ast.Name):
        raise SkipFile(f"{code!r} is not an assignment to a name")
    name = wanted.targets[0].id
    code_of = ast.dump(wanted)
    same = [n for n in source.body if isinstance(n, ast.Assign) and ast.dump(n) == code_of]
    if _is_bound(source, name, as_wanted=len(same)):
        return None
    last: ast.stmt | None = None
    for position, node in enumerate(source.body):
        if isinstance(node, _Import) or position < source.prologue:
            last = node
        elif not _only_imports(node):
            break
        else:
            last = node
    if last is None:
        # The import goes before the first statement, so this follows it there.
        return Insertion(source.before(source.body[0]), code + source.newline + source.newline)
    if not _ends_its_line(source, last):
        raise SkipFile("there is no line for a statement below the imports")
    return source.line(source.after(last), code, is_block=True)


def _only_imports(node: ast.stmt) -> bool:
    """Say whether a compound statement only imports (version and type guards)."""
    inner: list[ast.stmt] = []
    if isinstance(node, ast.If):
        inner = [*node.body, *node.orelse]
    elif isinstance(node, ast.Try):
        inner = [*node.body, *node.orelse, *node.finalbody]
        inner += [stmt for handler in node.handlers for stmt in handler.body]
    return any(isinstance(stmt, _Import) for stmt in inner) and all(
        isinstance(stmt, _Import | ast.Pass | ast.Assign) for stmt in inner
    )


def _is_bound(source: _Source, name: str, *, as_wanted: int) -> bool:
    """Say whether a name has its meaning already, in `as_wanted` places.

    Raises:
        SkipFile: another place, in any scope, gives it a meaning too.
    """
    count = 0
    for node in ast.walk(source.tree):
        match node:
            case ast.alias():
                count += (node.asname or node.name.split(".")[0]) == name
            case ast.Name(ctx=ast.Store() | ast.Del()):
                count += node.id == name
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                count += node.name == name
            case ast.arg():
                count += node.arg == name
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
                count += node.name == name
            case ast.MatchMapping():
                count += node.rest == name
            case ast.Global() | ast.Nonlocal():
                count += name in node.names
    if count > as_wanted:
        raise SkipFile(f"the name {name!r} is already used for something else")
    return as_wanted > 0


def _ends_its_line(source: _Source, node: ast.stmt) -> bool:
    """Say whether no other statement follows on the line that a statement ends on."""
    following = source.body[source.body.index(node) + 1 :]
    return not following or following[0].lineno > _end_line(node)


def _sort_key(node: _Import) -> tuple[bool, int, str]:
    if isinstance(node, ast.ImportFrom):
        return (True, node.level, (node.module or "").casefold())
    return (False, 0, node.names[0].name.casefold())


def _end_line(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
