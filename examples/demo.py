"""Run the main job on `examples/inventory`, with no key and no network, and show what it made.

Everything happens in a scratch git repository, `.cache/demo/inventory` unless a folder is named.
Each step is the command that you would type yourself; the script checks what came of it and stops
at the first surprise.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCRATCH = Path(*sys.argv[1:2] or [str(HERE.parent / ".cache" / "demo")]).absolute() / "inventory"
PROGRAM = Path(sys.executable).with_name("codex-orchestrator")
SPEC = "tasks/specs/0001-structured-logging.md"
# A model or a token of the caller must not change what the demo shows.
UNWANTED = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GITHUB_TOKEN", "GH_TOKEN", "GITHUB_STEP_SUMMARY")
PREFIXES = ("CODEX_ORCHESTRATOR_", "GIT_", "GITHUB_")


class Surprise(Exception):  # noqa: N818 - it is no error of the product's tree
    """Something came out other than the demo says."""


def main() -> int:
    """Run all steps and return the exit code."""
    started = time.monotonic()
    try:
        prepare()
        manifest = run_the_task()
        show(manifest)
        deliver(manifest)
        refuse_the_wrong_task()
        check_the_checkout()
    except Surprise as surprise:
        print(f"\nThe demo stops here: {surprise}", file=sys.stderr)
        return 1
    print(f"\nDone in {time.monotonic() - started:.0f} s. Look around in {shown(SCRATCH)}")
    return 0


def prepare() -> None:
    """Make a git repository of the example, and attest the review of its spec."""
    title("A repository with a spec, a task and tests")
    shutil.rmtree(SCRATCH, ignore_errors=True)
    shutil.copytree(
        HERE / "inventory",
        SCRATCH,
        ignore=shutil.ignore_patterns("__pycache__", ".runs", "out", "dist"),
    )
    git("init", "--quiet", "--initial-branch=main")
    git("config", "user.name", "Demo")
    git("config", "user.email", "demo@example.org")
    commit("Add the inventory")
    print("The spec guard lets nothing start whose spec was not reviewed in the last 30 days.")
    tool("guard", "accept", SPEC, "--reviewer", "Demo Reviewer", "--role", "architecture")
    commit("Review the logging spec")


def run_the_task() -> Path:
    """Hand the task to the agents and return the path of the manifest."""
    title("A task for the four agents: planner, builder, tester, reviewer")
    answer = tool_json("run", "tasks/0001-structured-logging.md")
    expect(answer["verdict"] == "approved", f"the verdict is {answer['verdict']}")
    return SCRATCH / str(answer["manifest_path"])


def show(path: Path) -> None:
    """Show what the run left: plan, diff, test result, review."""
    manifest = json.loads(path.read_bytes())
    folder = path.parent
    title("The plan")
    for item in manifest["plan"]["items"]:
        print(f"  {item['id']}: {item['title']}")
    title("The diff")
    print((folder / "diff.patch").read_text(encoding="utf-8").rstrip())
    title("The test result: exit codes and tests by name decide")
    for check in manifest["validations"]:
        print(f"  {check['status']} (exit {check['exit_code']}): {shlex.join(check['command'])}")
        log = (folder / check["log_path"]).read_text(encoding="utf-8")
        print("".join(f"    {line}\n" for line in log.splitlines()[-3:]), end="")
    title("The review, as it would be posted")
    print((folder / "review.md").read_text(encoding="utf-8").rstrip())
    usage = manifest["usage"]
    print(f"\n  model {manifest['engine']['model']}: {usage['requests']} requests")
    expect(usage["requests"] >= 4, "fewer model requests than agents")


def deliver(path: Path) -> None:
    """Sync to the catalog, twice, and verify every hash."""
    run_id = path.parent.name
    title("The manifest, its receipt from the catalog, and a check of every hash")
    print(f"  manifest: {shown(path)}")
    first = tool_json("sync", run_id)
    print(json.dumps(first, indent=2))
    print("A second sync finds nothing to do:")
    tool("sync")
    tool("runs", "verify")
    tool("audit", "verify")


def refuse_the_wrong_task() -> None:
    """Run a task whose change breaks a test: it must not pass."""
    title("A task that breaks a test does not pass")
    answer = tool_json("run", "tasks/0002-silent-report.md", exit_code=1)
    expect(answer["verdict"] == "failed", f"the verdict is {answer['verdict']}")
    manifest = json.loads((SCRATCH / answer["manifest_path"]).read_bytes())
    failures = [name for check in manifest["validations"] for name in check["failures"]]
    expect(bool(failures), "no failing test is named")
    print("  failing:", *failures, sep="\n    ")


def check_the_checkout() -> None:
    """Show that the work happened elsewhere: the checkout is as it was."""
    title("Your checkout is untouched; the result is a branch")
    status = git("status", "--porcelain")
    expect(not status, f"git status says: {status}")
    print(git("log", "--oneline", "--decorate", "--branches=codex-orchestrator", "-n", "2"), end="")


def tool(*arguments: str, exit_code: int = 0) -> str:
    """Show and run a command of the product; return its stdout."""
    print(f"\n$ codex-orchestrator {shlex.join(arguments)}", flush=True)
    done = subprocess.run(
        [PROGRAM, *arguments],
        cwd=SCRATCH,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if "--format" not in arguments:
        print(done.stdout, end="", flush=True)
    expect(done.returncode == exit_code, f"exit code {done.returncode} instead of {exit_code}")
    return done.stdout


def tool_json(*arguments: str, exit_code: int = 0) -> Any:
    """Show and run a command of the product; return the document on its stdout."""
    return json.loads(tool(*arguments, "--format", "json", exit_code=exit_code))


def git(*arguments: str) -> str:
    """Run git in the scratch repository and return its stdout."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=SCRATCH,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    expect(done.returncode == 0, f"git {arguments[0]} failed with exit code {done.returncode}")
    return done.stdout


def commit(message: str) -> None:
    """Commit everything."""
    git("add", "--all")
    git("commit", "--quiet", "--message", message)


def environment() -> dict[str, str]:
    """Return the caller's environment without what could change the outcome."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in UNWANTED and not name.startswith(PREFIXES)
    }


def shown(path: Path) -> str:
    """Return a path as a person would type it from here."""
    return os.path.relpath(path)


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n━━ {text}", flush=True)


def expect(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - reads like an assertion
    """Stop the demo unless something is so."""
    if not is_so:
        raise Surprise(otherwise)


if __name__ == "__main__":
    sys.exit(main())
