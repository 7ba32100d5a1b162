"""Run commands contained, as root or as an ordinary user, and tell what came of it.

Imported by tests, and run as a script in a process of its own: `run_contained` starts the script
as the wanted user, twice over, so that the command has a parent and a grandparent of its own user
with something to hide.
"""

import ctypes
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CANARY = "canary-4f1e7a90c2"
HERE = Path(__file__).resolve()
SOURCES = HERE.parents[2] / "src"
ORDINARY = 65532
SYSTEM_PYTHON = "/usr/bin/python3"


class Outcome:
    """What came of one command; `refused` says why it did not run at all."""

    def __init__(self, fields):
        self.__dict__.update(fields)
        self.text = self.output

    def __repr__(self):
        return f"Outcome({self.__dict__})"


def can_be_ordinary():
    """Say whether an ordinary user can be played: root, and a Python that others can read."""
    version = [SYSTEM_PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    return os.geteuid() == 0 and not subprocess.run(version, check=False).returncode


def lacking(*what):
    """Return the words before a command that is to run on a kernel which lacks something."""
    return (sys.executable, "-I", str(HERE.with_name("kernel_without.py")), *what, "--")


def python_for(uid):
    return sys.executable if uid == os.geteuid() else SYSTEM_PYTHON


def as_user(uid):
    """Return the words before a command that is to run as a user."""
    if uid == os.geteuid():
        return []
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]


def run_contained(argv, *, uid, base, bounds, layers=None, abi=None, wrap=(), **options):
    """Run a command below the layers; all of them when none are named."""
    request = {
        "argv": list(argv),
        "base": str(base),
        "bounds": bounds,
        "layers": None if layers is None else sorted(layers),
        "abi": abi,
        **options,
    }
    if os.geteuid() == 0:
        # Without any layer, what is tried here as root would be done to the machine.
        wrap = ("unshare", "--mount", "--propagation", "private", *wrap)
    environment = {"PATH": os.environ["PATH"], "CANARY": CANARY, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        [*wrap, *as_user(uid), python_for(uid), "-I", str(base / "contained.py"), "outer"],
        input=json.dumps(request),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    return Outcome(json.loads(done.stdout))


def main():
    if sys.argv[1] == "outer":
        again = [sys.executable, "-I", __file__, "inner"]
        os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
        keep_session_key()
        sys.exit(subprocess.run(again, check=False, close_fds=False).returncode)
    request = json.load(sys.stdin)
    sys.path.insert(0, os.path.join(request["base"], "src"))
    json.dump(contain(request), sys.stdout)


def keep_session_key():
    """Put a key where all processes of this session find it."""
    add_key, keyctl = (248, 250) if os.uname().machine == "x86_64" else (217, 219)
    libc = ctypes.CDLL(None)
    libc.syscall(ctypes.c_long(keyctl), ctypes.c_long(1), None)
    libc.syscall(
        ctypes.c_long(add_key),
        b"user",
        b"session-canary",
        b"x",
        ctypes.c_long(1),
        ctypes.c_long(-3),
    )


def contain(request):
    from codex_orchestrator.model.confinement import Confinement, GitPlaces, Limits, Network
    from codex_orchestrator.model.errors import OrchestratorError
    from codex_orchestrator.system.sandbox.child import Child
    from codex_orchestrator.system.sandbox.plan import make_orders
    from codex_orchestrator.system.sandbox.probe import Probe, probe_layers, with_bubblewrap

    bounds = request["bounds"]
    bounds["network"] = Network(bounds.get("network", "loopback"))
    bounds["limits"] = Limits(**bounds.get("limits", {}))
    for name in ("write", "read", "caches"):
        bounds[name] = tuple(bounds.get(name, ()))
    if bounds.get("git"):
        bounds["git"] = GitPlaces(*bounds["git"])
    argv = [
        item.replace("{parent}", str(os.getpid())).replace("{grandparent}", str(os.getppid()))
        for item in request["argv"]
    ]
    cache = Path(request["base"], f"cache-{os.getuid()}")
    cache.mkdir(mode=0o700, exist_ok=True)
    probe = probe_layers(cache, path=request.get("path", "/nonexistent"))
    if request.get("assume"):
        probe = Probe(frozenset(request["assume"]), {}, 7)
    if request["layers"] is not None:
        probe = probe.only(request["layers"])
    if request["abi"] is not None:
        probe = probe._replace(landlock_abi=min(request["abi"], probe.landlock_abi))
    if request.get("bubblewrap"):
        probe = with_bubblewrap(probe, path=request["bubblewrap"])
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(dir=request["base"], prefix="scratch-") as scratch:
        for name in ("home", "tmp"):
            os.mkdir(os.path.join(scratch, name))
        orders = make_orders(
            Confinement(**bounds),
            probe,
            argv,
            cwd=request.get("cwd") or bounds["write"][0],
            scratch=scratch,
            grace_s=request.get("grace_s", 0.5),
        )
        try:
            with Child(orders) as child:
                output, ended = follow(child, request)
        except OrchestratorError as error:
            return {"problem": str(error)}
    facts = child.facts
    return {
        "exit": child.number("exit"),
        "output": output.decode("utf-8", "replace"),
        "ended": ended,
        "problem": child.problem,
        "limit": child.limit,
        "left": child.number("left"),
        "survivors": child.survivors,
        "limits": dict(facts.limits),
        "layers": list(facts.layers),
        "network": facts.network.value,
        "refused": dict(probe.refused),
        "seconds": time.monotonic() - begun,
    }


def follow(child, request):
    """Read what is printed, up to a bound, until the report ends."""
    deadline = time.monotonic() + request.get("timeout_s", 60)
    most = request.get("max_output", 1 << 20)
    output, ended, waiting = b"", "", {child.status, child.output}
    while child.status in waiting:
        ready, _, _ = select.select(list(waiting), [], [], 0.05)
        if child.status in ready and not child.hear():
            waiting.discard(child.status)
        if child.output in ready:
            data = child.read()
            output += data[: most - len(output)]
            if not data:
                waiting.discard(child.output)
            elif len(output) >= most and not ended:
                ended = "output"
                child.end()
        if time.monotonic() > deadline and not ended and not child.is_over:
            ended = "time"
            child.end()
    while len(output) < most and (data := child.read()):
        output += data
    return output[:most], ended


if __name__ == "__main__":
    main()
