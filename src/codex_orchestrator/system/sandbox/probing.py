"""Find out which layers work, by setting each up in a process that ends at once."""

import os

from codex_orchestrator.system.sandbox import kernel, landlock, launcher, orders
from codex_orchestrator.system.sandbox.orders import Orders
from codex_orchestrator.system.sandbox.report import Report

_REASONS = {
    kernel.ENOSYS: "the kernel lacks it",
    kernel.EOPNOTSUPP: "switched off at boot",
}
_USER = frozenset({orders.USER})
# One without the other is of no use: the old /proc would show every process.
_ROOT = frozenset({orders.MOUNT, orders.PID})
_STEPS = (
    (_USER, frozenset[str]()),
    (frozenset({orders.IPC}), _USER),
    (frozenset({orders.NET}), _USER),
    (_ROOT, _USER),
    (frozenset({orders.COPY_ON_WRITE}), _USER | _ROOT),
    (frozenset({orders.OTHER_USER}), _USER | _ROOT),
    (frozenset({orders.LANDLOCK}), frozenset[str]()),
    (frozenset({orders.SECCOMP}), frozenset[str]()),
    (frozenset({orders.KEYRING}), frozenset[str]()),
)
"""What is tried at once, and on top of what, when not all layers work together."""


def report_layers(wanted: Orders, report: Report) -> None:
    """Try every layer that was ordered and report `works=LAYER`, or `refused=LAYER: why`.

    All together first, which is what a start will do; only when that fails, one after the other.
    """
    layers = set(wanted.layers)
    refused: dict[str, str] = {}
    try:
        kernel.machine()
        abi = landlock.kernel_abi()
        wanted = wanted._replace(landlock_abi=min(abi, wanted.landlock_abi or abi))
        report.say(landlock_abi=wanted.landlock_abi)
    except OSError as error:
        refused[orders.LANDLOCK] = _REASONS.get(error.errno or 0, str(error.strerror))
        layers.discard(orders.LANDLOCK)
    if os.geteuid() != 0 and orders.OTHER_USER in layers:
        refused[orders.OTHER_USER] = "only root can change its user"
        layers.discard(orders.OTHER_USER)
    works = frozenset(layers)
    if _attempt(wanted._replace(layers=works)):
        works = frozenset()
        for names, needs in _STEPS:
            tried = names & layers
            if missing := sorted(needs - works):
                why = f"needs {missing[0]}"
            else:
                why = _attempt(wanted._replace(layers=needs | tried)) if tried else ""
            works |= frozenset() if why else tried
            refused |= dict.fromkeys(tried, why) if why else {}
    for layer in sorted(works):
        report.say(works=layer)
    for layer, why in sorted(refused.items()):
        report.say(refused=f"{layer}: {why}")


def _attempt(wanted: Orders) -> str:
    """Return why layers cannot be set up together; "" when they can."""
    reader, writer = os.pipe()
    launched = os.fork()
    if launched == 0:
        report = Report(writer)
        try:
            child = launcher.start(launcher.Launch(wanted, report, is_probe=True))
            _, status = os.waitpid(child, 0)
            if status:
                report.say(fault=f"the process ended with status {status}")
        except OSError as error:
            report.fault(error)
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8", errors="surrogateescape") as stream:
        lines = stream.read().splitlines()
    os.waitpid(launched, 0)
    faults = [line.partition("=")[2] for line in lines if line.startswith("fault=")]
    return faults[0] if faults else ""
