"""Check that changed code is covered by an approved, fresh spec.

On the hook's way: git is started first, and what judges its answers is loaded while it works.
"""

import gc
from collections.abc import Mapping

from codex_orchestrator.guard.dates import read_day
from codex_orchestrator.guard.view_reader import ViewReader
from codex_orchestrator.guard.views import NOTHING, RequestedView, resolve_view
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.system.git import Git, git_environment
from codex_orchestrator.text.lean_typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codex_orchestrator.guard.report import Report


def check_specs(
    root: str,
    *,
    view: RequestedView,
    as_of: str,
    environment: Mapping[str, str],
    is_hook_repository: bool = True,
    config_file: str | None = None,
) -> "Report":
    """Check a view of a repository and return the report; "not checked" is an outcome too.

    Args:
        root: top folder of the repository.
        view: which change, or the whole repository.
        as_of: the day of the check, `YYYY-MM-DD` in UTC.
        environment: the environment of the process; git gets the allowed part of it.
        is_hook_repository: whether git's hook variables are about this repository.
        config_file: a configuration that the caller chose, in place of the repository's.

    Raises:
        InputError: the configuration is wrong, or a date or ref from a person is not valid.
    """
    today = read_day(as_of, field="--as-of")
    given_config = None
    if config_file is not None:
        from codex_orchestrator.guard.config_table import read_given_config

        given_config = read_given_config(config_file)
    git = Git(root, git_environment(environment, is_hook_repository=is_hook_repository))
    # A short process with many small tuples: garbage collection would only take time.
    gc.disable()
    try:
        if view.kind == NOTHING:
            from codex_orchestrator.guard.report import nothing_to_check

            return nothing_to_check(today=today)
        with ViewReader(git, resolve_view(git, view)) as reader:
            from codex_orchestrator.guard.cache import cache_path
            from codex_orchestrator.guard.check import check

            report = check(
                reader,
                today=today,
                cache_path=cache_path(root, git.env.get("GIT_DIR")),
                given_config=given_config,
            )
            if report.is_nothing_staged:
                _require_no_ci(environment)
            return report
    except NotCheckedError as error:
        from codex_orchestrator.guard.report import not_checked

        return not_checked(error, view=view, today=today)
    finally:
        gc.enable()


def _require_no_ci(environment: Mapping[str, str]) -> None:
    """Check that an empty index is not what a job of continuous integration looks at.

    There the change is in commits: `pre-commit run --all-files` shows the guard none of it.

    Raises:
        NotCheckedError: this is such a job.
    """
    from codex_orchestrator.system.environment import is_ci

    if is_ci(environment):
        raise NotCheckedError(
            "nothing is staged, and this is a CI job, so the change was not seen",
            fix="name the change: `guard --base REF`; with pre-commit or prek: "
            "`run --from-ref REF --to-ref HEAD`, or `args: [--base, REF]` at the hook",
        )


def choose_view(
    environment: Mapping[str, str],
    *,
    staged: bool = False,
    base: str | None = None,
    head: str | None = None,
    is_audit: bool = False,
) -> RequestedView:
    """Return what to check: from the options, else pre-commit, GitHub's event, the index.

    Args:
        environment: the environment of the process.
        staged: check the staged change.
        base: check what the head changed since it branched off this ref.
        head: the head of that range.
        is_audit: check the whole repository.

    Raises:
        InputError: the options exclude each other.
        NotCheckedError: GitHub's event is unreadable or has no change.
    """
    if sum((staged, base is not None, is_audit)) > 1:
        raise InputError("--staged, --base and --all exclude each other", fix="give one of them")
    if head is not None and (staged or (base is None and not is_audit)):
        raise InputError("--head goes with --base or --all", fix="name the base with --base REF")
    if is_audit:
        return RequestedView("all", head=head or "", is_from_user=True)
    if base is not None:
        return RequestedView("range", base, head or "HEAD", is_from_user=True)
    if staged:
        return RequestedView("staged")
    from_ref = environment.get("PRE_COMMIT_FROM_REF", "")
    to_ref = environment.get("PRE_COMMIT_TO_REF", "")
    if from_ref and to_ref:
        return RequestedView("range", from_ref, to_ref)
    if environment.get("PRE_COMMIT_REMOTE_BRANCH"):
        # The first push of a repository: the hook runner has no ref to start from, so everything is
        # new.
        return RequestedView("range", "", environment.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD")
    if environment.get("GITHUB_EVENT_NAME") and environment.get("GITHUB_ACTIONS") == "true":
        return _view_of_event(environment)
    return RequestedView("staged")


def _view_of_event(environment: Mapping[str, str]) -> RequestedView:
    from codex_orchestrator.github.event import BranchDeletedError, read_event

    try:
        event = read_event(environment, commits_only=True)
    except BranchDeletedError:
        return RequestedView(NOTHING)
    except InputError as error:
        raise NotCheckedError(
            error.message, fix="check the environment of the job, or name the base: --base REF"
        ) from error
    if event.name in ("schedule", "workflow_dispatch"):
        return RequestedView("all", head="HEAD")
    if event.name not in ("pull_request", "pull_request_target", "merge_group", "push"):
        raise NotCheckedError(
            f"the GitHub event {event.name} has no change to check",
            fix="name what to check: `guard --base REF`, or `guard --all`",
        )
    base = event.base_sha
    if event.default_branch:
        base = f"refs/remotes/origin/{event.default_branch}"
    return RequestedView("range", base, event.head_sha)


def report_text(report: "Report", output_format: str, *, has_colour: bool = False) -> str:
    """Return a report's findings as `text` for people, or for GitHub's runner (`github`)."""
    if output_format == "github":
        from codex_orchestrator.report.annotations import annotate

        return "".join(f"{line}\n" for line in annotate(report.findings))
    return report.as_text(has_colour=has_colour)


def report_document(report: "Report", output_format: str) -> dict[str, Any]:
    """Return a report as a JSON document, `guard-report.v1` (`json`) or SARIF (`sarif`)."""
    if output_format == "json":
        return report.as_document()
    from codex_orchestrator import __version__
    from codex_orchestrator.guard.render_sarif import render_sarif
    from codex_orchestrator.guard.rules import all_rules

    return render_sarif(report, all_rules(), version=__version__)


def rules_text(output_format: str) -> str:
    """Return every rule as `text` for a terminal or as the page docs/guard-rules.md, `markdown`."""
    from codex_orchestrator.guard.render_rules import rules_page, rules_paragraphs
    from codex_orchestrator.guard.rules import all_rules

    return (rules_page if output_format == "markdown" else rules_paragraphs)(all_rules())


def rules_document() -> dict[str, Any]:
    """Return every rule as a JSON document, `guard-rules.v1`."""
    from codex_orchestrator.guard.rules import all_rules

    fields = ("code", "name", "what", "why", "fix")
    rules = [{field: getattr(rule, field) for field in fields} for rule in all_rules()]
    return {"schema": "guard-rules.v1", "rules": rules}
