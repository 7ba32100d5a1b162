"""Look at what the guard sees: how many files its globs match, and what it says of HEAD."""

from collections.abc import Mapping, Sequence
from json import dumps
from pathlib import Path

from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.model.probe import Probe
from codex_orchestrator.text.globs import path_matcher
from codex_orchestrator.text.shown import one_line
from codex_orchestrator.verbs.check_specs import check_specs
from codex_orchestrator.verbs.code_globs import derive_code
from codex_orchestrator.verbs.diagnose.lines_to_paste import lines_to_paste


def probe_globs(config: GuardConfig, paths: Sequence[str]) -> tuple[Probe, ...]:
    """Count the tracked files that are code, and those that are specs; none of one is a failure.

    Args:
        config: the guard's configuration.
        paths: the tracked files.
    """
    code = _count(config.code, paths)
    fix = "" if code else _code_fix(config.source, paths)
    return (
        _matched("guard.code", config.code, code, fix),
        _matched(
            "guard.specs",
            config.specs,
            _count(config.specs, paths),
            "codex-orchestrator spec new 0001-first-change --title 'The first change'",
        ),
    )


def _count(globs: Sequence[str], paths: Sequence[str]) -> int:
    is_matched = path_matcher(globs)
    return sum(map(is_matched, paths))


def _matched(name: str, globs: Sequence[str], number: int, fix: str) -> Probe:
    shown = ", ".join(globs[:6]) + (", …" if len(globs) > 6 else "")
    if not number:
        detail = f"matches no tracked file: {shown or 'it is empty'}"
        return Probe(name, "missing", detail, fix, is_required=True)
    return Probe(name, "works", f"{number} tracked files match {shown}", is_required=True)


def _code_fix(source: str, paths: Sequence[str]) -> str:
    globs = [found.glob for found in derive_code(paths)]
    if not globs:
        return "codex-orchestrator init --dry-run"
    return lines_to_paste(source, "guard", f"code = {dumps(globs, ensure_ascii=False)}")


def probe_head(repo: Path, environ: Mapping[str, str], *, today: str) -> Probe:
    """Say what the guard says of the whole commit that is checked out."""
    from codex_orchestrator.guard.views import RequestedView

    report = check_specs(
        str(repo),
        view=RequestedView("all", head="HEAD", is_from_user=True),
        as_of=today,
        environment=environ,
        is_hook_repository=False,
    )
    state = {"passed": "works", "failed": "wrong"}.get(report.outcome, "not tried")
    fix = "" if state == "works" else "codex-orchestrator guard --all --head HEAD"
    detail = report.summary.strip()
    if fix and report.findings:
        detail += f"; first: {report.findings[0].message}"
    return Probe("guard of HEAD", state, one_line(detail, limit=400), fix)  # type: ignore[arg-type]
