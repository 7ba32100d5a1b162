"""What some codemods should do, said a second time with Python's own syntax trees.

The codemods work on text by ast-grep rules. These rewrites share nothing with them; when both give
the same tree for a real module, neither is wrong alone.
"""

import ast
from typing import NamedTuple


class Rewritten(NamedTuple):
    """A syntax tree after a rewrite, and how many places it changed."""

    tree: ast.Module
    changes: int


def rewritten(source: str, *rewrites: "type[Rewrite]") -> Rewritten:
    """Apply rewrites, one after another, to a module's text."""
    tree = ast.parse(source)
    changes = 0
    for make in rewrites:
        rewrite = make()
        tree = rewrite.visit(tree)
        changes += rewrite.changes
    return Rewritten(tree, changes)


class Rewrite(ast.NodeTransformer):
    """A rewrite that counts its changes."""

    def __init__(self) -> None:
        self.changes = 0


class PrintToLogging(Rewrite):
    """`print` of one to four plain arguments, as a statement, becomes `logger.info`."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        if any(_asks_for_main(one) for one in ast.walk(node)):
            return node
        self.generic_visit(node)
        if self.changes:
            # Where the two new statements go is the codemod's business; that they stand at the
            # top level is compared by `without_logger`.
            node.body += ast.parse("import logging\nlogger = logging.getLogger(__name__)").body
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        self.generic_visit(node)
        match node.value:
            case ast.Call(func=ast.Name("print"), args=[_, *_] as arguments, keywords=[]):
                if len(arguments) > 4 or any(
                    isinstance(one, ast.Starred | ast.GeneratorExp) for one in arguments
                ):
                    return node
                self.changes += 1
                form = [ast.Constant(" ".join(["%s"] * len(arguments)))]
                node.value = ast.Call(
                    func=ast.Attribute(ast.Name("logger", ast.Load()), "info", ast.Load()),
                    args=(form if len(arguments) > 1 else []) + arguments,
                    keywords=[],
                )
        return node


def _asks_for_main(node: ast.AST) -> bool:
    match node:
        case ast.Compare(ast.Name("__name__"), _, [ast.Constant("__main__")]):
            return True
    return False


class NotIn(Rewrite):
    """`not a in b` becomes `a not in b`, and `not a is b` becomes `a is not b`."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.UnaryOp(ast.Not(), ast.Compare(left, [ast.In() | ast.Is() as how], [right])):
                self.changes += 1
                other = ast.NotIn() if isinstance(how, ast.In) else ast.IsNot()
                return ast.Compare(left, [other], [right])
        return node


class ClassObject(Rewrite):
    """`class A(object)` becomes `class A`."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        match node:
            case ast.ClassDef(bases=[ast.Name("object")], keywords=[]):
                self.changes += 1
                node.bases = []
        return node


class SuperNoArgs(Rewrite):
    """`super(A, self)` becomes `super()` in methods of an undecorated class A."""

    def __init__(self) -> None:
        super().__init__()
        self._inside: list[ast.AST] = []

    def generic_visit(self, node: ast.AST) -> ast.AST:
        self._inside.append(node)
        super().generic_visit(node)
        self._inside.pop()
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        match node:
            case ast.Call(ast.Name("super"), [ast.Name(owner), ast.Name(first)], []):
                if self._is_method_of(owner, first):
                    self.changes += 1
                    node.args = []
        return node

    def _is_method_of(self, owner: str, first: str) -> bool:
        scopes = [
            node
            for node in self._inside
            if isinstance(
                node,
                ast.ClassDef
                | ast.FunctionDef
                | ast.Lambda
                | ast.ListComp
                | ast.SetComp
                | ast.DictComp
                | ast.GeneratorExp,
            )
        ]
        match scopes[-2:]:
            case [ast.ClassDef(name=name, decorator_list=[]), ast.FunctionDef() as method]:
                names = [one.arg for one in method.args.posonlyargs + method.args.args]
                return name == owner and names[:1] == [first]
        return False


def same_module(after: str, expected: ast.Module) -> bool:
    """Say whether a module's text is the expected tree, wherever the logger is made."""
    return _without_logger(ast.parse(after)) == _without_logger(expected)


def _without_logger(tree: ast.Module) -> tuple[list[str], list[str]]:
    made = [
        ast.dump(one)
        for one in ast.parse("import logging\nlogger = logging.getLogger(__name__)").body
    ]
    statements = [ast.dump(one) for one in tree.body]
    return (
        [one for one in statements if one not in made],
        sorted(one for one in statements if one in made),
    )


REWRITES: dict[str, type[Rewrite]] = {
    "py-class-object": ClassObject,
    "py-not-in": NotIn,
    "py-print-to-logging": PrintToLogging,
    "py-super-no-args": SuperNoArgs,
}
