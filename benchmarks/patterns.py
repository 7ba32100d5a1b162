"""How fast are the library's rules over a source tree, against the ast-grep command itself?

The tree is the standard library of the running Python. Both read the same compiled lint rules; the
command uses one thread, as we do. Hits are compared before anything is measured.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from benchlib import Process, interleave, table

from codex_orchestrator.patterns.build import build_index, compiled_files, write_compiled
from codex_orchestrator.patterns.library import Library, built_in_folder

GOAL = 1.5
ROUNDS = 7
COMMAND = "ast-grep scan, one thread"
LINT = "codex-orchestrator patterns lint"
RARE = "codex-orchestrator patterns apply py-utcnow --dry-run"
FOLDERS = ("asyncio", "concurrent", "email", "http", "importlib", "json", "unittest", "xml")


def make_tree(place: Path) -> tuple[Path, float]:
    """Copy modules into a git repository; return it and its size in MB."""
    library = Path(sysconfig.get_path("stdlib"))
    tree = place / "tree"
    tree.mkdir()
    for source in [
        *library.glob("*.py"),
        *(p for f in FOLDERS for p in library.glob(f"{f}/**/*.py")),
    ]:
        target = tree / source.relative_to(library)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    subprocess.run(["git", "-C", str(tree), "add", "."], check=True)
    return tree, sum(path.stat().st_size for path in tree.rglob("*.py")) / 1e6


def make_rules(place: Path) -> list[str]:
    """Compile the lint rules alone, and return the command that scans with them."""
    index, assets = build_index(built_in_folder())
    linters = tuple(asset for asset in assets if asset.facts.kind == "linter")
    write_compiled(compiled_files(index, linters), place / "rules")
    (place / "rules" / "codemods").mkdir()
    program = str(Path(sys.executable).with_name("ast-grep"))
    config = str(place / "rules" / "sgconfig.yml")
    return [program, "scan", "-c", config, "--threads", "1", "--json=stream", "."]


def main() -> int:
    """Compare hits, measure, print the table, and return 1 when the goal is missed."""
    if not Path(sys.executable).with_name("ast-grep").exists():
        print("not measured: the package ast-grep-cli is not installed")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        tree, size_mb = make_tree(Path(folder))
        command = make_rules(Path(folder))
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
        theirs = sorted(json.loads(line)["ruleId"] for line in done.stdout.splitlines())
        findings = Library.open(tree).lint(tree)
        ours = sorted(f.rule for f in findings if f.rule != "pattern-not-checked")
        if ours != theirs:
            print(f"the engines disagree: {len(ours)} hits here, {len(theirs)} there")
            return 1
        own = [sys.executable, "-m", "codex_orchestrator", "patterns"]
        cwd = os.fspath(tree)
        found = frozenset({0, 1})
        measured = interleave(
            {
                COMMAND: Process(command, cwd, accepted=found),
                LINT: Process([*own, "lint", "--format", "json"], cwd, accepted=found),
                RARE: Process([*own, "apply", "py-utcnow", "--dry-run"], cwd),
            },
            rounds=ROUNDS,
            warm=1,
        )
    floor = measured[COMMAND].median
    title = f"Lint rules over {size_mb:.1f} MB of Python, {len(ours)} hits each"
    print(table(title, measured, floor=floor, floor_name=COMMAND))
    ratio = measured[LINT].median / floor
    print(f"Goal: {LINT} ≤ {GOAL}x {COMMAND}. Measured: {ratio:.2f}x\n")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
