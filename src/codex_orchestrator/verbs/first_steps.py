"""The way from `init` to the first run. Only a person approves the spec."""

from collections.abc import Sequence

from codex_orchestrator.guard.frontmatter import read_mapping
from codex_orchestrator.guard.specs import DRAFT
from codex_orchestrator.verbs.starter_files import SPEC, TASK


def first_steps(present: Sequence[str], spec: bytes | None) -> tuple[str, ...]:
    """Return the commands from here to the first run, to be pasted into a shell.

    Args:
        present: the files of `init` that are there, or will be.
        spec: the first spec as it is; None when it is not there yet.
    """
    if SPEC not in present or not _is_draft(spec):
        return ("codex-orchestrator doctor",)
    return (
        f'"${{EDITOR:-vi}}" {SPEC} {TASK}',
        f"git add {' '.join(present)}",
        'git commit -m "Set up Codex Orchestrator, with a first spec as a draft"',
        f'codex-orchestrator guard accept {SPEC} --reviewer "$(git config user.name)"',
        f'git commit -m "Approve the first spec" {SPEC}',
        "codex-orchestrator run 0001-first-change",
    )


def _is_draft(spec: bytes | None) -> bool:
    front = read_mapping(spec) if spec is not None else None
    return front is None or (not isinstance(front, str) and front.values.get("status") == DRAFT)
