"""What does it cost to contain a check, and to find out which layers a machine has?

Goal: a contained check takes at most 15 ms more than the same check uncontained (medians of pairs,
side by side), and the probe at most 30 ms.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from codex_orchestrator.model.confinement import Confinement, Limits
from codex_orchestrator.model.confinement_policy import HOME_TOOLS, confine_check
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.process import run_process
from codex_orchestrator.system.sandbox import orders
from codex_orchestrator.system.sandbox.plan import existing_folders
from codex_orchestrator.system.sandbox.probe import Probe, ask_launcher, probe_layers

ROUNDS = int(os.environ.get("CODEX_ORCHESTRATOR_ROUNDS", "41"))
MOST_MORE_MS = 15.0
MOST_PROBE_MS = 30.0
NO_LIMITS = Limits(*(0 for _ in Limits()))
NAMESPACES = (*orders.NAMESPACES, orders.OTHER_USER, orders.COPY_ON_WRITE)


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name).resolve()
        repository = base / "main"
        git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run([*git, "init", "-q", repository], check=True)
        subprocess.run(
            [*git, "commit", "-q", "--allow-empty", "-m", "first"], cwd=repository, check=True
        )
        tree = base / "tree"
        subprocess.run(
            [*git, "worktree", "add", "-q", "--detach", tree], cwd=repository, check=True
        )
        (base / "cache").mkdir(mode=0o700)
        found = ask_launcher()
        cases: dict[str, Callable[[], None]] = {
            "the program alone": lambda: _alone(tree),
            "uncontained": lambda: _uncontained(base, tree),
            "limits only": lambda: _contained(base, tree, found.only([])),
            "Landlock, seccomp, keyring": lambda: _contained(
                base, tree, _without(found, NAMESPACES)
            ),
            "namespaces only": lambda: _contained(base, tree, found.only(NAMESPACES)),
            "all layers": lambda: _contained(base, tree, found),
            "probe": lambda: _ask(found),
            "probe, kept": lambda: _kept(base),
        }
        taken = _measure(cases)
        print(f"layers here: {', '.join(sorted(found.works))}\n")
    return _judge(taken)


def _alone(tree: Path) -> None:
    subprocess.run(["/bin/true"], cwd=tree, env={}, check=True)


def _uncontained(base: Path, tree: Path) -> None:
    environment = child_environment(os.environ)
    bounds = Confinement((str(tree),), environment=environment, limits=NO_LIMITS)
    _run(base, tree, bounds, Probe())


def _contained(base: Path, tree: Path, layers: Probe) -> None:
    home = os.environ.get("HOME", "")
    bounds = confine_check(
        tree=str(tree),
        log_folder="",
        environ=child_environment(os.environ),
        tools=existing_folders(home, (tool.folder for tool in HOME_TOOLS)),
    )
    _run(base, tree, bounds, layers)


def _run(base: Path, tree: Path, bounds: Confinement, layers: Probe) -> None:
    log = base / "log"
    log.unlink(missing_ok=True)
    result = run_process(
        ["true"], cwd=tree, bounds=bounds, layers=layers, timeout_s=60, log_path=log
    )
    if result.exit_code != 0:
        raise RuntimeError(str(result))


def _without(found: Probe, layers: Iterable[str]) -> Probe:
    return found.only(found.works - {*layers})


def _ask(found: Probe) -> None:
    if ask_launcher() != found:
        raise RuntimeError("the layers of this machine change")


def _kept(base: Path) -> None:
    probe_layers(base / "cache")


def _measure(cases: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(ROUNDS + 2):
        for name, run in cases.items():
            start = time.perf_counter()
            run()
            if number >= 2:
                taken[name].append((time.perf_counter() - start) * 1e3)
    return taken


def _judge(taken: dict[str, list[float]]) -> int:
    base = taken["uncontained"]
    print("| case | median ms | least ms | more than uncontained, median of pairs |")
    print("|---|---:|---:|---:|")
    more = {}
    for name, values in taken.items():
        more[name] = statistics.median(
            value - before for value, before in zip(values, base, strict=True)
        )
        print(
            f"| {name} | {statistics.median(values):.1f} | {min(values):.1f} | {more[name]:+.1f} |"
        )
    probe = statistics.median(taken["probe"])
    print(
        f"\ngoals: all layers {more['all layers']:+.1f} ms (at most {MOST_MORE_MS:+.0f}), ", end=""
    )
    print(f"probe {probe:.1f} ms (at most {MOST_PROBE_MS:.0f})")
    return int(more["all layers"] > MOST_MORE_MS or probe > MOST_PROBE_MS)


if __name__ == "__main__":
    sys.exit(main())
