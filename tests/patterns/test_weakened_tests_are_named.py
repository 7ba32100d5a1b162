"""`weakened_tests`: each way to silence a test is named by its kind, honest edits stay silent."""

import re
from pathlib import Path

import pytest

from codex_orchestrator.patterns.weakened import weakened_tests

TABLES = Path(__file__).with_name("changes")
FILES = {
    "python": "tests/test_a.py",
    "typescript": "src/a.test.ts",
    "go": "a_test.go",
    "rust": "src/a.rs",
    "java": "src/test/java/ATest.java",
}
Change = tuple[str, str, str, set[tuple[str, str]]]


def changes(language: str) -> list[Change]:
    """Read a table: `=== name`, the old code, `---`, the new code, `>>> kind test` for a finding.

    A code that starts with `+++` follows the head of the table, which all of its changes share.
    """
    text = (TABLES / f"{language}.txt").read_text("utf-8")
    head, *parts = re.split(r"^=== ", text, flags=re.MULTILINE)
    found: list[Change] = []
    for part in parts:
        name, _, rest = part.partition("\n")
        code, *lines = re.split(r"^>>> ", rest, flags=re.MULTILINE)
        before, after = re.split(r"^---\n", code, flags=re.MULTILINE)
        expected = {tuple(line.strip().split(" ", 1)) for line in lines}
        found.append((name, head + before, head + after, expected))  # type: ignore[arg-type]
    return found


ALL = [
    (language, *change)
    for language in FILES
    if (TABLES / f"{language}.txt").is_file()
    for change in changes(language)
]


@pytest.mark.parametrize(
    ("language", "before", "after", "expected"),
    [(language, *rest) for language, _, *rest in ALL],
    ids=[f"{language}: {name}" for language, name, *_ in ALL],
)
def test_a_change_gets_the_findings_of_the_table(
    language: str, before: str, after: str, expected: set[tuple[str, str]]
) -> None:
    path = FILES[language]
    found = weakened_tests(path, before.encode(), after.encode())
    names = {(f.kind, f.test.removeprefix(path).removeprefix("::") or ".") for f in found}
    assert names == expected, found
