"""Sizes and counts that keep the house readable: each is in its bound, or has its reason."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from house_sources import Sized, matches_globs, read_modules, starts_git
from measure_house import House, measure, problems

Budgets = dict[str, Any]
FINDERS = {"git_starters": starts_git, "glob_matchers": matches_globs}


@pytest.fixture(scope="module")
def budgets(root: Path) -> Budgets:
    return tomllib.loads((root / "tests" / "house" / "budgets.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def house(root: Path, budgets: Budgets) -> House:
    return measure(root, shape_fields=budgets["limits"]["shapes"])


def test_the_house_keeps_its_budgets(house: House, budgets: Budgets) -> None:
    assert len(house.sizes["modules"]) > 200, "the sources were not found"
    assert not problems(house, budgets)


def test_git_is_started_in_one_file_of_the_machine(house: House) -> None:
    assert house.names["git_starters"] == ("system/git.py",)


def test_every_measure_that_has_a_bound_is_measured(house: House, budgets: Budgets) -> None:
    assert budgets["measures"].keys() <= house.values.keys()
    assert {"modules", "functions", "shapes"} == budgets["limits"].keys() == house.sizes.keys()


@pytest.mark.parametrize(
    ("measured", "module", "text"),
    [
        ("git_starters", "runs/planted.py", "import subprocess\nsubprocess.run(['git', 'gc'])\n"),
        ("git_starters", "system/planted.py", "GIT = 'git'\ndef f():\n    start([GIT, 'gc'])\n"),
        ("git_starters", "cli/planted.py", "import os\nos.execvp('git', arguments)\n"),
        ("glob_matchers", "guard/planted.py", "from fnmatch import fnmatchcase\n"),
        ("glob_matchers", "model/planted.py", "is_deep = '**' in parts\n"),
    ],
)
def test_one_more_module_with_a_mechanism_of_its_own_is_over_the_bound(
    house: House,
    budgets: Budgets,
    tmp_path: Path,
    measured: str,
    module: str,
    text: str,
) -> None:
    path = tmp_path / "src" / "codex_orchestrator" / module
    path.parent.mkdir(parents=True)
    (tmp_path / "src" / "codex_orchestrator" / "__init__.py").touch()
    path.write_text(text, encoding="utf-8")
    found = {item.path for item in read_modules(tmp_path).values() if FINDERS[measured](item)}
    assert found == {module}
    with_it = found | set(house.names[measured])
    assert len(with_it) > budgets["measures"][measured]["at_most"]


@pytest.fixture
def small() -> House:
    """A house in order: nothing in it is over a bound of `RULES`."""
    return House(
        values={"protocols": 2},
        names={},
        sizes={
            "modules": (Sized("guard/case.py", 300),),
            "functions": (Sized("guard/case.py judge", 60),),
            "shapes": (Sized("Facts", 8),),
        },
    )


RULES: Budgets = {
    "limits": {"modules": 300, "functions": 60, "shapes": 8},
    "measures": {"protocols": {"at_most": 2}},
}
LARGE = [
    ("modules", "guard/case.py", 301, "which two ideas live in it?"),
    ("functions", "guard/case.py judge", 61, "which part of it has a name of its own?"),
    ("shapes", "Facts", 9, "which of its fields are always used together?"),
]


def test_what_is_exactly_at_its_bound_is_in_order(small: House) -> None:
    assert problems(small, RULES) == []


@pytest.mark.parametrize(("kind", "name", "size", "question"), LARGE)
def test_what_is_too_large_is_asked_its_question(
    small: House, kind: str, name: str, size: int, question: str
) -> None:
    grown = small._replace(sizes=small.sizes | {kind: (Sized(name, size),)})
    (problem,) = problems(grown, RULES)
    assert name in problem
    assert str(size) in problem
    assert problem.endswith(question)


@pytest.mark.parametrize(("kind", "name", "size", "question"), LARGE)
def test_a_reason_answers_the_question(
    small: House, kind: str, name: str, size: int, question: str
) -> None:
    grown = small._replace(sizes=small.sizes | {kind: (Sized(name, size),)})
    assert problems(grown, RULES | {kind: {name: "one field a fact"}}) == []
    for reason in ("", "  ", "ok"):
        (problem,) = problems(grown, RULES | {kind: {name: reason}})
        assert "has no reason" in problem


@pytest.mark.parametrize(("kind", "name", "size", "question"), LARGE)
def test_a_reason_that_is_not_needed_any_more_has_to_go(
    small: House, kind: str, name: str, size: int, question: str
) -> None:
    gone = small._replace(sizes=small.sizes | {kind: ()})
    for present in (small, gone):
        (problem,) = problems(present, RULES | {kind: {name: "one field a fact"}})
        assert "delete its entry" in problem


@pytest.mark.parametrize(
    ("value", "bound", "said"),
    [
        (3, {"at_most": 2}, "Protocols: 3, at most 2"),
        (5, {"at_most": 2, "now": 4}, "Protocols: 5, at most 2 (now 4)"),
        (2, {"at_most": 2, "now": 4}, "Protocols: 2 is within its bound: delete `now`"),
        (4, {"at_most": 2, "now": 4}, None),
        (3, {"at_most": 2, "now": 4}, None),
    ],
)
def test_a_measure_over_its_bound_may_not_get_worse_than_it_is_now(
    small: House, value: int, bound: dict[str, int], said: str | None
) -> None:
    rules = RULES | {"measures": {"protocols": bound}}
    found = problems(small._replace(values={"protocols": value}), rules)
    assert found == ([said] if said else [])
