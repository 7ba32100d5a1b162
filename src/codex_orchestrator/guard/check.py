"""The check: from a view of the repository to a report."""

from collections.abc import Callable, Sequence
from functools import partial

from codex_orchestrator.guard.cache import FactsCache
from codex_orchestrator.guard.case import Case
from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.coverage import cover
from codex_orchestrator.guard.dates import write_day
from codex_orchestrator.guard.loading import bare_text, facts_of, formats_of, load_specs
from codex_orchestrator.guard.report import FAILED, NOT_CHECKED, PASSED, Checked, Report
from codex_orchestrator.guard.rules import choose_rules
from codex_orchestrator.guard.rules.base import Rule, some
from codex_orchestrator.guard.settings import choose_configs
from codex_orchestrator.guard.spec_edits import find_edits
from codex_orchestrator.guard.specs import Spec
from codex_orchestrator.guard.view_reader import ViewReader
from codex_orchestrator.guard.waivers import Waivers
from codex_orchestrator.model.finding import Finding, Severity, has_errors
from codex_orchestrator.system.git_output import UNCHANGED, Change, Entry
from codex_orchestrator.text.globs import path_matcher


def check(
    reader: ViewReader,
    *,
    today: int,
    cache_path: str,
    given_config: GuardConfig | None = None,
    may_attest: Callable[[str], bool] | None = None,
) -> Report:
    """Check one view of a repository.

    Args:
        reader: git, at work on the view.
        today: the day of the check, as an ordinal number.
        cache_path: file of the cache; "" for no cache.
        given_config: a configuration that the caller chose, in place of the base's.
        may_attest: which specs the agents that made the change may approve; None for people.

    Raises:
        InputError: the configuration is wrong.
        NotCheckedError: git could not answer.
    """
    cache, view = FactsCache(cache_path), reader.view
    changes, entries = reader.changes(), reader.usual_listing()
    configs: tuple[GuardConfig, ...] = ()
    remarks: tuple[Finding, ...] = ()
    if given_config is not None:
        configs = (given_config,)
    else:
        may_be_first = may_attest is None
        configs, remarks = choose_configs(
            reader, changes, entries, cache, may_be_first=may_be_first
        )
    findings = remarks
    checked = Checked()
    for config in configs:
        case = _case(reader, config, changes, entries, cache, today=today, may_attest=may_attest)
        found, judged = _apply_rules(case, choose_rules(config))
        findings += tuple(finding for finding in found if finding not in findings)
        checked = checked if checked.paths else Checked(len(case.code), judged, len(case.changes))
    outcome = NOT_CHECKED if view.is_audit and not checked.code else PASSED
    return Report(
        outcome=FAILED if has_errors(findings) else outcome,
        view=view.kind,
        base=view.base,
        head=view.head or "index",
        as_of=write_day(today),
        checked=checked,
        findings=findings,
    )


def _case(
    reader: ViewReader,
    config: GuardConfig,
    changes: tuple[Change, ...],
    entries: list[Entry],
    cache: FactsCache,
    *,
    today: int,
    may_attest: Callable[[str], bool] | None,
) -> Case:
    if not reader.view.is_audit and config.spec_folders != reader.folders:
        entries = reader.listing(config.spec_folders)
    is_spec = path_matcher(config.specs)
    formats = formats_of(config)
    specs = load_specs(reader, entries, is_spec, cache, formats)
    cache.save(specs)
    facts = partial(facts_of, reader, cache=cache, formats=formats)
    edits = tuple(find_edits(changes, specs, is_spec, partial(bare_text, reader, formats), facts))
    if reader.view.is_audit:
        changes = tuple(
            Change(entry.path, UNCHANGED, entry.mode, entry.mode, entry.blob, entry.blob)
            for entry in entries
        )
    return Case(
        source=reader,
        config=config,
        today=today,
        changes=changes,
        specs=specs,
        edits=edits,
        may_attest=may_attest,
    )


def _apply_rules(case: Case, rules: Sequence[Rule]) -> tuple[tuple[Finding, ...], int]:
    """Run the rules on the specs that the change touches or needs, then on the change."""
    waivers = Waivers(case.config, case.today)
    spec_findings = SpecFindings(case, rules, waivers)
    coverage = cover(case, spec_findings.is_sound)
    needed = coverage.needed()
    paths = set(case.specs) if case.is_audit else needed | case.touched
    found: list[Finding] = []
    for path in sorted(paths):
        seen = spec_findings.of(case.specs[path], is_needed=path in needed)
        users = coverage.failing.get(path)
        remark = f" (needed by {some(users)})" if users else ""
        found += [finding._replace(message=finding.message + remark) for finding in seen]
    for rule in rules:
        found += waivers.apply(rule.check(case, coverage))
    found += waivers.expired(found, is_audit=case.is_audit)
    found.sort(key=lambda finding: (_RANK[finding.severity], finding.path, finding.line))
    return tuple(found), len(paths)


_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


class SpecFindings:
    """What the rules see in single specs, with waivers applied; each is asked once."""

    def __init__(self, case: Case, rules: Sequence[Rule], waivers: Waivers) -> None:
        self._case = case
        self._waivers = waivers
        # Most rules do not look at single specs: ask only those that do.
        self._rules = [rule for rule in rules if type(rule).check_spec is not Rule.check_spec]
        self._known: dict[tuple[str, bool], tuple[Finding, ...]] = {}

    def of(self, spec: Spec, *, is_needed: bool) -> tuple[Finding, ...]:
        """Return what the rules see in a spec."""
        key = (spec.path, is_needed)
        if key not in self._known:
            self._known[key] = self._waivers.apply(
                finding
                for rule in self._rules
                for finding in rule.check_spec(spec, self._case, is_needed=is_needed)
            )
        return self._known[key]

    def is_sound(self, spec: Spec) -> bool:
        """Say whether the spec may allow code."""
        return not has_errors(self.of(spec, is_needed=True))
