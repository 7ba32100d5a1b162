"""The text of a new spec, from the template."""

from collections.abc import Sequence

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.globs import glob_problem
from codex_orchestrator.text.names import is_identifier

_TEMPLATE = """\
---
id: {spec_id}
title: {title}
status: draft
owners: {owners}
approvals: []
paths:{paths}
---
# {heading}
{origin}
## Goal

What should be true afterwards, and for whom. One paragraph.

## Design

What changes, where, and what was decided against.

## Limits

What must not happen: data, permissions, secrets, performance.

## Done when

How a reviewer can see that it works: commands, tests, numbers.
"""


def spec_text(
    spec_id: str,
    *,
    title: str,
    paths: Sequence[str],
    owners: Sequence[str] = (),
    origin: str = "",
) -> str:
    """Return the text of a new draft.

    Args:
        spec_id: its id.
        title: one line.
        paths: globs of the code that it owns.
        owners: who answers for it; printable.
        origin: Markdown on what it was derived from; "" when a person begins it.

    Raises:
        InputError: id, title or a glob is not valid.
    """
    if not is_identifier(spec_id):
        raise InputError(
            f"{spec_id!r} is not a valid id",
            field="ID",
            fix="use lowercase letters, digits, `.`, `_`, `-`; at most 64 characters",
        )
    if not title.strip() or not title.isprintable() or len(title) > 200:
        raise InputError("a title has 1 to 200 visible characters", field="--title")
    for glob in paths:
        problem = glob_problem(glob) or ("" if glob.isprintable() else "has a hidden character")
        if problem:
            raise InputError(f"{glob!r} {problem}", field="--paths")
    listed = "".join(f"\n  - {quote(glob)}" for glob in paths) or " []"
    return _TEMPLATE.format(
        spec_id=spec_id,
        title=quote(title),
        owners=f"[{', '.join(map(quote, owners))}]",
        paths=listed,
        heading=title,
        origin=f"\n{origin}\n" if origin else "",
    )


def quote(text: str) -> str:
    """Return a YAML scalar in quotes; the text must be printable."""
    return "'" + text.replace("'", "''") + "'" if '"' in text or "\\" in text else f'"{text}"'
