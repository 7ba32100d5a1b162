"""Patterns of the learning library change only with a new version and under the library's spec."""

from collections.abc import Iterable

from codex_orchestrator.guard.case import Case
from codex_orchestrator.guard.config import PATTERN_INDEX as INDEX
from codex_orchestrator.guard.config import PATTERNS_FOLDER as FOLDER
from codex_orchestrator.guard.coverage import Coverage
from codex_orchestrator.guard.rules.base import Rule, some
from codex_orchestrator.model.finding import Finding
from codex_orchestrator.system.git_output import Change


def asset_changes(case: Case) -> list[Change]:
    """Return the changes below patterns/ that belong to assets; none without an index."""
    if case.is_audit:
        return []
    found = [
        change
        for change in case.changes
        if change.path.startswith(FOLDER) and change.path.count("/") >= 2
    ]
    has_index = found and (
        case.source.file_after(INDEX) is not None or case.source.file_before(INDEX) is not None
    )
    return found if has_index else []


class PatternVersion(Rule):
    """Content changed without a new version."""

    code = "PATTERN001"
    name = "pattern-version"
    what = "Files of a pattern changed, but its version in patterns/index.json is not higher."
    why = "Runs record patterns by version, so a version must always mean the same content."
    fix = "increase the pattern's version and run codex-orchestrator patterns build"

    def check(self, case: Case, coverage: Coverage) -> Iterable[Finding]:
        """Compare the versions of each changed asset before and after."""
        changes = asset_changes(case)
        if not changes:
            return
        from codex_orchestrator.guard.pattern_index import parse_index

        after = parse_index(case.source.file_after(INDEX))
        before = parse_index(case.source.file_before(INDEX))
        if after.problem:
            yield self.finding(INDEX, 1, after.problem)
            return
        by_asset: dict[str, list[str]] = {}
        for change in changes:
            owner = after.owner(change.path)
            if owner is not None:
                by_asset.setdefault(owner, []).append(change.path)
            elif change.status != "D":
                yield self.finding(change.path, 0, f"no asset of {INDEX} contains this file")
        for asset, paths in sorted(by_asset.items()):
            old, new = before.versions.get(asset), after.versions[asset]
            if old is not None and new <= old:
                text = ".".join(map(str, new))
                yield self.finding(INDEX, 1, f"{asset} is still {text} but changed: {some(paths)}")


class PatternGate(Rule):
    """The library's own spec is not approved and fresh."""

    code = "PATTERN002"
    name = "pattern-gate"
    what = (
        "Pattern assets changed while the spec of the learning library is not approved and fresh."
    )
    why = "What enters the library is reused everywhere; its rules must have been read lately."
    fix = "review the spec named by guard.learning_spec: codex-orchestrator guard accept SPEC …"

    def check(self, case: Case, coverage: Coverage) -> Iterable[Finding]:
        """Require that the learning library's spec is valid."""
        changes = asset_changes(case)
        if not changes:
            return
        path = case.config.learning_spec
        spec = case.specs.get(path)
        names = some(change.path for change in changes)
        if spec is None:
            yield self.finding(path, 0, f"this spec is missing; patterns changed: {names}")
        elif not coverage.is_sound(spec):
            line = spec.facts.review_line or spec.facts.problem_line
            yield self.finding(
                path, line, f"this spec is not approved and fresh; patterns changed: {names}"
            )
