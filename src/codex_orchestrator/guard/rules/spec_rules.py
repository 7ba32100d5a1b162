"""Rules about one spec that a change touches or needs."""

from collections.abc import Iterable

from codex_orchestrator.guard.case import Case
from codex_orchestrator.guard.dates import parse_day, write_day
from codex_orchestrator.guard.facts import Facts
from codex_orchestrator.guard.rules.base import Rule
from codex_orchestrator.guard.specs import APPROVED, DRAFT, SUPERSEDED, Spec
from codex_orchestrator.model.finding import Finding, Severity


class StaleSpec(Rule):
    """The review is too old."""

    code = "SPEC002"
    name = "stale-spec"
    what = "The spec's last review is more than max_age_days ago."
    why = "An old review says nothing about the code of today."
    fix = "review the spec, then run codex-orchestrator guard accept SPEC --reviewer NAME"

    def check_spec(self, spec: Spec, case: Case, *, is_needed: bool) -> Iterable[Finding]:
        """Compare the review date with the day of the check; the limit itself passes."""
        day = parse_day(spec.facts.review)
        if spec.facts.problem or day is None or not spec.is_active:
            return
        age = case.today - day
        if age > case.config.max_age_days:
            yield self.finding(
                spec.path,
                spec.facts.review_line,
                f"last review was {age} days ago ({spec.facts.review}), "
                f"the limit is {case.config.max_age_days}",
            )


class ReviewDate(Rule):
    """There is no usable review date."""

    code = "SPEC003"
    name = "review-date"
    what = "last_review is missing, not a valid date, in the future, or only in the text below."
    why = "Without a past date in the front matter nobody can tell how old the review is."
    fix = "put `last_review: YYYY-MM-DD` into the front matter: the day (UTC) of the real review"

    def check_spec(self, spec: Spec, case: Case, *, is_needed: bool) -> Iterable[Finding]:
        """Check the date as written. A draft may have none yet."""
        facts = spec.facts
        if facts.problem:
            return
        line, problem = facts.review_line or 1, ""
        if facts.review:
            day = parse_day(facts.review)
            if day is None:
                problem = f"is not a valid date: {facts.review[:60]!r}"
            elif day > case.today:
                problem = f"is in the future: {facts.review} (today is {write_day(case.today)})"
        elif spec.is_active:
            problem = "is missing"
            if facts.body_review_line:
                line = facts.body_review_line
                problem = "stands in the text, not in the front matter"
        if problem:
            name, fix = facts.date_name, ""
            if facts.notation:
                fix = f"write `{name}` as YYYY-MM-DD: the day (UTC) of the real review"
            yield self.finding(spec.path, line, f"{name} {problem}", fix=fix)


class MalformedFrontMatter(Rule):
    """The front matter is not valid."""

    code = "SPEC004"
    name = "front-matter"
    what = "The front matter is missing, not closed, or not a plain YAML mapping."
    why = "Parsers interpret duplicate keys, aliases and tabs differently."
    fix = "start the spec with `---`, plain `key: value` lines and `---`; see docs/guard.md"

    def check_spec(self, spec: Spec, case: Case, *, is_needed: bool) -> Iterable[Finding]:
        """Report why the front matter could not be read."""
        if spec.facts.problem:
            message = spec.facts.problem
            if spec.facts.body_review_line:
                message += f"; the review date in line {spec.facts.body_review_line} does not count"
            yield self.finding(spec.path, spec.facts.problem_line, message)


class NotApproved(Rule):
    """The spec allows nothing."""

    code = "SPEC005"
    name = "not-approved"
    what = "Changed code needs a spec whose status is not approved, or the status is unknown."
    why = "A draft or superseded spec authorises no code."
    fix = (
        "review the spec, then run codex-orchestrator guard accept SPEC --reviewer NAME, which "
        "sets the status; or add the code to another spec"
    )

    def check_spec(self, spec: Spec, case: Case, *, is_needed: bool) -> Iterable[Finding]:
        """Allow drafts and superseded specs as long as no code needs them."""
        facts = spec.facts
        if facts.problem or facts.status == APPROVED:
            return
        problem = ""
        if not facts.status:
            problem = "is missing"
        elif spec.is_active:
            problem = f"{facts.status[:40]!r} is not one of {APPROVED}, {DRAFT}, {SUPERSEDED}"
        elif is_needed:
            problem = f"is {facts.status}, not approved"
        line, name, fix = facts.status_line or 1, facts.status_name, ""
        if facts.notation:
            fix = _fix_in_document(facts)
        if problem:
            remark = f": {facts.remark}" if facts.remark else ""
            yield self.finding(spec.path, line, f"{name} {problem}{remark}", fix=fix)
        elif facts.remark and facts.status == DRAFT:
            yield self.finding(spec.path, line, facts.remark, severity=Severity.WARNING, fix=fix)


def _fix_in_document(facts: Facts) -> str:
    if facts.status == SUPERSEDED:
        return "add the code to the paths of what supersedes it, or to another approved spec"
    return (
        f"once a person approved it: `{facts.status_name}: accepted`, or codex-orchestrator guard "
        "accept SPEC --reviewer NAME; another word gets its meaning in `guard.specs_status`"
    )


class ApprovalsMissing(Rule):
    """A required approval is missing."""

    code = "SPEC006"
    name = "approvals-missing"
    what = "A role of required_approvals has no approval with name and date."
    why = "The team decided which roles must approve a spec before code is written."
    fix = "record it: codex-orchestrator guard accept SPEC --reviewer NAME --role ROLE"

    def check_spec(self, spec: Spec, case: Case, *, is_needed: bool) -> Iterable[Finding]:
        """Check each required role of an approved spec."""
        facts = spec.facts
        if facts.problem or facts.status != APPROVED:
            return
        for wanted in case.config.required_approvals:
            entries = [entry for entry in facts.approvals if entry[0].lower() == wanted]
            problems = [_approval_problem(entry[1], entry[2], case.today) for entry in entries]
            if not entries:
                line = facts.status_line or 1
                yield self.finding(spec.path, line, f"approval by {wanted} is missing")
            elif "" not in problems:
                yield self.finding(spec.path, entries[0][3], f"approval by {wanted} {problems[0]}")


def _approval_problem(by: str, on: str, today: int) -> str:
    if not by:
        return "names nobody"
    day = parse_day(on)
    if day is None:
        return f"has no date: {on[:40]!r}"
    return "is dated in the future" if day > today else ""


class NearExpiry(Rule):
    """The review will soon be stale."""

    code = "SPEC010"
    name = "near-expiry"
    what = "The spec becomes stale within warn_days."
    why = "An early warning leaves time for a review."
    fix = StaleSpec.fix

    def check_spec(self, spec: Spec, case: Case, *, is_needed: bool) -> Iterable[Finding]:
        """Warn in the last days."""
        day = parse_day(spec.facts.review)
        if spec.facts.problem or day is None or spec.facts.status != APPROVED:
            return
        left = case.config.max_age_days - (case.today - day)
        if 0 <= left < case.config.warn_days and day <= case.today:
            when = "today" if left == 0 else f"in {left} day{'s' if left > 1 else ''}"
            yield self.finding(
                spec.path,
                spec.facts.review_line,
                f"the review becomes stale after {when}",
                severity=Severity.WARNING,
            )
