"""The base class of guard rules, and the rules about the guard itself, which it reports."""

from collections.abc import Iterable

from codex_orchestrator.guard.case import Case
from codex_orchestrator.guard.config import folders
from codex_orchestrator.guard.coverage import Coverage
from codex_orchestrator.guard.specs import Spec
from codex_orchestrator.model.finding import Finding, Severity


class Rule:
    """One check with a stable code.

    Subclass it, fill in the texts, and implement one of the checks.

    `check` looks at the whole change; `check_spec` at one spec that the change touches or needs.
    An error from `check_spec` also means that the spec cannot cover code.
    """

    code = ""
    name = ""
    what = ""
    why = ""
    fix = ""

    def check(self, case: Case, coverage: Coverage) -> Iterable[Finding]:
        """Return what the rule finds in a change (or in the whole repository, in an audit)."""
        return ()

    def check_spec(self, spec: Spec, case: Case, *, is_needed: bool) -> Iterable[Finding]:
        """Return what the rule finds in one spec.

        Args:
            spec: the spec as of the head.
            case: the change and its configuration.
            is_needed: whether changed code needs this spec; otherwise it is only touched or
                audited.
        """
        return ()

    def finding(
        self,
        path: str,
        line: int,
        message: str,
        *,
        severity: Severity = Severity.ERROR,
        fix: str = "",
    ) -> Finding:
        """Return a finding of this rule; without `fix` it has the rule's own fix."""
        return Finding(self.code, severity, path, line, message, fix or self.fix)


class HistoryMissing(Rule):
    """Something that the check needs is missing."""

    code = "GUARD001"
    name = "not-checked"
    what = "History, objects or git itself are missing, so nothing was decided (exit 3)."
    why = "An answer that cannot be known is never reported as a pass."
    fix = "fetch what the message names; with actions/checkout set `fetch-depth: 0`"


class BrokenConfig(Rule):
    """The configuration before the change was wrong."""

    code = "GUARD002"
    name = "broken-base-config"
    what = "The configuration at the base is wrong and this change corrects it (warning)."
    why = "The correcting change is checked under the defaults, not under its own rules."
    fix = "nothing to do once the change is merged"


class FirstConfig(Rule):
    """The configuration came with the change."""

    code = "GUARD003"
    name = "first-config"
    what = "The base has no configuration; the change that brings the first one is under it (note)."
    why = "The defaults may match no file of the repository, and then they would check nothing."
    fix = "read the configuration as a part of the change"


class NothingIsCode(Rule):
    """The globs of the configuration match nothing."""

    code = "GUARD004"
    name = "nothing-is-code"
    what = "guard.code matches no tracked file (warning); then `--all` is not checked (exit 3)."
    why = "A guard that looks at no file would pass every change, for ever."
    fix = (
        "name the folders of the code in guard.code; "
        "`codex-orchestrator init --dry-run` shows globs that match"
    )

    def check(self, case: Case, coverage: Coverage) -> Iterable[Finding]:
        """Look at all files only where the change has no code that tells."""
        if case.code or not (case.changes or case.is_audit):
            return
        if not case.is_audit:
            positive = tuple(glob for glob in case.config.code if not glob.startswith("!"))
            if positive and case.source.has_file(folders(positive), case.is_code_file):
                return
        globs = some(case.config.code) or "it is empty"
        message = f"guard.code matches no tracked file, so no code is guarded: {globs}"
        yield self.finding(case.config.file, 0, message, severity=Severity.WARNING)


class ExpiredWaiver(Rule):
    """A waiver past its day."""

    code = "WAIVER001"
    name = "expired-waiver"
    what = "A waiver in guard.waivers is past its last day."
    why = "A waiver is temporary; its last day was agreed when it was written."
    fix = "fix what it excused and remove it, or agree on a new day"


def some(paths: Iterable[str], *, shown: int = 3) -> str:
    """Return the first names and the number of the others."""
    names = list(paths)
    text = ", ".join(names[:shown])
    return text if len(names) <= shown else f"{text} and {len(names) - shown} more"
