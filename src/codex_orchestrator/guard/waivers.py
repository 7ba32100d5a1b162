"""Waivers: findings that the team accepts, with a reason and a last day."""

from collections.abc import Iterable

from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.dates import write_day
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.globs import matcher


class Waivers:
    """The waivers of a configuration, as of one day."""

    def __init__(self, config: GuardConfig, today: int) -> None:
        self._source = config.source
        waivers = [(waiver, matcher((waiver.path,))) for waiver in config.waivers]
        self._in_force = [entry for entry in waivers if today <= entry[0].expires]
        self._expired = [entry for entry in waivers if today > entry[0].expires]

    def apply(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return the findings, with waived ones turned into notes."""
        return tuple(self._apply_one(finding) for finding in findings)

    def _apply_one(self, finding: Finding) -> Finding:
        for waiver, is_meant in self._in_force:
            if waiver.rule == finding.rule and is_meant(finding.path):
                until = write_day(waiver.expires)
                message = f"{finding.message} (waived until {until}: {waiver.reason})"
                return finding._replace(severity=Severity.NOTE, message=message)
        return finding

    def expired(self, findings: Iterable[Finding], *, is_audit: bool) -> list[Finding]:
        """Return a finding for each expired waiver.

        In an audit each is an error. In a change it is an error if the waiver would have applied,
        and otherwise a warning, so that an old waiver does not block changes that do not need it.
        """
        seen = list(findings)
        found = []
        for waiver, is_meant in self._expired:
            mattered = any(item.rule == waiver.rule and is_meant(item.path) for item in seen)
            found.append(
                Finding(
                    "WAIVER001",
                    Severity.ERROR if is_audit or mattered else Severity.WARNING,
                    self._source.split(" ")[0],
                    waiver.line,
                    f"the waiver of {waiver.rule} for {waiver.path} ended on "
                    f"{write_day(waiver.expires)}",
                    "fix what it excused and remove it, or agree on a new day",
                )
            )
        return found
