"""Rules about what a change does to specs."""

from collections.abc import Collection, Iterable
from functools import cache

from codex_orchestrator.guard.case import Case, matched_name, matched_names
from codex_orchestrator.guard.config import folders
from codex_orchestrator.guard.coverage import Coverage
from codex_orchestrator.guard.dates import parse_day
from codex_orchestrator.guard.facts import REVIEW, STATUS, Facts
from codex_orchestrator.guard.rules.base import Rule, some
from codex_orchestrator.guard.spec_edits import SpecEdit
from codex_orchestrator.guard.specs import APPROVED
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.globs import matcher


class OrphanedCode(Rule):
    """Code that lost its spec."""

    code = "SPEC007"
    name = "orphaned-code"
    what = "A spec was deleted or lost paths, and code that it owned has no owner now."
    why = "Deleting a spec must not be the way to be rid of its rules."
    fix = "keep the spec, delete its code too, or add the code to the `paths` of another spec"

    def check(self, case: Case, coverage: Coverage) -> Iterable[Finding]:
        """Find code at the head that only the old version of a spec owned."""
        for edit in case.edits:
            given_up = _given_up(edit)
            if not given_up:
                continue
            owned_before = matcher(given_up)
            left = []
            for entry in case.source.listing(folders(given_up)):
                names = matched_name(entry.path, entry.mode)
                if (
                    any(map(owned_before, names))
                    and any(map(case.is_code, names))
                    and not case.is_spec(entry.path)
                    and not case.owners.of(names)
                ):
                    left.append(entry.path)
            if left:
                done = "was deleted" if edit.after is None else "lost paths"
                line = edit.after.facts.paths_line if edit.after else 0
                yield self.finding(
                    edit.path, line, f"the spec {done} but its code remains: {some(left)}"
                )


def _given_up(edit: SpecEdit) -> tuple[str, ...]:
    if edit.before is None or (edit.after is not None and edit.after.facts.problem):
        return ()
    kept = edit.after.facts.paths if edit.after is not None else ()
    return tuple(glob for glob in edit.before.paths if glob not in kept)


class EmptyEdit(Rule):
    """A spec edit without substance."""

    code = "SPEC008"
    name = "empty-edit"
    what = "A spec changed only in spaces, dates or approvals, while code that it owns changed."
    why = "Either the spec still fits, then leave it, or it does not, then say what is new."
    fix = "describe in the spec what the code now does, or leave the spec out of the change"

    def check(self, case: Case, coverage: Coverage) -> Iterable[Finding]:
        """Warn; freshness and approvals are judged by other rules."""
        suspects = {
            edit.path
            for edit in case.edits
            if edit.before is not None and edit.after is not None and not edit.has_substance
        }
        pairs = (
            (spec.path, change.path)
            for change in (case.code if suspects else ())
            for spec in case.owners_of(change)
            if spec.path in suspects
        )
        for path, code in _by_spec(pairs):
            message = "only spaces, dates or approvals changed while its code changed: "
            yield self.finding(path, 0, message + some(code), severity=Severity.WARNING)


def _by_spec(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Collect pairs of spec and code path: each spec, in order of path, with its code."""
    code: dict[str, list[str]] = {}
    for spec, path in pairs:
        code.setdefault(spec, []).append(path)
    return sorted(code.items())


class SelfReview(Rule):
    """A change that approves its own spec."""

    code = "SPEC009"
    name = "self-review"
    what = "Review date, approval, status or wider paths came with the change that needs them."
    why = "A review that is part of the change was not made before the code was written."
    fix = "merge the reviewed spec first, then the code"

    def check(self, case: Case, coverage: Coverage) -> Iterable[Finding]:
        """Find specs that allow changed code only because of this change.

        Where agents made the change, find what only a person may say of a spec, needed or not.
        """
        if case.may_attest is not None:
            for edit in case.edits:
                said = _attestation(edit, carriers=coverage.carriers)
                if said and not case.may_attest(edit.path):
                    message = f"{said}, and no person granted that to the run"
                    fix = f"{_FOR_AGENTS}: --approve edit:{edit.path}"
                    yield self.finding(edit.path, 0, message, fix=fix)
        if case.config.self_review == "ignore":
            return
        level = Severity.ERROR if case.config.self_review == "error" else Severity.WARNING
        attested = {edit.path for edit in case.edits if _attests_itself(edit)}
        pairs = (
            (spec.path, path)
            for path, specs in coverage.relied_on.items()
            if all(spec.path in attested for spec in specs)
            for spec in specs
        )
        for path, code in _by_spec(pairs):
            line = case.specs[path].facts.review_line
            message = f"reviewed or approved by the change that needs it (for {some(code)})"
            yield self.finding(path, line, message, severity=level)
        for path, code in _by_spec(_widened(case, coverage, attested)):
            line = case.specs[path].facts.paths_line
            message = f"`paths` was widened by the change that needs it (for {some(code)})"
            yield self.finding(path, line, message, severity=Severity.WARNING)


def _widened(case: Case, coverage: Coverage, attested: set[str]) -> Iterable[tuple[str, str]]:
    """Yield a spec and the code that it owns only since this change."""
    before = {
        edit.path: matcher(edit.before.paths)
        for edit in case.edits
        if edit.before is not None
        and edit.after is not None
        and edit.path not in attested
        and set(edit.after.facts.paths) - set(edit.before.paths)
    }
    for change in case.code if before else ():
        specs = coverage.relied_on.get(change.path, ())
        names = matched_names(change)
        if specs and not any(
            spec.path not in before or any(map(before[spec.path], names)) for spec in specs
        ):
            yield specs[0].path, change.path


def _attests_itself(edit: SpecEdit) -> bool:
    if edit.after is None:
        return False
    before, after = edit.before, edit.after.facts
    return (
        before is None
        or parse_day(before.review) != parse_day(after.review)
        or before.status != APPROVED
        or {entry[:3] for entry in before.approvals} != {entry[:3] for entry in after.approvals}
    )


_FOR_AGENTS = (
    "leave this in the spec as it was, or make the spec a draft; a person reviews it before code "
    "needs it, or grants the run the edit"
)


def _attestation(edit: SpecEdit, *, carriers: Collection[SpecEdit]) -> str:
    """Return what an edit says of a spec that only a person may say; "" for nothing.

    A draft allows no code, so an agent may write one; but approvals in it would count later.
    """
    if edit.after is None or edit.after.facts.problem:
        return ""
    before, after = edit.before or Facts(), edit.after.facts
    if {entry[:3] for entry in after.approvals} - {entry[:3] for entry in before.approvals}:
        return "the change adds an approval"
    if not edit.after.is_active:
        return ""
    if before.status != after.status:
        return f"the change sets the status to {after.status[:40] or 'none'}"
    if parse_day(before.review) != parse_day(after.review):
        return "the change moves last_review"
    if set(after.paths) - set(before.paths):
        return "the change adds to `paths`"
    return "only the edit of this spec allows code that no spec owns" if edit in carriers else ""


class StaleBystanders(Rule):
    """Old reviews that this change does not depend on."""

    code = "SPEC011"
    name = "stale-bystanders"
    what = "Specs that the change neither touches nor needs are stale."
    why = "They block nobody today, but will block whoever needs them next."
    fix = "see them with codex-orchestrator guard --all and review them"

    def check(self, case: Case, coverage: Coverage) -> Iterable[Finding]:
        """Warn once, with some names; an audit reports each spec."""
        if case.is_audit:
            return
        involved = case.touched | coverage.needed()
        oldest = case.today - case.config.max_age_days

        @cache
        def is_fresh(review: str) -> bool:
            day = parse_day(review)
            return day is not None and oldest <= day <= case.today

        names = [
            path
            for path, (_, raw) in case.specs.rows.items()
            if not is_fresh(raw[REVIEW]) and raw[STATUS] == APPROVED and path not in involved
        ]
        if names:
            count = f"{len(names)} spec{'s' if len(names) > 1 else ''}"
            yield self.finding(
                "",
                0,
                f"{count} that this change does not need without a fresh review: {some(names)}",
                severity=Severity.WARNING,
            )
