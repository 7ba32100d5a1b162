"""Tests that lie where no runner looks, in other languages, or in documentation are judged too."""

import pytest

from codex_orchestrator.patterns.test_code import is_test_code, is_unread_test, lost_examples
from codex_orchestrator.patterns.weakened import weakened_tests

GO_CHECK = """import "testing"

func Check(t *testing.T, a, b int) {{
	if a != b {{
		{}
	}}
}}
"""
HELPERS = {
    "support/asserts.py": (
        "case.assertEqual(got, want)",
        "pass",
        "def check(case, got, want):\n    {}\n",
    ),
    "support/checks.py": (
        "assert got == want",
        "pass",
        "import pytest\n\n\ndef check(got, want):\n    {}\n",
    ),
    "src/check.go": (
        't.Fatal("no")',
        "",
        "package src\n\n" + GO_CHECK,
    ),
    "support/check.js": (
        "expect(got).toBe(want);",
        "",
        "import {{ expect }} from 'vitest';\n\nexport function check(got, want) {{ {} }}\n",
    ),
}


@pytest.mark.parametrize("path", HELPERS)
def test_a_helper_that_imports_a_test_framework_is_judged(path: str) -> None:
    old, new, text = HELPERS[path]
    before, after = text.format(old).encode(), text.format(new).encode()
    assert is_test_code(path, before)
    assert weakened_tests(path, before, after)
    assert not weakened_tests(path, before, before + b"\n\n")


def test_a_file_that_tests_were_run_from_is_judged_whatever_its_name() -> None:
    before, after = b"def test_a():\n    assert f() == 1\n", b"def test_a():\n    f()\n"
    assert weakened_tests("checks/check_a.py", before, after, holds_tests=True)
    assert not weakened_tests("checks/check_a.py", before, after)


@pytest.mark.parametrize(
    "path", ["tests/cases/a.sh", "spec/cart_spec.rb", "tests/CartTest.php", "test/a.bats"]
)
def test_a_test_of_a_language_that_is_not_read_is_known(path: str) -> None:
    assert is_unread_test(path)


@pytest.mark.parametrize(
    "path", ["tests/test_a.py", "scripts/build.sh", "src/latest.rb", "tests/README.md", "a_test.go"]
)
def test_other_files_are_no_unread_tests(path: str) -> None:
    assert not is_unread_test(path)


DOCSTRING = """def f():
    '''F.

    >>> 1 + 1
    2
    >>> f()
    3
    '''
    return 3
"""
RUST = "/// ```\n/// assert_eq!(x::f(), 3);\n/// ```\npub fn f() -> u8 { 3 }\n"


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("src/a.py", DOCSTRING, DOCSTRING.replace(">>> f()", ">>> f()  # doctest: +SKIP")),
        ("src/a.py", DOCSTRING, DOCSTRING.replace("    >>> f()\n    3\n", "")),
        ("src/lib.rs", RUST, RUST.replace("assert_eq!(x::f(), 3)", "x::f()")),
    ],
    ids=["skipped", "removed", "without its assertion"],
)
def test_an_example_of_the_documentation_that_is_not_run_any_more_is_named(
    path: str, before: str, after: str
) -> None:
    assert "are run now" in lost_examples(path, before.encode(), after.encode())


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("src/a.py", DOCSTRING, DOCSTRING.replace("    3\n", "    4\n")),
        ("src/a.py", DOCSTRING, "X = 1\n"),
        ("src/lib.rs", RUST, RUST.replace("3", "4")),
        ("src/lib.rs", RUST, "pub fn g() {}\n"),
    ],
    ids=["another result", "gone with its function", "another result in Rust", "gone in Rust"],
)
def test_other_changes_to_the_documentation_are_no_loss(path: str, before: str, after: str) -> None:
    assert not lost_examples(path, before.encode(), after.encode())


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("greeter.greet = lambda name: name", True),
        ("unittest.TestCase.assertEqual = lambda *a: None", True),
        ("WANT = greeter.greet", False),
        ("WANT.x = 1", False),
    ],
)
def test_a_new_test_file_that_replaces_something_for_all_tests_is_named(
    line: str, is_found: bool
) -> None:
    code = f"import unittest\n\nimport greeter\n\n{line}\n\n\ndef test_z():\n    assert greeter\n"
    assert bool(weakened_tests("tests/test_new.py", None, code.encode())) is is_found
