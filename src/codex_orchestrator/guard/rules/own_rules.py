"""Findings about the guard itself.

These rules have only a code and texts; the check reports them.
"""

from codex_orchestrator.guard.rules.base import Rule


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


class ExpiredWaiver(Rule):
    """A waiver past its day."""

    code = "WAIVER001"
    name = "expired-waiver"
    what = "A waiver in guard.waivers is past its last day."
    why = "A waiver is temporary; its last day was agreed when it was written."
    fix = "fix what it excused and remove it, or agree on a new day"
