"""Fill the parts of README.md that are made from other files; `--check` only compares.

A part stands between `<!-- made: NAME -->` and `<!-- end -->`.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def help_text() -> str:
    """Return what `codex-orchestrator --help` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "codex_orchestrator", "--help"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={"PATH": os.defpath, "COLUMNS": "100", "LC_ALL": "C.UTF-8"},
    )
    return f"```text\n$ codex-orchestrator --help\n{done.stdout}```"


def inputs() -> str:
    """Return the table of the action's inputs."""
    rows = [
        f"| `{name}` | {_code(facts.get('default', ''))} | {facts['description'].strip()} |"
        for name, facts in _action()["inputs"].items()
    ]
    return "\n".join(["| input | default | what it is |", "|---|---|---|", *rows])


def outputs() -> str:
    """Return the table of the action's outputs."""
    rows = [
        f"| `{name}` | {facts['description'].strip()} |"
        for name, facts in _action()["outputs"].items()
    ]
    return "\n".join(["| output | what it is |", "|---|---|", *rows])


def hooks() -> str:
    """Return the table of the hooks."""
    rows = [
        f"| `{hook['id']}` | {', '.join(hook['stages'])} | {hook['description']} |"
        for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    ]
    return "\n".join(["| hook | when | what it does |", "|---|---|---|", *rows])


PARTS: dict[str, Callable[[], str]] = {
    "help": help_text,
    "inputs": inputs,
    "outputs": outputs,
    "hooks": hooks,
}


def main(arguments: list[str]) -> int:
    """Write README.md again, or say whether it is as it would be written."""
    before = README.read_text(encoding="utf-8")
    after = before
    for name, make in PARTS.items():
        part = re.compile(rf"(<!-- made: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        found = list(part.finditer(after))
        if len(found) != 1:
            sys.stderr.write(f"README.md needs `<!-- made: {name} -->` and `<!-- end -->` once\n")
            return 2
        after = f"{after[: found[0].end(1)]}{make()}\n{after[found[0].start(2) :]}"
    if arguments == ["--check"]:
        if after != before:
            sys.stderr.write("README.md is not what `make readme` writes\n")
        return int(after != before)
    README.write_text(after, encoding="utf-8")
    return 0


def _action() -> dict[str, dict[str, dict[str, str]]]:
    action: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(
        (ROOT / "action.yml").read_text("utf-8")
    )
    return action


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
