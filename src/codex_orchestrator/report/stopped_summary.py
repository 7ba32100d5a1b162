"""The job summary of a run that stopped before its end: what it asks for and how to resume it."""

from collections.abc import Iterable, Mapping

from codex_orchestrator.text.markdown import Markdown, code, line, table


def stopped_summary(
    state: str, reason: str, *, inputs: Mapping[str, str], wanted: Iterable[str]
) -> Markdown:
    """Return what a run waits for, or why it was interrupted, and the inputs that resume it.

    Args:
        state: `waiting` or `interrupted`.
        reason: why it stopped.
        inputs: the inputs of the next workflow run, `resume` with the run's id among them.
        wanted: the escalations to approve (`KIND:VALUE`); empty if there are none.
    """
    what = "waits for an approval" if state == "waiting" else "was interrupted"
    approvals = [("approve", value) for value in wanted]
    given = [*inputs.items(), *approvals]
    rows = ((f"`{name}`", code(value)) for name, value in given if value)
    asked = (
        "It is granted by whoever starts the workflow with these inputs, and needs write access. "
        "Each value of `approve` goes on a line of its own."
        if approvals
        else "Its work is in the artifact. These inputs of the workflow go on with it."
    )
    return Markdown(
        f"## Run {code(inputs['resume'])} {what}\n\n{line(reason)}\n\n{asked}\n\n"
        f"{table(('input', 'value'), rows)}"
    )
