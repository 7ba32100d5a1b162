"""Sizes that keep every module and function readable at one sitting."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

MODULE_LINES = 300
FUNCTION_LINES = 60
MEDIAN_LINES = 100


def sources(root: Path) -> list[Path]:
    return sorted((root / "src").rglob("*.py"))


def length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.name}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_no_module_is_longer_than_300_lines(root: Path) -> None:
    long = {str(path): length(path) for path in sources(root) if length(path) > MODULE_LINES}
    assert not long, "which two ideas live in each?"


def test_no_function_is_longer_than_60_lines(root: Path) -> None:
    sizes = [found for path in sources(root) for found in functions(path)]
    assert len(sizes) > 100, "the sources were not found"
    assert not [size for size in sizes if size[1] > FUNCTION_LINES]


def test_the_median_module_stays_under_100_lines(root: Path) -> None:
    sizes = [length(path) for path in sources(root)]
    assert statistics.median(sizes) < MEDIAN_LINES
