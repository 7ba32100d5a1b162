"""Print the measures of the house, one a line, each with its bound from `budgets.toml`.

    measure_house.py [ROOT] [--against OTHER_ROOT]

ROOT is a checkout, this one by default; `--against` prints another checkout's numbers beside it, an
older commit's for example. Both need what the product imports in the Python that runs this.

How each is counted:

- lines of code: lines in `src/` that are not blank, less docstrings, comments and import
  statements; see `count_code_lines`. Lines with code count the imports and have no bound.
- Protocols: classes that list `Protocol` among their bases.
- modules that a run loads: what importing `pipeline/run_task.py` loads, itself included. Imports
  for type checkers and inside functions do not count, nor does a package's own `__init__.py`.
- classes that a run loads: those defined in these modules, without Protocols and exceptions.
- modules that the hook loads: modules and packages below the package that `guard --staged` really
  loads, `__main__` apart, in a new repository with one commit, one staged file and no spec.
- git starters and glob matchers: modules that do it themselves; see `starts_git`, `matches_globs`.
- large shapes: NamedTuples and dataclasses with more than 8 fields, inherited ones included, and
  other classes whose `__init__` takes more than 8 arguments. pydantic documents do not count.
- import circles: sets of modules that import each other at run time, also inside functions.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from house_sources import (
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

ROOT = Path(__file__).resolve().parent.parent
BUDGETS = ROOT / "tests" / "house" / "budgets.toml"
QUESTIONS = {
    "modules": "which two ideas live in it?",
    "functions": "which part of it has a name of its own?",
    "shapes": "which of its fields are always used together?",
}
LABELS = {
    "code_lines": "lines of code, without docstrings, comments, imports",
    "lines_with_code": "lines with code, imports included",
    "protocols": "Protocols",
    "run_modules": "modules that a run loads at its start",
    "run_classes": "classes that a run loads at its start",
    "guard_modules": "modules that guard --staged loads",
    "git_starters": "modules that start git",
    "glob_matchers": "modules that match globs",
    "import_circles": "circles of imports",
    "median_lines": "lines of the median module",
    "longest_lines": "lines of the longest module",
    "large_shapes": "shapes with more than 8 fields",
}


# Says each module when it is looked for: `-X importtime` is silent about `importlib.import_module`,
# and what a program has loaded in the end is lost where it leaves by `os._exit`.
PROBE = """
import os, runpy, sys

class Recorder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        os.write(2, f"import {name}\\n".encode())

sys.meta_path.insert(0, Recorder)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


class House(NamedTuple):
    """What was measured: a number for each measure, and what the numbers stand for."""

    values: Mapping[str, float]
    names: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, tuple[Sized, ...]]


def measure(root: Path, *, shape_fields: int) -> House:
    """Measure a checkout; a shape with more than `shape_fields` fields is a large one.

    Raises:
        RuntimeError: the hook cannot be run in it.
    """
    modules = read_modules(root)
    package = next(iter(modules))
    sources = modules.values()
    run = import_closure(f"{package}.pipeline.run_task", modules)
    classes = {f"{module.name}.{node.name}" for module in run for node in module.classes}
    sizes = {
        "modules": tuple(Sized(module.path, module.length) for module in sources),
        "functions": tuple(size for module in sources for size in functions_of(module)),
        "shapes": tuple(shapes(modules)),
    }
    lengths = [size for _, size in sizes["modules"]]
    names = {
        "protocols": tuple(protocols(modules)),
        "git_starters": tuple(module.path for module in sources if starts_git(module)),
        "glob_matchers": tuple(module.path for module in sources if matches_globs(module)),
        "import_circles": tuple(", ".join(circle) for circle in import_circles(modules)),
        "large_shapes": tuple(
            f"{name} ({size})" for name, size in sizes["shapes"] if size > shape_fields
        ),
    }
    values = {
        "code_lines": sum(map(count_code_lines, sources)),
        "lines_with_code": sum(map(count_lines_with_code, sources)),
        "run_modules": len(run),
        "run_classes": len(classes - exceptions(modules) - set(protocols(modules))),
        "guard_modules": len(hook_modules(root, package)),
        "median_lines": statistics.median(lengths),
        "longest_lines": max(lengths),
    }
    return House(values | {key: len(found) for key, found in names.items()}, names, sizes)


def hook_modules(root: Path, package: str) -> set[str]:
    """Return what `guard --staged` loads of the package, in a repository that is made for it."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(root.resolve() / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    author = ("-c", "user.name=house", "-c", "user.email=house@example.org")
    guard = (sys.executable, "-c", PROBE, package, "guard", "--staged")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "notes.txt").write_text("no code\n", encoding="utf-8")
        for command in (
            ("git", "init", "-q"),
            ("git", *author, "commit", "-q", "--allow-empty", "-m", "first"),
            ("git", "add", "notes.txt"),
            guard,
        ):
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
    loaded = set(re.findall(r"^import (\S+)$", done.stderr, flags=re.MULTILINE))
    return {name for name in loaded if name.startswith(f"{package}.")} - {f"{package}.__main__"}


def problems(house: House, budgets: Mapping[str, Any]) -> list[str]:
    """Return what is over its bound without a reason, and which entries of the budgets are stale.

    A measure is judged by `now` while it has one, and that may only stay while `at_most` is missed.
    """
    found = []
    for key, bound in budgets["measures"].items():
        value = house.values[key]
        if value > bound.get("now", bound["at_most"]):
            found.append(f"{LABELS[key]}: {value:g}, at most {_bound(bound)}")
        elif "now" in bound and value <= bound["at_most"]:
            found.append(f"{LABELS[key]}: {value:g} is within its bound: delete `now`")
    for kind, question in QUESTIONS.items():
        limit = budgets["limits"][kind]
        reasons = budgets.get(kind, {})
        large = {name: size for name, size in house.sizes[kind] if size > limit}
        found += [
            f"{kind}: {name} has {large[name]}, more than {limit}: {question}"
            for name in sorted(large.keys() - reasons.keys())
        ]
        found += [
            f"{kind}: {name} is not over {limit} any more: delete its entry"
            for name in sorted(reasons.keys() - large.keys())
        ]
        found += [
            f"{kind}: {name} has no reason"
            for name, reason in sorted(reasons.items())
            if len(reason.split()) < 3
        ]
    return found


def report(house: House, other: House | None, budgets: Mapping[str, Any]) -> Iterable[str]:
    """Return the lines to print: the table, the names behind its numbers, what is not in order."""
    yield f"{'':<54}{'value':>7}  {'at most':<18}{'' if other is None else 'other':>7}".rstrip()
    for key, label in LABELS.items():
        bound = _bound(budgets["measures"].get(key, {}))
        beside = "" if other is None else f"{other.values[key]:g}"
        yield f"{label:<54}{house.values[key]:>7g}  {bound:<18}{beside:>7}".rstrip()
    for key, found in house.names.items():
        yield f"\n{LABELS[key]}:"
        yield from (f"  {name}" for name in found)
    if wrong := problems(house, budgets):
        yield "\nnot in order:"
        yield from (f"  {line}" for line in wrong)


def main(arguments: list[str]) -> int:
    """Measure one checkout, or two, and print the result."""
    parser = argparse.ArgumentParser(description="Print the measures of the house.")
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, metavar="ROOT")
    parser.add_argument("--against", type=Path, metavar="OTHER_ROOT")
    asked = parser.parse_args(arguments)
    budgets = tomllib.loads(BUDGETS.read_text(encoding="utf-8"))
    limit = budgets["limits"]["shapes"]
    house = measure(asked.root, shape_fields=limit)
    other = measure(asked.against, shape_fields=limit) if asked.against else None
    sys.stdout.write("".join(f"{line}\n" for line in report(house, other, budgets)))
    return 0


def _bound(bound: Mapping[str, Any]) -> str:
    if not bound:
        return "-"
    return f"{bound['at_most']} (now {bound['now']})" if "now" in bound else f"{bound['at_most']}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
