"""The harness: interleaved rounds, medians, ratios of one run, a Markdown table.

Milliseconds move with the machine; ratios inside one table hold. Every table names its base.
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Measured(NamedTuple):
    """What one case took: seconds per round, and the most memory that a process of it held."""

    seconds: tuple[float, ...]
    peak_mb: float

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


class Process(NamedTuple):
    """A command to start and wait for, and what to do before it, outside the clock."""

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str] | None = None
    before: Callable[[], None] | None = None
    accepted: frozenset[int] = frozenset({0})

    def run(self) -> tuple[float, float]:
        """Run once; return wall seconds and peak memory in MB."""
        if self.before is not None:
            self.before()
        null = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
        here = os.getcwd()
        os.chdir(self.cwd)
        try:
            start = time.perf_counter()
            pid = os.posix_spawnp(
                self.argv[0], self.argv, self.env or os.environ, file_actions=actions
            )
            _, status, usage = os.wait4(pid, 0)
            taken = time.perf_counter() - start
        finally:
            os.chdir(here)
            os.close(null)
        code = os.waitstatus_to_exitcode(status)
        if code not in self.accepted:
            raise RuntimeError(f"exit {code}: {' '.join(self.argv)[:200]}")
        return taken, usage.ru_maxrss / 1024


def interleave(cases: Mapping[str, Process], *, rounds: int, warm: int = 2) -> dict[str, Measured]:
    """Run all cases round by round, so that a busy moment of the machine hits each of them."""
    for _ in range(warm):
        for case in cases.values():
            case.run()
    taken: dict[str, list[float]] = {name: [] for name in cases}
    peak = dict.fromkeys(cases, 0.0)
    for _ in range(rounds):
        for name, case in cases.items():
            seconds, memory = case.run()
            taken[name].append(seconds)
            peak[name] = max(peak[name], memory)
    return {name: Measured(tuple(taken[name]), peak[name]) for name in cases}


def table(title: str, measured: Mapping[str, Measured], *, floor: float, floor_name: str) -> str:
    """Return a Markdown table with medians and ratios to a floor in seconds."""
    rounds = len(next(iter(measured.values())).seconds)
    lines = [
        f"### {title}",
        "",
        (
            f"Floor = {floor_name} = {floor * 1e3:.1f} ms = 1.00x. "
            f"Medians of {rounds} interleaved rounds."
        ),
        "",
        "| case | median ms | min ms | max ms | x floor | peak MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, result in measured.items():
        lines.append(
            f"| {name} | {result.median * 1e3:.1f} | {min(result.seconds) * 1e3:.1f} "
            f"| {max(result.seconds) * 1e3:.1f} | {result.median / floor:.2f} "
            f"| {result.peak_mb:.0f} |"
        )
    return "\n".join([*lines, ""])
