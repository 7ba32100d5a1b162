"""A run that stopped before its end, for the job summary: what is asked, and how to go on."""

from typing import NamedTuple

from codex_orchestrator.text.markdown import Markdown, code, line


class HowToGoOn(NamedTuple):
    """What the next workflow run has to be told. `wanted` is empty when nothing is asked."""

    task: str
    run_id: str
    manifest_sha256: str
    workflow_run: str
    artifact: str
    wanted: tuple[str, ...] = ()


def stopped_summary(state: str, reason: str, how: HowToGoOn) -> Markdown:
    """Return what a run waits for, or why it was interrupted, and the inputs that resume it."""
    what = "waits for an approval" if state == "waiting" else "was interrupted"
    inputs = [
        ("task", how.task),
        ("resume", how.run_id),
        ("resume-workflow-run", how.workflow_run),
        ("resume-artifact", how.artifact),
        ("resume-manifest-sha256", how.manifest_sha256),
        *(("approve", one) for one in how.wanted),
    ]
    rows = "\n".join(f"| `{name}` | {code(value)} |" for name, value in inputs if value)
    asked = (
        "It is granted by whoever starts the workflow with these inputs, and needs write access. "
        "Each value of `approve` goes on a line of its own."
        if how.wanted
        else "Its work is in the artifact. These inputs of the workflow go on with it."
    )
    return Markdown(
        f"## Run {code(how.run_id)} {what}\n\n{line(reason)}\n\n{asked}\n\n"
        f"| input | value |\n| --- | --- |\n{rows}"
    )
