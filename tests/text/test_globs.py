"""Globs: what they match, the same as a slow reading of the rules, and never slowly."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.text.globs import glob_problem, literal_prefix, matcher, path_matcher


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("src/**", ["src/a", "src/a/b"], ["src", "srcs/a", "x/src/a"]),
        ("src", ["src", "src/a/b"], ["srcs", "x/src"]),
        ("src/", ["src/a"], ["srcs"]),
        ("src/*.py", ["src/a.py", "src/.py"], ["src/a/b.py", "src/a.pyc"]),
        ("**/src/**", ["src/a", "b/c/src/a"], ["src", "b/srcs/a"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("**/*.md", ["a.md", "x/y.md"], ["a.mdx"]),
        ("**", ["a", "a/b"], []),
        ("a?c", ["abc"], ["ac", "a/c"]),
        ("[ab]/[!c]", ["a/d", "b/x"], ["c/d", "a/c"]),
        ("[", ["["], ["a"]),
        ("a[z-a]", [], ["az", "aa"]),
        ("x/[a]/y\n*", ["x/a/y\nz"], ["x/a/y"]),
        ("src/**/*.py", ["src/a.py", "src/x/y.py"], ["src/a.pyc", "srcx/a.py"]),
    ],
)
def test_a_glob_matches_what_it_says(glob: str, yes: list[str], no: list[str]) -> None:
    is_meant = matcher([glob])
    assert [path for path in yes if not is_meant(path)] == []
    assert [path for path in no if is_meant(path)] == []


def slow(glob: list[str], path: list[str]) -> bool:
    """Match part by part, trying everything."""
    if not glob:
        return not path
    if glob[0] == "**":
        if len(glob) == 1:
            return len(path) >= 1
        return any(slow(glob[1:], path[at:]) for at in range(len(path) + 1))
    return bool(path) and slow_part(glob[0], path[0]) and slow(glob[1:], path[1:])


def slow_part(glob: str, name: str) -> bool:
    if not glob:
        return not name
    if glob[0] == "*":
        return any(slow_part(glob[1:], name[at:]) for at in range(len(name) + 1))
    return bool(name) and (glob[0] in ("?", name[0])) and slow_part(glob[1:], name[1:])


PARTS = st.one_of(st.just("**"), st.text(alphabet="ab*?", min_size=1, max_size=4))
NAMES = st.lists(st.text(alphabet="ab", min_size=1, max_size=4), min_size=1, max_size=5)


@settings(max_examples=400, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=5), NAMES)
def test_globs_agree_with_a_slow_reading(parts: list[str], names: list[str]) -> None:
    glob, path = "/".join(parts), "/".join(names)
    if literal_prefix(glob) == glob:
        expected = path == glob or path.startswith(f"{glob}/")
    else:
        expected = slow(parts, names)
    assert matcher([glob])(path) == expected
    assert path_matcher([glob])(path) == expected


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*a" * 300 + "b", "a" * 4000),
        ("**/*a/" * 150 + "b", "a/" * 2000 + "c"),
        ("**/" * 300 + "x", "a/" * 2000 + "y"),
        ("?*" * 300 + "z", "a" * 4000),
    ],
)
def test_a_hostile_glob_is_not_slow(glob: str, path: str) -> None:
    started = time.process_time()
    assert not matcher([glob])(path)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("glob", ["", " ", "/a", "a//b", "./a", "a/..", "a\\b", "a" * 2000, "a/."])
def test_a_glob_that_means_nothing_here_is_named(glob: str) -> None:
    assert glob_problem(glob)


@pytest.mark.parametrize("glob", ["a", "a/", "**/*.py", ".github/**", "a/.b/c", "a...b"])
def test_a_plain_glob_is_no_problem(glob: str) -> None:
    assert glob_problem(glob) == ""
