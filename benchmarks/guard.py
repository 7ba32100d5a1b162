"""Measure the whole guard hook against its floor: `import click` plus the two git calls it needs.

    python benchmarks/guard.py [--specs 1000 10000] [--files 100000] [--rounds 9] [--work FOLDER]

The floor's parts are timed alone and added up. Peers: node's start, a naive guard with PyYAML.
A goal is a ratio to the floor of the same run; on a busy machine take the best of three runs.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchlib import Measured, Process, interleave, table

WARM, COLD = "guard, warm cache", "guard, no cache"
HERE = Path(__file__).resolve().parent
CACHE = ".git/codex-orchestrator-guard.cache"
FLOOR = ("python -c 'import click'", "git diff --cached", "git ls-files -s")


def cases_for(repo: Path, *, has_naive: bool) -> dict[str, Process]:
    """Return what to run in one repository."""
    cwd, python = str(repo), sys.executable
    guard = [str(Path(python).with_name("codex-orchestrator")), "guard"]
    raw = ["--raw", "-z", "--no-abbrev", "--no-renames"]
    cases = {
        "python -c pass": Process([python, "-c", "pass"], cwd),
        FLOOR[0]: Process([python, "-c", "import click"], cwd),
        FLOOR[1]: Process(["git", "diff", "--cached", *raw], cwd),
        FLOOR[2]: Process(["git", "ls-files", "-s", "-z", "--", "tasks/specs"], cwd),
        WARM: Process(guard, cwd),
        COLD: Process(guard, cwd, before=lambda: _drop(repo)),
    }
    if node := shutil.which("node"):
        cases["node -e 0"] = Process([node, "-e", "0"], cwd)
    if has_naive:
        cases["naive guard (PyYAML)"] = Process([python, str(HERE / "naive_guard.py")], cwd)
    return cases


def _drop(repo: Path) -> None:
    (repo / CACHE).unlink(missing_ok=True)


def measure(title: str, repo: Path, *, rounds: int, has_naive: bool) -> dict[str, Measured]:
    """Measure one repository and print its table."""
    cases = cases_for(repo, has_naive=has_naive)
    # The warm case must not follow the one that drops the cache: it refills it itself.
    cases[WARM] = cases[WARM]._replace(before=_refill(cases))
    measured = interleave(cases, rounds=rounds)
    floor = sum(measured[name].median for name in FLOOR)
    print(table(title, measured, floor=floor, floor_name=" + ".join(FLOOR)))
    return measured


def _refill(cases: dict[str, Process]):
    guard = cases[WARM]
    return lambda: guard.run() and None


GOALS = {(1000, WARM): 0.75, (10_000, WARM): 1.5, (10_000, COLD): 6.0, (100_000, WARM): 1.5}
MEMORY_GOAL_MB = 60


def judge(size: int, measured: dict[str, Measured]) -> list[str]:
    """Print each goal with what was measured, and return the ones that were missed."""
    floor = sum(measured[name].median for name in FLOOR)
    missed = []
    for (wanted, case), goal in GOALS.items():
        if wanted == size:
            ratio = measured[case].median / floor
            print(f"goal: {case} at {size} ≤ {goal} x floor; measured {ratio:.2f} x")
            missed += [f"{case} at {size}"] if ratio > goal else []
    peak = max(measured[case].peak_mb for case in (WARM, COLD))
    print(f"goal: memory at {size} < {MEMORY_GOAL_MB} MB; measured {peak:.0f} MB\n")
    return missed + ([f"memory at {size}"] if peak >= MEMORY_GOAL_MB else [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specs", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--files", type=int, default=100_000, help="0 leaves the big one out")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--work", type=Path, help="keep the repositories here")
    args = parser.parse_args()
    work = args.work or Path(tempfile.mkdtemp(prefix="guard-bench-"))
    sizes = [(size, size, 500) for size in args.specs]
    sizes += [(args.files, 200, args.files)] if args.files else []
    missed = []
    try:
        for size, specs, code in sizes:
            repo = work / f"{specs}-{code}-{datetime.now(UTC).date()}"
            if not repo.exists():
                # In a process of its own: what this one holds would count as its children's peak.
                make = [
                    sys.executable,
                    str(HERE / "guard_repo.py"),
                    str(repo),
                    f"{specs}",
                    f"{code}",
                ]
                subprocess.run(make, check=True)
            title = f"{specs} specs, {code} code files"
            measured = measure(title, repo, rounds=args.rounds, has_naive=specs == 1000)
            missed += judge(size, measured)
    finally:
        if args.work is None:
            shutil.rmtree(work)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
