"""What holds of a run's change whatever made it: its spec, protected paths, secrets."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from codex_orchestrator.model.approval import protected_change
from codex_orchestrator.model.document import Document
from codex_orchestrator.model.errors import LEAKED, InputError, LimitReachedError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.policy import Policy, Rails
from codex_orchestrator.pipeline.request import RunRequest
from codex_orchestrator.text.shown import one_line

if TYPE_CHECKING:
    from codex_orchestrator.pipeline.record import RunRecord
    from codex_orchestrator.pipeline.run import Run
    from codex_orchestrator.pipeline.services import Services
    from codex_orchestrator.text.secrets import Redactor
    from codex_orchestrator.workspace.tree import GitWorkTree
    from codex_orchestrator.workspace.worktree import GitWorkspace

PYPROJECT = "pyproject.toml"
REFS_CHANGED = "run/refs-changed"
_Document = TypeVar("_Document", bound=Document)


def rails_of(
    request: RunRequest, services: "Services", tree: "GitWorkTree", policy: Policy
) -> Rails:
    """Return what the agents' guardrails check in one work tree of a run."""
    guard, redactor = services.rooms.guard, services.evidence.redactor

    def spec() -> str:
        today = services.ambient.now()[:10]
        found = guard.check_task(request.task.task, base_sha=tree.base_sha, as_of=today)
        return "; ".join(one.message for one in found if one.severity is Severity.ERROR)

    def protected() -> tuple[str, ...]:
        return tuple(path for path in tree.change().paths if policy.protecting_rule(path))

    def secrets(text: str) -> str:
        found = redactor.names_in(text.encode("utf-8", "surrogatepass"))
        return f"the answer holds a secret: {', '.join(found)}" if found else ""

    return Rails(spec, protected, secrets, redactor.redact_json)


def secrets_in_change(tree: "GitWorkTree", services: "Services") -> tuple[str, ...]:
    """Return the names of the secrets that a change brings; what stands in the base is none."""
    return new_secrets(tree.changed_content(), tree, services)


def new_secrets(data: bytes, tree: "GitWorkTree", services: "Services") -> tuple[str, ...]:
    """Return the names of the secrets in some data that do not stand in the base.

    Tokens that stand there are not masked any more.
    """
    redactor = services.evidence.redactor
    hits = redactor.hits(data)
    found = {(hit.name, data[hit.start : hit.end].decode("utf-8", "replace")) for hit in hits}
    texts = {text for _, text in found}
    in_base = services.rooms.workspace.texts_at(tree.base_sha, texts) if texts else ()
    redactor.leave_tokens(in_base)
    return tuple(sorted({name for name, text in found if text not in in_base}))


def require_no_secret(tree: "GitWorkTree", services: "Services") -> None:
    """Check that the change brings no secret before its code is run.

    Raises:
        LimitReachedError: names the variables, or the kinds of token, never a value.
    """
    found = secrets_in_change(tree, services)
    if found:
        raise LimitReachedError(
            f"the change holds a secret: {', '.join(found)}; no branch is made of it, and its "
            "patch is masked",
            fix="find what put it there, and change the secret; where it is none, name the "
            "variable in credentials.not_secret",
            reason=LEAKED,
        )


def masked(document: _Document, redactor: "Redactor") -> _Document:
    """Return a document with every text in it masked, before it becomes JSON.

    Raises:
        InputError: a name or an id in it is a secret, and cannot be masked.
    """
    facts = document.model_dump(mode="json", by_alias=True)
    found = redactor.names_in(json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace"))
    if not found:
        return document
    try:
        return type(document).model_validate(redactor.redact_json(facts))
    except ValidationError as error:
        raise InputError(
            f"a name in the record of the run holds a secret: {', '.join(found)}",
            fix="give tasks, items and files names without it",
        ) from error


def note_unmasked(record: "RunRecord", services: "Services") -> None:
    """Say once which variables are not masked although they are named like secrets."""
    name, unmasked = "unmasked-variables", services.evidence.unmasked
    if not unmasked or any(known.name == name for known in record.manifest.guardrails):
        return
    reasons = "; ".join(f"{one.name} ({one.why})" for one in unmasked)
    detail = f"named like secrets, and not masked: {reasons}"
    services.terminal.progress(detail)
    record.guardrail(name, "noted", detail)


def require_granted_change(
    tree: "GitWorkTree", policy: Policy, *, workspace: "GitWorkspace"
) -> None:
    """Check the finished change before its code is run: a person granted each protected path.

    `pyproject.toml` is protected only if our own table in it changes.

    Raises:
        ApprovalRequiredError: names the paths; nothing of the change was run.
        LimitReachedError: one of them has a name that cannot be shown and granted.
    """
    from codex_orchestrator.model.config import changes_own_table

    change = tree.change()
    paths = [path for path in change.paths if policy.protecting_rule(path)]
    if (
        PYPROJECT in change.paths
        and PYPROJECT not in paths
        and not policy.is_granted_edit(PYPROJECT)
    ):
        before = workspace.file_at(tree.base_sha, PYPROJECT)
        if changes_own_table(before, _present(tree.root / PYPROJECT)):
            paths.append(PYPROJECT)
    if paths:
        raise protected_change("the change touches protected paths", paths, patch=change.patch)


def guard_findings(run: "Run") -> tuple[Finding, ...]:
    """Return what the guard finds in the finished change, as it will when it is delivered."""
    return run.services.rooms.guard.check_change(
        run.task,
        base_sha=run.tree.base_sha,
        tree_id=run.tree.snapshot(),
        as_of=run.services.ambient.now()[:10],
        may_attest=run.policy.is_granted_edit,
    )


def ref_findings(run: "Run") -> Iterator[Finding]:
    """Take back what commands did to branches, tags and other refs; yield a finding for each."""
    changed = run.services.rooms.workspace.take_back_refs(
        run.record.folder / "tests", ours=run.request.settings.config.branch_prefix
    )
    for change, is_back in changed:
        name = one_line(change.name)
        values = f"was {change.before or 'not there'}, became {change.after or 'nothing'}"
        if is_back:
            message = f"a command of the run changed the ref {name} ({values}); it is taken back"
            fix = "let the step or the check work in a repository of its own"
            if change.after and not change.after.startswith("ref: "):
                fix += f"; to have the ref: git update-ref {quote(change.name)} {change.after}"
            yield Finding(REFS_CHANGED, Severity.ERROR, "", 0, message, fix)
            continue
        message = f"the ref {name} changed while a command of the run was at work ({values})"
        message += "; somebody may have worked in the checkout, so it is left as it is"
        fix = "take it back if you did not do it; run again while nobody works there, or contained"
        yield Finding(REFS_CHANGED, Severity.ERROR, "", 0, message, fix)


def _present(path: Path) -> bytes | None:
    if path.is_symlink():
        return os.fsencode(f"link to {os.readlink(path)}")  # not TOML, so it differs
    return path.read_bytes() if path.is_file() else None
