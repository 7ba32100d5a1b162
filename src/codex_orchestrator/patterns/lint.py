"""Lint rules: findings for one text."""

from collections.abc import Sequence

from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.patterns.asset import Asset
from codex_orchestrator.patterns.engine import Hit, expand, find_config, find_hits, parse
from codex_orchestrator.patterns.languages import language_of
from codex_orchestrator.patterns.prefilter import Need, needs_of
from codex_orchestrator.patterns.rule import Rule
from codex_orchestrator.text.shown import folded

NOT_CHECKED = "pattern-not-checked"


class Linter:
    """All lint rules of a library. `lint_text` runs those of one language in one walk."""

    def __init__(self, assets: Sequence[Asset]) -> None:
        self._rules: dict[str, list[tuple[Rule, Need, Asset]]] = {}
        for asset in assets:
            for rule in asset.rules:
                entry = (rule, needs_of(rule), asset)
                self._rules.setdefault(rule.language, []).append(entry)

    def works_on(self, path: str) -> bool:
        """Say whether there is a rule for files of this name's language."""
        return language_of(path) in self._rules

    def lint_text(
        self, text: str, path: str, *, skip: frozenset[str] = frozenset()
    ) -> tuple[Finding, ...]:
        """Return what the rules see in a text, in order of place.

        Args:
            text: the file's text.
            path: its name, for language and findings.
            skip: ids of assets that leave this file alone.
        """
        language = language_of(path)
        live = [
            (rule, asset)
            for rule, need, asset in self._rules.get(language, [])
            if asset.source.id not in skip and need.is_met_by(text)
        ]
        if not live:
            return ()
        root = parse(text, language)
        hits = find_hits(text, root, [rule for rule, _ in live])
        if not hits:
            return ()
        quiet = {
            rule.id
            for rule, asset in live
            for unless in asset.source.unless
            if find_config(root, {"rule": unless.rule.config()}, source=rule.id)
        }
        return tuple(_finding(hit, path, text) for hit in hits if hit.rule.id not in quiet)


def _finding(hit: Hit, path: str, text: str) -> Finding:
    return Finding(
        rule=hit.rule.id,
        severity=hit.rule.weight,
        path=path,
        line=hit.line,
        message=folded(expand(hit.rule.message, hit, text), 300),
        fix=folded(hit.rule.note, 300),
    )


def not_checked(path: str, reason: str) -> Finding:
    """Return the finding that says a file was not looked at."""
    return Finding(
        rule=NOT_CHECKED,
        severity=Severity.WARNING,
        path=path,
        line=0,
        message=f"not checked: {reason}",
    )
