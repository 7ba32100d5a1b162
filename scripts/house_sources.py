"""What the sources of a checkout say about themselves, read from their syntax; nothing is run.

The package is the one folder in `src/` that has an `__init__.py`. Names of modules are those below
it, such as `guard.case`.
"""

import ast
import builtins
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Modules = Mapping[str, "Module"]

_STARTS_A_PROCESS = (
    "asyncio.create_subprocess_",
    "os.exec",
    "os.popen",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "shutil.which",
    "subprocess.",
)
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


class Sized(NamedTuple):
    """Something that has a name and a size: a module, a function, a class."""

    name: str
    size: int


class Module:
    """One source file: its name, its path below the package, its text and its syntax tree."""

    def __init__(self, package: Path, path: Path) -> None:
        self.path = path.relative_to(package).as_posix()
        self.is_package = path.name == "__init__.py"
        parts = [package.name, *self.path.removesuffix(".py").split("/")]
        self.name = ".".join(parts[:-1] if self.is_package else parts)
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text, str(path))

    @property
    def length(self) -> int:
        """Number of lines."""
        return len(self.text.splitlines())

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the syntax tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def classes(self) -> list[ast.ClassDef]:
        """Every class that is defined here, nested ones included."""
        return [node for node in self.nodes if isinstance(node, ast.ClassDef)]

    @cached_property
    def _origins(self) -> dict[str, str]:
        """The full name of each imported or defined name: `P` after `import Protocol as P`."""
        found = {node.name: f"{self.name}.{node.name}" for node in self.classes}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    found[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return found

    def origin(self, node: ast.AST) -> str:
        """Return the full name of what an expression names, aliases resolved; "" if it is none."""
        if isinstance(node, ast.Name):
            return self._origins.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.origin(node.value)}.{node.attr}"
        if isinstance(node, ast.Subscript):
            return self.origin(node.value)
        return self.origin(node.func) if isinstance(node, ast.Call) else ""


def read_modules(root: Path) -> dict[str, Module]:
    """Return the modules of the package in `ROOT/src`, by name."""
    (package,) = (path.parent for path in (root / "src").glob("*/__init__.py"))
    modules = [Module(package, path) for path in sorted(package.rglob("*.py"))]
    return {module.name: module for module in modules}


def count_code_lines(module: Module) -> int:
    """Count lines that are not blank, less those of docstrings, comments and import statements.

    A docstring counts with its full height, so a blank line in it is taken off twice; the bound in
    `budgets.toml` was set with this count. A comment behind code takes no line off, and text that
    is no docstring is code, its `#` lines included.
    """
    apart = 0
    for node in module.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            apart += _height(node)
        elif isinstance(node, ast.Module | ast.ClassDef | FunctionNode):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                apart += _height(first) if isinstance(first.value.value, str) else 0
    comments = sum(
        token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip()
        for token in _tokens(module)
    )
    return sum(bool(line.strip()) for line in module.text.splitlines()) - apart - comments


def count_lines_with_code(module: Module) -> int:
    """Count lines that hold code, imports included: every line of a token, docstrings apart."""
    lines = {
        line
        for token in _tokens(module)
        if token.type not in _NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in module.nodes:
        if isinstance(node, ast.Module | ast.ClassDef | FunctionNode) and ast.get_docstring(node):
            lines -= set(range(node.body[0].lineno, node.body[0].lineno + _height(node.body[0])))
    return len(lines)


def functions_of(module: Module) -> Iterator[Sized]:
    """Return every function with its number of lines, decorators apart, nested ones included."""
    for node in module.nodes:
        if isinstance(node, FunctionNode):
            yield Sized(f"{module.path} {node.name}", _height(node))


def imports_of(module: Module, modules: Modules, *, in_functions: bool) -> set[str]:
    """Return which modules of the package a module imports at run time.

    Imports for type checkers do not count; those inside functions only with `in_functions`.
    """
    return {
        name
        for node in _executed(module, in_functions=in_functions)
        for name in _imported(node)
        if name in modules and name != module.name
    }


def import_closure(start: str, modules: Modules) -> list[Module]:
    """Return what importing a module loads: itself and all that is imported outside functions.

    The `__init__.py` of a package is followed and not counted.
    """
    seen: set[str] = set()
    waiting = {start}
    while waiting:
        name = waiting.pop()
        seen.add(name)
        parents = {name.rsplit(".", count)[0] for count in range(1, name.count(".") + 1)}
        found = imports_of(modules[name], modules, in_functions=False) | (parents & modules.keys())
        waiting |= found - seen
    return [modules[name] for name in sorted(seen) if not modules[name].is_package]


def import_circles(modules: Modules) -> list[tuple[str, ...]]:
    """Return the sets of modules that import each other in a circle, also inside functions."""
    direct = {
        name: imports_of(module, modules, in_functions=True) for name, module in modules.items()
    }
    reached = {name: _reach(name, direct) for name in modules}
    circles = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in modules
        if name in reached[name]
    }
    return sorted(circles)


def protocols(modules: Modules) -> list[str]:
    """Return the full names of the classes that list `Protocol` among their bases."""
    return [
        f"{module.name}.{node.name}"
        for module in modules.values()
        for node in module.classes
        if any(module.origin(base) == "typing.Protocol" for base in node.bases)
    ]


def exceptions(modules: Modules) -> set[str]:
    """Return the full names of the classes that are exceptions, by whatever way down."""
    bases = {
        f"{module.name}.{node.name}": {module.origin(base) for base in node.bases}
        for module in modules.values()
        for node in module.classes
    }
    found = {name for name, value in vars(builtins).items() if _is_exception(value)}
    while more := {name for name in bases.keys() - found if bases[name] & found}:
        found |= more
    return found & bases.keys()


def starts_git(module: Module) -> bool:
    """Say whether a module starts git: a command here begins with it.

    A command is a list or tuple, or what is handed to `subprocess`, `os`, `asyncio` or
    `shutil.which` as a program; its first word is git by literal or by a name given to that
    literal here. A list of words that happens to begin with "git" counts too: order it otherwise.
    """
    constants = _constants(module)

    def is_git(node: ast.AST | None) -> bool:
        value = constants.get(node.id) if isinstance(node, ast.Name) else node
        if isinstance(value, ast.JoinedStr):
            value = value.values[0] if value.values else None
        text = value.value if isinstance(value, ast.Constant) else ""
        words = text.decode("latin-1") if isinstance(text, bytes) else text
        return isinstance(words, str) and words.strip() != "" and _program(words) == "git"

    for node in module.nodes:
        if isinstance(node, ast.List | ast.Tuple) and node.elts and is_git(node.elts[0]):
            return True
        if isinstance(node, ast.Call) and module.origin(node).startswith(_STARTS_A_PROCESS):
            given = [*node.args, *(key.value for key in node.keywords)]
            if any(is_git(argument) for argument in given):
                return True
    return False


def matches_globs(module: Module) -> bool:
    """Say whether a module decides itself what a glob means.

    It compares something with `**`, imports `fnmatch` or `glob`, or calls `full_match`.
    """
    for node in module.nodes:
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant) and side.value == "**" for side in sides):
                return True
        elif isinstance(node, ast.MatchValue) and isinstance(node.value, ast.Constant):
            if node.value.value == "**":
                return True
        elif isinstance(node, ast.Import | ast.ImportFrom):
            if {name.partition(".")[0] for name in _imported(node)} & {"fnmatch", "glob"}:
                return True
        elif isinstance(node, ast.Attribute) and node.attr == "full_match":
            return True
    return False


def shapes(modules: Modules) -> list[Sized]:
    """Return how many fields each NamedTuple and dataclass has, those of its bases included.

    For other classes it is the number of arguments that their own `__init__` takes.
    """
    table = {
        f"{module.name}.{node.name}": (module, node)
        for module in modules.values()
        for node in module.classes
    }
    return [Sized(node.name, _width(module, node, table)) for module, node in table.values()]


def _height(node: ast.stmt | ast.expr) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _tokens(module: Module) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(module.text).readline)


def _executed(module: Module, *, in_functions: bool) -> Iterator[ast.AST]:
    """Return the nodes that run: what stands below `if TYPE_CHECKING` does not."""
    waiting: list[ast.AST] = [module.tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, FunctionNode | ast.Lambda) and not in_functions:
            continue
        inside: Iterable[ast.AST] = ast.iter_child_nodes(node)
        if isinstance(node, ast.If):
            is_negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
            test = node.test.operand if isinstance(node.test, ast.UnaryOp) else node.test
            if module.origin(test) == "typing.TYPE_CHECKING":
                inside = node.body if is_negated else node.orelse
        waiting += inside


def _imported(node: ast.AST) -> set[str]:
    """Return every name that an import statement may mean: `from a import b` is a or a.b."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return set()


def _reach(start: str, direct: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = set(direct[start])
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting |= direct[name] - seen
    return seen


def _is_exception(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def _constants(module: Module) -> dict[str, ast.expr]:
    """Return the names that are given one value, such as `GIT = "git"`."""
    found: dict[str, ast.expr] = {}
    for node in module.nodes:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            value = getattr(node, "value", None)
            if isinstance(target, ast.Name) and value is not None:
                found[target.id] = value
    return found


def _program(command: str) -> str:
    return command.split(maxsplit=1)[0].rsplit("/", 1)[-1]


def _width(
    module: Module, node: ast.ClassDef, table: Mapping[str, tuple[Module, ast.ClassDef]]
) -> int:
    if not _has_fields(module, node):
        return sum(
            len(part.args.posonlyargs + part.args.args + part.args.kwonlyargs) - 1
            for part in node.body
            if isinstance(part, FunctionNode) and part.name == "__init__"
        )
    fields = sum(
        isinstance(part, ast.AnnAssign)
        and module.origin(part.annotation) not in ("typing.ClassVar", "dataclasses.KW_ONLY")
        for part in node.body
    )
    bases = [table[name] for base in node.bases if (name := module.origin(base)) in table]
    return fields + sum(_width(*base, table) for base in bases if _has_fields(*base))


def _has_fields(module: Module, node: ast.ClassDef) -> bool:
    is_tuple = any(module.origin(base).endswith("typing.NamedTuple") for base in node.bases)
    marks = [module.origin(decorator) for decorator in node.decorator_list]
    return is_tuple or "dataclasses.dataclass" in marks
