"""The judge: runs the spec rules on single specs, once each, with waivers applied."""

from collections.abc import Sequence

from codex_orchestrator.guard.case import Case
from codex_orchestrator.guard.rules.base import Rule
from codex_orchestrator.guard.specs import Spec
from codex_orchestrator.guard.waivers import Waivers
from codex_orchestrator.model.finding import Finding, has_errors


class Judge:
    """Answers for single specs; remembers its answers for the length of one check."""

    def __init__(self, case: Case, rules: Sequence[Rule], waivers: Waivers) -> None:
        self._case = case
        self._waivers = waivers
        # Most rules do not look at single specs: ask only those that do.
        self._rules = [rule for rule in rules if type(rule).check_spec is not Rule.check_spec]
        self._memo: dict[tuple[str, bool], tuple[Finding, ...]] = {}

    def findings(self, spec: Spec, *, is_needed: bool) -> tuple[Finding, ...]:
        """Return what the rules see in a spec."""
        key = (spec.path, is_needed)
        if key not in self._memo:
            self._memo[key] = self._waivers.apply(
                finding
                for rule in self._rules
                for finding in rule.check_spec(spec, self._case, is_needed=is_needed)
            )
        return self._memo[key]

    def is_sound(self, spec: Spec) -> bool:
        """Say whether the spec may allow code."""
        return not has_errors(self.findings(spec, is_needed=True))
