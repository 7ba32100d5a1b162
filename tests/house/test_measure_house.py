"""The measures are right on small packages whose numbers can be counted by hand."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from house_sources import (
    Module,
    Sized,
    count_code_lines,
    count_lines_with_code,
    exceptions,
    functions_of,
    import_circles,
    import_closure,
    matches_globs,
    protocols,
    read_modules,
    shapes,
    starts_git,
)
from measure_house import House, hook_modules, measure, report


def package(root: Path, files: dict[str, str]) -> dict[str, Module]:
    """Write a package `made` and read it; an `__init__.py` is empty unless it is given."""
    for name, text in {"__init__.py": "", **files}.items():
        path = root / "src" / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return read_modules(root)


def only(root: Path, text: str) -> Module:
    return package(root, {"only.py": text})["made.only"]


def names(modules: list[Module]) -> list[str]:
    return [module.name.removeprefix("made.") for module in modules]


# Lines of code


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("x = 1\n", 1),
        ("\n# a comment\nx = 1  # behind code\n\n", 1),
        ('"""The module."""\nx = 1\n', 1),
        ("'one' 'string'\nx = 1\n", 1),
        ('x = 1\n"""This describes x and is no docstring."""\n', 2),
        ('x = """\n# no comment\ntext\n"""\n', 4),
        ('def f():\n    """Do it."""\n    return """a\nb"""\n', 3),
        ('class A:\n    """A thing."""\n\n    async def f(self):\n        """Do it."""\n', 2),
        ("def f():\n    def g():\n        '''Do.'''\n        return 1\n    return g\n", 4),
        ("@mark(\n    1,\n)\ndef f(): ...\n", 4),
        ("import os\nfrom sys import (\n    path,\n)\nx = 1\n", 1),
        ("def f():\n    import os\n    return os\n", 2),
        ('b"""not text"""\nx = 1\n', 2),
    ],
)
def test_lines_of_code_are_those_that_do_something(tmp_path: Path, text: str, count: int) -> None:
    assert count_code_lines(only(tmp_path, text)) == count


def test_a_blank_line_in_a_docstring_is_taken_off_as_a_line_of_it(tmp_path: Path) -> None:
    plain = only(tmp_path, '"""One.\nTwo.\n"""\nx = 1\ny = 2\n')
    assert count_code_lines(plain) == 2
    with_blank = only(tmp_path, '"""One.\n\nTwo.\n"""\nx = 1\ny = 2\n')
    assert count_code_lines(with_blank) == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('"""One.\n\nTwo.\n"""\nimport os\n\n# a comment\nx = 1\n', 2),
        ('x = """\n\n# no comment\n"""\n', 4),
        ('class A:\n    """A thing."""\n    x = (\n        1,\n    )\n', 4),
    ],
)
def test_lines_with_code_hold_a_token(tmp_path: Path, text: str, count: int) -> None:
    assert count_lines_with_code(only(tmp_path, text)) == count


def test_functions_are_measured_without_decorators_and_with_what_is_in_them(
    tmp_path: Path,
) -> None:
    text = """
        @mark(
            1,
        )
        def outer():
            async def inner():
                return 1

            return inner


        class A:
            @property
            def name(self):
                return (
                    "a"
                )
    """
    assert set(functions_of(only(tmp_path, text))) == {
        Sized("only.py outer", 5),
        Sized("only.py inner", 2),
        Sized("only.py name", 4),
    }


# Imports


def test_a_run_loads_what_is_imported_at_its_start(tmp_path: Path) -> None:
    modules = package(
        tmp_path,
        {
            "pipeline/run_task.py": """
                import typing as t
                from typing import TYPE_CHECKING

                import made.model.task as noun
                from made import text
                from made.room import book as b
                from made.room.shelf import put as put_down

                if TYPE_CHECKING:
                    from made import for_types
                if t.TYPE_CHECKING:
                    import made.for_types
                else:
                    from made import for_runs
                if not TYPE_CHECKING:
                    from made import negated
                try:
                    from made import tried
                except ImportError:
                    pass

                class A:
                    from made import in_class

                def later():
                    from made import lazy
            """,
            "model/task.py": "",
            "text.py": "from made import deeper\n",
            "deeper.py": "import json\n",
            "room/__init__.py": "from made.room import eager\n",
            "room/eager.py": "",
            "room/book.py": "",
            "room/shelf.py": "def put(): ...\n",
            "room/other.py": "",
            "for_types.py": "",
            "for_runs.py": "",
            "negated.py": "",
            "tried.py": "",
            "in_class.py": "",
            "lazy.py": "",
        },
    )
    assert names(import_closure("made.pipeline.run_task", modules)) == [
        "deeper", "for_runs", "in_class", "model.task", "negated", "pipeline.run_task",
        "room.book", "room.eager", "room.shelf", "text", "tried",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "is_circle"),
    [
        ("from made import b", "from made import a", True),
        ("from made.b import f", "def f():\n    from made.a import g", True),
        ("import made.b as x", "import made.a", True),
        ("from made import b", "", False),
        (
            "from made import b",
            "from typing import TYPE_CHECKING as ONLY\nif ONLY:\n    from made import a",
            False,
        ),
    ],
)
def test_a_circle_of_imports_is_found_also_in_functions(
    tmp_path: Path, first: str, second: str, is_circle: bool
) -> None:
    modules = package(tmp_path, {"a.py": first, "b.py": second, "c.py": "import made.a, made.b"})
    assert import_circles(modules) == ([("made.a", "made.b")] if is_circle else [])


def test_a_circle_of_three_counts_once_and_two_circles_count_twice(tmp_path: Path) -> None:
    modules = package(
        tmp_path,
        {
            "a.py": "import made.b",
            "b.py": "import made.c",
            "c.py": "import made.a",
            "d.py": "import made.e, made.a",
            "e.py": "import made.d",
        },
    )
    assert import_circles(modules) == [("made.a", "made.b", "made.c"), ("made.d", "made.e")]


# Classes


CLASSES = """
    import dataclasses
    import typing
    from collections import namedtuple
    from dataclasses import KW_ONLY, dataclass as data
    from typing import ClassVar, Generic, NamedTuple as Row, Protocol as P

    class Port(P): ...
    class Generous(P[int]): ...
    class Full(typing.Protocol): ...
    class Adapter(Port): ...

    class Wrong(Exception): ...
    class Worse(Wrong): ...
    class Value(OSError, Port): ...

    class Pair(Row):
        a: int
        b: int = 0
        total = 0

    @data(frozen=True)
    class Three:
        kind: ClassVar[str] = "x"
        a: int
        _: KW_ONLY
        b: int
        c: int

    @dataclasses.dataclass
    class Five(Three):
        d: int
        e: int

        def f(self):
            g: int = 1
            return g

    class Plain:
        a: int
        b: int

        def __init__(self, a, /, b, *rest, c, **more):
            class Inside(Row):
                x: int
"""


def test_protocols_are_the_classes_that_list_it_by_whatever_name(tmp_path: Path) -> None:
    modules = package(tmp_path, {"only.py": CLASSES})
    assert protocols(modules) == ["made.only.Port", "made.only.Generous", "made.only.Full"]


def test_exceptions_are_known_by_their_bases_in_other_modules_too(tmp_path: Path) -> None:
    modules = package(
        tmp_path,
        {"only.py": CLASSES, "far.py": "from made.only import Worse as W\nclass Far(W): ..."},
    )
    assert exceptions(modules) == {
        "made.only.Wrong", "made.only.Worse", "made.only.Value", "made.far.Far",
    }  # fmt: skip


def test_fields_are_counted_with_those_of_bases_and_arguments_without_self(tmp_path: Path) -> None:
    found = dict(shapes(package(tmp_path, {"only.py": CLASSES})))
    assert {name: found[name] for name in ("Pair", "Three", "Five", "Plain", "Inside")} == {
        "Pair": 2, "Three": 3, "Five": 5, "Plain": 3, "Inside": 1,
    }  # fmt: skip


# Mechanisms


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess\nsubprocess.run(['git', 'status'])",
        "import subprocess as sp\nsp.Popen(('git', *arguments))",
        "from subprocess import check_output as ask\nask(['/usr/bin/git'])",
        "import subprocess\nsubprocess.run('git status', shell=True)",
        "import subprocess\nsubprocess.run(f'git -C {root} status', shell=True)",
        "import subprocess\nsubprocess.run(args, executable='git')",
        "import os\nos.posix_spawnp('git', arguments, environment)",
        "import os\nos.posix_spawn(b'/usr/bin/git', arguments, environment)",
        "import os\nos.execvp('git', arguments)",
        "import os\nos.spawnlp(os.P_WAIT, 'git', 'git', 'status')",
        "import asyncio\nasyncio.create_subprocess_exec('git', 'status')",
        "from shutil import which\npath = which('git')",
        "GIT = 'git'\nrun_process([GIT, 'status'])",
        "GIT: str = 'git'\ndef f():\n    return run_process((GIT, 'status'))",
        "class A:\n    def f(self):\n        self.command = ['git', '-C', self.root]",
    ],
)
def test_a_module_that_starts_git_is_found(tmp_path: Path, text: str) -> None:
    assert starts_git(only(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        '"""git is started elsewhere."""',
        "name = 'git'\nshow(name)",
        "Probe('git', 'missing')",
        "header['git'], {'git': 1}, value == 'git'",
        "import subprocess\nsubprocess.run(['go', 'git'])",
        "import subprocess\nsubprocess.run(['gitleaks'])",
        "import shutil\nshutil.which('go')",
        "from made.system.git import Git\nGit(root).run('status')",
        "import subprocess\nsubprocess.run([])\nsubprocess.run('')",
    ],
)
def test_a_module_that_only_speaks_of_git_is_not(tmp_path: Path, text: str) -> None:
    assert not starts_git(only(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("def f(part):\n    return part == '**'", True),
        ("is_deep = '**' in parts", True),
        ("match part:\n    case '**':\n        pass", True),
        ("import fnmatch", True),
        ("from fnmatch import fnmatchcase as same", True),
        ("def f():\n    from glob import translate", True),
        ("path.full_match(pattern)", True),
        ("GLOBS = ('**', 'src/**')", False),
        ("from made.text import globs", False),
        ("from made.text.globs import matcher", False),
        ("x = 2 ** 3", False),
        ("folder.glob('*.py')", False),
    ],
)
def test_a_module_that_decides_what_a_glob_means_is_found(
    tmp_path: Path, text: str, does: bool
) -> None:
    assert matches_globs(only(tmp_path, text)) is does


# The whole


SMALL = {
    "__main__.py": """
        import sys
        from importlib import import_module

        if __name__ == "__main__":
            import_module("made.cli").main(sys.argv[1:])
    """,
    "cli.py": """
        import os

        def main(arguments):
            from made.guard import check
            assert arguments == ["guard", "--staged"]
            os._exit(check.code)
    """,
    "guard/check.py": "from made.text import show\ncode = 0\n",
    "text.py": "def show(): ...\n",
    "room.py": "",
    "pipeline/run_task.py": """
        from made.text import show
        class Task: ...
        class Bad(Exception): ...
    """,
}


def test_the_hooks_modules_are_those_that_it_really_loads(tmp_path: Path) -> None:
    package(tmp_path, SMALL)
    assert hook_modules(tmp_path, "made") == {
        "made.cli",
        "made.guard",
        "made.guard.check",
        "made.text",
    }


def test_a_hook_that_fails_is_no_measure(tmp_path: Path) -> None:
    package(tmp_path, SMALL | {"guard/check.py": "code = 3\n"})
    with pytest.raises(RuntimeError, match="guard --staged failed"):
        hook_modules(tmp_path, "made")


@pytest.fixture
def small(tmp_path: Path) -> House:
    package(tmp_path, SMALL)
    return measure(tmp_path, shape_fields=8)


def test_a_checkout_is_measured_whole(small: House) -> None:
    assert small.values == {
        "code_lines": 9,
        "lines_with_code": 15,
        "protocols": 0,
        "run_modules": 2,
        "run_classes": 1,
        "guard_modules": 4,
        "git_starters": 0,
        "glob_matchers": 0,
        "import_circles": 0,
        "median_lines": 1,
        "longest_lines": 6,
        "large_shapes": 0,
    }


def test_two_checkouts_stand_side_by_side_with_the_bound(small: House) -> None:
    budgets = {
        "limits": {"modules": 5, "functions": 60, "shapes": 8},
        "measures": {"protocols": {"at_most": 1, "now": 4}, "run_modules": {"at_most": 1}},
    }
    other = small._replace(values=small.values | {"protocols": 33})
    lines = list(report(small, other, budgets))
    assert [line.split() for line in lines if line.startswith("Protocols ")] == [
        ["Protocols", "0", "1", "(now", "4)", "33"]
    ]
    problems = lines[lines.index("\nnot in order:") + 1 :]
    assert [problem.split(":")[0].strip() for problem in problems] == [
        "Protocols", "modules that a run loads at its start", "modules",
    ]  # fmt: skip


def test_the_script_prints_two_checkouts_side_by_side(root: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    package(tmp_path, SMALL)
    package(older, SMALL | {"room.py": "def f():\n    return ['git']\n"})
    done = subprocess.run(
        [sys.executable, root / "scripts" / "measure_house.py", tmp_path, "--against", older],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = {line[:40].strip(): line.split() for line in done.stdout.splitlines()}
    assert rows["modules that start git"][4] == "0"
    assert rows["modules that start git"][-1] == "1"
