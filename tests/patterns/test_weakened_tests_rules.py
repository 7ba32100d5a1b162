"""`weakened_tests`: what holds for all tests of a kind, and what hostile files come to."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.patterns.weakened import weakened_tests

PATHS = {
    "python": "tests/test_a.py",
    "typescript": "a.test.ts",
    "go": "a_test.go",
    "rust": "tests/a.rs",
    "java": "ATest.java",
}
HEADS = {"go": "package a\n\n", "java": "class ATest {\n"}
TESTS = {
    "python": ("def test_{}():\n", "\n"),
    "typescript": ('it("{}", async () => {{\n', "});\n"),
    "go": ("func Test{}(t *testing.T) {{\n", "}\n"),
    "rust": ("#[test]\nfn t{}() {{\n", "}\n"),
    "java": ("@Test\nvoid t{}() {{\n", "}\n"),
}
TAILS = {"java": "}\n"}
ASSERTIONS = {
    "python": [
        "assert f({0}) == {0} + 1",
        "assert g({0}) is None, 'a message'",
        'assert "a, (b" in g({0})',
        "with pytest.raises(ValueError): f({0})",
        "mock.assert_called_once_with({0})",
        "self.assertEqual(f({0}), [1, (2, 3)])",
    ],
    "typescript": [
        "expect(f({0})).toBe(2);",
        "await expect(g({0})).resolves.toEqual({{ a: [1, 2] }});",
        'expect(g({0})).not.toContain("it\'s (");',
        "assert.deepStrictEqual(f({0}), [1]);",
        "expect(x{0}).to.be.true;",
        "expect(() => f({0})).toThrow(/no [a-z]+/);",
    ],
    "go": [
        'if got := F({0}); got != 2 {{ t.Errorf("F() = %d (", got) }}',
        "require.NoError(t, G({0}))",
        "assert.Equal(t, []int{{1, 2}}, F({0}))",
        'if diff := cmp.Diff(want, F({0})); diff != "" {{ t.Fatal(diff) }}',
    ],
    "rust": [
        "assert_eq!(f({0}), vec![1, 2]);",
        'assert!(g({0}).is_ok(), "a {{}} (", {0});',
        "assert_ne!(f({0}), 'a' as i32);",
        "assert!(matches!(g({0}), Ok(_)));",
    ],
    "java": [
        "assertEquals(List.of(1, 2), f({0}));",
        'assertThat(g({0})).isNotNull().hasSize(2).contains("a(");',
        "assertThrows(IllegalStateException.class, () -> f({0}));",
        "verify(mock).send({0});",
    ],
}
LANGUAGES = sorted(PATHS)
Bodies = list[list[str]]


def bodies_of(language: str) -> st.SearchStrategy[Bodies]:
    assertion = st.builds(str.format, st.sampled_from(ASSERTIONS[language]), st.integers(1, 99))
    return st.lists(st.lists(assertion, min_size=1, max_size=4), min_size=1, max_size=4)


def source(language: str, bodies: Bodies, *, indent: str = "    ", gap: str = "\n") -> bytes:
    start, end = TESTS[language]
    tests = [
        start.format(chr(ord("A") + number))
        + "".join(f"{indent}{line}\n" for line in ["f(0)" + ";" * (language != "python"), *body])
        + end
        for number, body in enumerate(bodies)
    ]
    return (HEADS.get(language, "") + gap.join(tests) + TAILS.get(language, "")).encode()


@pytest.mark.parametrize("language", LANGUAGES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_each_assertion_that_is_deleted_is_reported(language: str, data: st.DataObject) -> None:
    bodies = data.draw(bodies_of(language))
    test = data.draw(st.integers(0, len(bodies) - 1))
    line = data.draw(st.integers(0, len(bodies[test]) - 1))
    fewer = [list(body) for body in bodies]
    del fewer[test][line]
    found = weakened_tests(PATHS[language], source(language, bodies), source(language, fewer))
    assert [f.kind for f in found] == ["assertion-removed"]
    assert re.search(rf"(::|t|test_|Test){chr(ord('A') + test)}$", found[0].test)


@pytest.mark.parametrize("language", LANGUAGES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_another_layout_and_more_assertions_are_not_reported(
    language: str, data: st.DataObject
) -> None:
    bodies = data.draw(bodies_of(language))
    comment = "# " if language == "python" else "// "
    more = [
        [*body, data.draw(bodies_of(language))[0][0], f"{comment}it's (done"] for body in bodies
    ]
    indent = data.draw(st.sampled_from(["  ", "\t", "        "]))
    after = source(language, more, indent=indent, gap="\n\n\n")
    if data.draw(st.booleans()):
        after = b"\xef\xbb\xbf" + after.replace(b"\n", b"\r\n")
    assert weakened_tests(PATHS[language], source(language, bodies), after) == ()


@pytest.mark.parametrize("language", LANGUAGES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_test_that_is_gone_is_reported_however_many_are_left(
    language: str, data: st.DataObject
) -> None:
    bodies = data.draw(bodies_of(language))
    fewer = bodies[:-1]
    found = weakened_tests(PATHS[language], source(language, bodies), source(language, fewer))
    assert [f.kind for f in found] == ["removed"]


@pytest.mark.parametrize("language", LANGUAGES)
@given(before=st.binary(max_size=200) | st.none(), after=st.text(max_size=400))
@settings(max_examples=60, deadline=None)
def test_any_file_can_be_compared(language: str, before: bytes | None, after: str) -> None:
    for finding in weakened_tests(PATHS[language], before, after.encode("utf-8", "replace")):
        assert finding.message.isprintable()
        assert finding.test.isprintable()


DEEP = "def test_a():\n    assert " + "f(\n" * 50_000 + ")\n" * 50_000


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (bytes(range(256)), "NUL"),
        ("def test_a(): pass\n".encode("utf-16"), "NUL"),
        (b"def test_a(): return '\xe9'\n", "not UTF-8"),
        (b"def test_a(): pass\n" * 200_000, "more than 2097152 bytes"),
        (DEEP.encode(), "nested more than 120 deep"),
        (b"x = '" + b"a" * 30_000 + b"'\n", "a line of 30006 characters"),
    ],
    ids=["binary", "UTF-16", "Latin-1", "huge", "deep", "wide"],
)
def test_a_file_that_cannot_be_read_is_reported(after: bytes, reason: str) -> None:
    (found,) = weakened_tests("test_a.py", b"def test_a():\n    assert f()\n", after)
    assert (found.test, found.line, found.kind) == ("test_a.py", 0, "unreadable")
    assert reason in found.message


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("a.test.ts", "/* " * 300_000),
        ("test_a.py", "'''\n" * 50_000 + '"""\n' * 50_000),
        ("a_test.go", "`" * 19_000 + "\n"),
        ("test_a.py", "class TestA:\n" + "\n" * 1_000_000),
        ("test_a.py", "def test_a():\n    assert " + "a == \\\n" * 100_000 + "a\n"),
        ("test_a.py", "def test_a():\n" + "    def b(): assert x\n" * 10_000),
        (
            "test_a.py",
            "".join(f"def a{n}(): a{n - 1}()\n" for n in range(2000)) + "def test_a(): a1999()\n",
        ),
        ("test_a.py", "def test_a(): pass\n" * 20_000),
        ("a.test.ts", 'it("a", () => {});\n' * 10_000),
        ("test_a.py", "def test_a(:\n" * 20_000),
        ("test_a.py", "".join(f"from m{n} import a{n}\nimport b{n}\n" for n in range(20_000))),
        ("test_a.py", "from m import (\n" * 20_000),
        ("a.test.ts", "const a = " * 20_000),
    ],
    ids=[
        "comment",
        "quotes",
        "ticks",
        "lines",
        "terms",
        "inner",
        "calls",
        "same",
        "titles",
        "errors",
        "imports",
        "open imports",
        "declarations",
    ],
)
def test_time_does_not_grow_with_the_square_of_a_hostile_file(path: str, after: str) -> None:
    before = b"def test_a():\n    assert f()\n"
    found = weakened_tests(path, before, after.encode())
    assert all(finding.test.startswith(path) for finding in found)


def test_twenty_thousand_tests_are_compared() -> None:
    before = "".join(f"def test_{n}():\n    assert f({n}) == 1\n\n" for n in range(20_000))
    after = before.replace("assert f(7) == 1", "f(7)")
    (found,) = weakened_tests("test_a.py", before.encode(), after.encode())
    assert (found.test, found.kind) == ("test_a.py::test_7", "assertion-removed")


def test_names_are_shown_without_tricks() -> None:
    before = 'it("a\u202eb", () => { expect(1).toBe(f()); });\n'
    (found,) = weakened_tests("a\u202e.test.ts", before.encode(), None)
    assert found.test == r"a\u202e.test.ts::a\u202eb"
    assert found.message == "the file is gone"


def test_a_new_file_has_nothing_to_lose_and_a_file_that_goes_loses_all() -> None:
    code = b"import pytest\n@pytest.mark.skip\ndef test_a():\n    assert f()\n"
    assert weakened_tests("test_a.py", None, code) == ()
    assert [f.kind for f in weakened_tests("test_a.py", code, None)] == ["removed"]


@pytest.mark.parametrize("path", ["src/app.py", "README.md", "src/app.ts", "pkg/app.go"])
def test_files_without_tests_are_not_judged(path: str) -> None:
    assert weakened_tests(path, b"def test_a():\n    assert f()\n", b"") == ()


@pytest.mark.parametrize("suffix", ["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"])
def test_each_kind_of_script_is_read(suffix: str) -> None:
    before = b'describe("s", () => { it("a", () => { expect(f()).toBe(1); }); });\n'
    (found,) = weakened_tests(f"a.test.{suffix}", before, before.replace(b"it(", b"it.only("))
    assert (found.test, found.kind) == (f"a.test.{suffix}::s > a", "only")
