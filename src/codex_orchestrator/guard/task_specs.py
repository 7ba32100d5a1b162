"""The spec guard for one task: whether its spec allows work, and the guard its finished change.

Off the hook's path: it answers the run pipeline in the nouns of the manifest.
"""

import os
from collections.abc import Callable, Mapping

from codex_orchestrator.guard.case import Case
from codex_orchestrator.guard.check import SpecFindings, check
from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.dates import parse_day, read_day, write_day
from codex_orchestrator.guard.facts import Facts
from codex_orchestrator.guard.loading import facts_of, formats_of
from codex_orchestrator.guard.rules import choose_rules
from codex_orchestrator.guard.rules.code_rules import TaskWithoutSpec, UnownedCode
from codex_orchestrator.guard.settings import config_at
from codex_orchestrator.guard.specs import Spec, SpecsByPath, irregular
from codex_orchestrator.guard.view_reader import ViewReader
from codex_orchestrator.guard.views import View
from codex_orchestrator.guard.waivers import Waivers
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.manifest import SpecFacts
from codex_orchestrator.model.task import Task
from codex_orchestrator.system.git import Git, git_environment
from codex_orchestrator.text.globs import path_matcher


class RepositorySpecGuard:
    """Checks task specs in the commits of one repository.

    Args:
        repo: top folder of the repository.
        environment: the process environment; git gets an allow-listed part of it.
        rules_at: the commit whose configuration applies; "" for the commit that the work starts
            from.
    """

    def __init__(
        self,
        repo: str | os.PathLike[str],
        *,
        environment: Mapping[str, str] = os.environ,
        rules_at: str = "",
    ) -> None:
        self._git = Git(os.fspath(repo), git_environment(environment, is_hook_repository=False))
        self._rules_at = rules_at

    def check_task(self, task: Task, *, base_sha: str, as_of: str) -> tuple[Finding, ...]:
        """Return why the task's spec does not allow work; warnings may come with a sound spec.

        The spec is that of the commit; so is the configuration, unless `rules_at` names another.

        Args:
            task: the task.
            base_sha: the commit that the work starts from.
            as_of: the day of the check, `YYYY-MM-DD` in UTC.

        Raises:
            InputError: `as_of` is not a date, or the commit's configuration is wrong.
            NotCheckedError: the commit does not exist, or a rule plugin is missing.
        """
        today = read_day(as_of, field="as_of")
        with ViewReader(self._git, _view(base_sha), has_lists=False) as reader:
            config = config_at(reader, self._rules_at or base_sha)
            rule = TaskWithoutSpec()
            if not path_matcher(config.specs)(task.spec):
                globs = ", ".join(config.specs)
                message = f"the task's spec is not a spec: its path does not match {globs}"
                return (rule.finding(task.spec, 0, message),)
            spec = _find_spec(reader, task.spec, config)
            if spec is None:
                message = f"the task's spec is not there at commit {base_sha[:12]}"
                return (
                    rule.finding(task.spec, 0, message, fix="commit the spec, then run the task"),
                )
            case = Case(
                source=reader,
                config=config,
                today=today,
                changes=(),
                specs=SpecsByPath({spec.path: (spec.blob, tuple(spec.facts))}),
                edits=(),
            )
            findings = SpecFindings(case, choose_rules(config), Waivers(config, today))
            return findings.of(spec, is_needed=True)

    def check_change(
        self,
        task: Task,
        *,
        base_sha: str,
        tree_id: str,
        as_of: str,
        may_attest: Callable[[str], bool],
    ) -> tuple[Finding, ...]:
        """Return what the guard will find in a finished change when it is delivered.

        Args:
            task: the task that the change was made for.
            base_sha: the commit that the work started from.
            tree_id: the tree object of the work.
            as_of: the day of the check, `YYYY-MM-DD` in UTC.
            may_attest: says by path whether a person granted the agents the edit of a spec.

        Raises:
            NotCheckedError: the guard cannot be asked.
        """
        today = read_day(as_of, field="as_of")
        view = View("range", self._rules_at or base_sha, tree_id, base_sha)
        with ViewReader(self._git, view) as reader:
            try:
                report = check(reader, today=today, cache_path="", may_attest=may_attest)
            except InputError as error:
                # The base's configuration is sound, or the run would not have begun.
                broken = (error.path, error.line, error.problem, error.fix)
                return (Finding("run/guard-configuration", Severity.ERROR, *broken),)
        return tuple(_owned_by(task, finding) for finding in report.findings)

    def spec_facts(self, task: Task, *, base_sha: str) -> SpecFacts:
        """Return path, blob and review day of the task's spec at the commit.

        Raises:
            InputError: the spec does not exist, or the commit's configuration is wrong.
            NotCheckedError: the commit does not exist.
        """
        with ViewReader(self._git, _view(base_sha), has_lists=False) as reader:
            config = config_at(reader, self._rules_at or base_sha)
            spec = _find_spec(reader, task.spec, config)
        if spec is None:
            raise InputError(
                f"is not there at commit {base_sha[:12]}", path=task.spec, fix="commit the spec"
            )
        day = parse_day(spec.facts.review)
        return SpecFacts(
            path=spec.path, blob=spec.blob, last_review=write_day(day) if day is not None else ""
        )


def _owned_by(task: Task, finding: Finding) -> Finding:
    """Return a finding that says which spec would have to own code that none owns."""
    if finding.rule != UnownedCode.code:
        return finding
    fix = f"leave it out of the change; or a person first adds it to the `paths` of {task.spec}"
    return finding._replace(fix=f"{fix}, the task's spec, or to another approved spec")


def _find_spec(reader: ViewReader, path: str, config: GuardConfig) -> Spec | None:
    for entry in reader.listing((path,)):
        if entry.path == path:
            raw = irregular(entry.mode)
            if raw:
                return Spec(path, entry.blob, Facts._make(raw))
            facts = facts_of(reader, path, entry.blob, formats=formats_of(config))
            return Spec(path, entry.blob, facts)
    return None


def _view(commit: str) -> View:
    return View("all", commit, commit, commit)
