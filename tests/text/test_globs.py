"""Globs: what they match, the same as a slow reading of the rules, and never slowly."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.model.approval import edit_of
from codex_orchestrator.model.policy import PROTECTED_PATHS, SECRET_PATHS
from codex_orchestrator.text.globs import (
    glob_problem,
    is_chosen,
    literal_prefix,
    matcher,
    matching_glob,
    path_matcher,
)


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
        ("a[!]", ["a[!]"], ["ab", "a!"]),
        ("[]x]", ["]", "x"], ["a"]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[+--]", ["+", ",", "-"], ["."]),
        ("[^a-c]", ["d", "-"], ["b"]),
        ("[z-ab]", ["b"], ["z", "a", "-"]),
        ("[!z-a]", ["b"], []),
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


# Names in a work tree: what policy protects, what tools list, what patterns and grants are about.


@pytest.mark.parametrize(
    ("path", "glob", "matches"),
    [
        ("src/a.py", "src/**", True),
        ("src/a/b.py", "src/**/*.py", True),
        ("src/b.py", "src/**/*.py", True),
        ("src/a/b.py", "src/*.py", False),
        ("a.py", "**/*.py", True),
        ("src", "src/**", True),
        ("srcs/a.py", "src/**", False),
    ],
)
def test_globs_span_folders_only_by_two_stars(path: str, glob: str, matches: bool) -> None:
    assert bool(matching_glob(path, [glob])) is matches


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("src/greeter", ["src/greeter", "src/greeter/a/b.py"], ["src/greeters", "x/src/greeter"]),
        ("src/greeter/", ["src/greeter", "src/greeter/a.py"], ["src/greeters"]),
        ("./src/greeter", ["src/greeter/a.py"], ["greeter/a.py"]),
        ("src/*/", ["src/a/b.py", "src/a"], ["src", "lib/a/b.py"]),
        ("src/*", ["src/a.py"], ["src", "src/a/b.py"]),
        ("*/*", ["a/b"], ["a", "a/b/c"]),
        ("app/[slug]", ["app/[slug]", "app/[slug]/page.tsx", "app/s"], ["app/s/page.tsx"]),
        ("what?/a*", ["what?/a*", "what?/a*/b", "whats/abc"], ["whats/abc/d"]),
        ("SRC/Gr\u00fcn*", ["src/gr\u00dcne.py"], ["src/grau.py"]),
        (".", [], ["a", "a/b"]),
        ("./", [], ["a", "a/b"]),
        ("", [], ["a", ""]),
        ("/", [], ["a", ""]),
        ("a//b", ["a//b"], ["a/b"]),
    ],
)
def test_a_name_means_the_file_or_the_folder_with_all_in_it(
    glob: str, yes: list[str], no: list[str]
) -> None:
    assert [path for path in yes if matching_glob(path, [glob]) != glob] == []
    assert [path for path in no if matching_glob(path, [glob])] == []


@pytest.mark.parametrize("globs", [[], ["."], ["./"], [""], ["src", "."]])
def test_the_whole_tree_can_be_chosen(globs: list[str]) -> None:
    assert is_chosen("a/b", globs)
    assert not is_chosen("a/b", ["src"])


PROTECTED = """
.github/workflows/ci.yml                .github/**
.GITHUB/workflows/ci.yml                .github/**
.github                                 .github/**
.git                                    .git/**
.git/config                             .git/**
sub/.git                                **/.git/**
sub/.git/hooks/pre-commit               **/.git/**
.githooks                               **/.githooks/**
.husky/pre-push                         **/.husky/**
web/.lefthook/pre-commit/run.sh         **/.lefthook/**
lefthook.yml                            **/lefthook.y*ml
.lefthook.yaml                          **/.lefthook.y*ml
.pre-commit-config.yaml                 .pre-commit-config.yaml
.pre-commit-hooks.yaml                  .pre-commit-hooks.yaml
a/.gitattributes                        **/.gitattributes
.gitmodules                             **/.gitmodules
docs/CODEOWNERS                         **/CODEOWNERS
a//agents.md                            **/AGENTS.md
a/../AGENTS.MD                          **/AGENTS.md
AGENTS.override.md                      **/AGENTS.override.md
x/CLAUDE.md                             **/CLAUDE.md
GEMINI.md                               **/GEMINI.md
.codex                                  **/.codex/**
a/.Codex                                **/.codex/**
a/b/.codex/config.toml                  **/.codex/**
.agents/skills/x/SKILL.md               **/.agents/**
.claude                                 **/.claude/**
.cursor/rules/a.mdc                     **/.cursor/**
.cursorrules                            **/.cursorrules
Cargo.lock                              **/*.lock
.lock                                   **/*.lock
gradle.lockfile                         **/*.lockfile
src/App/packages.lock.json              **/*.lock.json
.terraform.lock.hcl                     **/*.lock.hcl
package-lock.json                       **/*-lock.json
pnpm-lock.yaml                          **/*-lock.yaml
bun.lockb                               **/bun.lockb
npm-shrinkwrap.json                     **/npm-shrinkwrap.json
pylock.toml                             **/pylock.toml
pylock.dev.toml                         **/pylock.*.toml
go.sum                                  **/go.sum
go.work.sum                             **/go.work.sum
Package.resolved                        **/Package.resolved
gradle/verification-metadata.xml        **/verification-metadata.xml
.codex-orchestrator.toml                .codex-orchestrator.toml
tests/conftest.py                       **/conftest.py
Sitecustomize.py                        **/sitecustomize.*
sitecustomize/__init__.py               **/sitecustomize/**
usercustomize.so                        **/usercustomize.*
a/usercustomize/b.py                    **/usercustomize/**
a/site-packages/b.pth                   **/site-packages/*.pth
dist-packages/b.pth                     **/dist-packages/*.pth
.venv/pyvenv.cfg                        **/pyvenv.cfg
sub/.github/workflows/ci.yml            -
.gitignore                              -
.github-old/a                           -
github/ci.yml                           -
a/.pre-commit-config.yaml               -
sub/.codex-orchestrator.toml            -
.codex-x/config.toml                    -
src/lock.py                             -
lock                                    -
locks/a.json                            -
yarn.lock/a                             -
docs/lefthook.md                        -
AGENTS.md.txt                           -
conftest.pyc                            -
"""
SECRET = """
.env                                    **/.env
a/.ENV                                  **/.env
.env.local                              **/.env.local
.env.dev.local                          **/.env.*.local
x/.env.production                       **/.env.production
.netrc                                  **/.netrc
.npmrc                                  **/.npmrc
.pypirc                                 **/.pypirc
.git-credentials                        **/.git-credentials
home/.aws/credentials                   **/.aws/credentials
.docker/config.json                     **/.docker/config.json
.ssh                                    **/.ssh/**
.ssh/known_hosts                        **/.ssh/**
id_rsa                                  **/id_rsa
keys/id_ecdsa                           **/id_ecdsa
ID_ED25519                              **/id_ed25519
tls/server.key                          **/*.key
server.PEM                              **/*.pem
a.p12                                   **/*.p12
a.pfx                                   **/*.pfx
a.jks                                   **/*.jks
a.kdbx                                  **/*.kdbx
.env.example                            -
env                                     -
.envrc                                  -
credentials                             -
docker/config.json                      -
id_rsa.pub                              -
keyboard.py                             -
src/key                                 -
"""


def decisions(table: str) -> dict[str, str]:
    rows = (line.rsplit(maxsplit=1) for line in table.strip().splitlines())
    return {path: "" if glob == "-" else glob for path, glob in rows}


@pytest.mark.parametrize(("globs", "table"), [(PROTECTED_PATHS, PROTECTED), (SECRET_PATHS, SECRET)])
def test_each_built_in_rule_means_what_it_always_meant(globs: tuple[str, ...], table: str) -> None:
    expected = decisions(table)
    assert {path: matching_glob(path, globs) for path in expected} == expected
    assert set(globs) <= set(expected.values()), "a rule without an example"


LETTERS = "ab\u00df\u0130.[]!*?^-/"
ANY_PATH = st.text(LETTERS, min_size=1, max_size=12).filter(lambda path: path.strip("./"))


@settings(max_examples=300, deadline=None)
@given(ANY_PATH, ANY_PATH)
def test_what_is_asked_for_means_the_file_of_that_name_and_what_stands_in_its_place(
    path: str, other: str
) -> None:
    asked = edit_of(path).removeprefix("edit:")
    assert matching_glob(path, [asked]) == asked
    if matching_glob(other, [asked]):
        names = [name.casefold().removeprefix("./").rstrip("/") for name in (path, asked)]
        found = other.casefold().removeprefix("./")
        assert any(found == name or found.startswith(f"{name}/") for name in names)


@contextmanager
def limited_processor_time(seconds: int) -> Iterator[None]:
    """Fail instead of hanging; what is linear needs milliseconds of it, what is not, years."""

    def stop(*_: object) -> None:
        raise AssertionError(f"more than {seconds} s of processor time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("size", [8, 64, 340])
@pytest.mark.parametrize("end", ["", "/x", "/**/x", "/[x]", "/x/"])
@pytest.mark.parametrize("part", ["**/a", "**/*a", "*a*", "**/a/**", "[a]*", "?*"])
def test_no_glob_keeps_the_policy_busy(part: str, end: str, size: int) -> None:
    glob = "/".join([part] * size) + end
    with limited_processor_time(30):
        for path in ("a/" * (2 * size) + "c", "a" * 4000, "a/" * 2000 + "c", "/" * 4000):
            assert matching_glob(path, [glob, "["]) in ("", glob)


def test_a_glob_longer_than_any_path_means_its_own_name_only() -> None:
    for glob in ("[" * 1_000_000, "a*" * 500_000):
        with limited_processor_time(30):
            assert matching_glob("a", [glob]) == ""
            assert matching_glob(glob, [glob]) == glob
