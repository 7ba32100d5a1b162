"""A run's review as Markdown: for `review.md` in the run folder and for the pull request."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from codex_orchestrator.model.account import (
    baseline_of,
    counts_of,
    next_step_of,
    setup_of,
    uncommitted_in,
    verdict_of,
)
from codex_orchestrator.model.finding import Severity
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.review import ReviewFinding
from codex_orchestrator.model.validation import Validation
from codex_orchestrator.text.diff import FilePatch, file_patches
from codex_orchestrator.text.markdown import Markdown, code, fenced, line, location, prose, table
from codex_orchestrator.text.shown import counted, one_line

_ORDER = {kind: place for place, kind in enumerate(Severity)}
_MAX_FILES = 100
_MOST_DETAIL = 1_000
"""Characters of what a check's result says besides; it may name known failures."""


def review_text(
    manifest: Manifest,
    *,
    patch: bytes,
    manifest_sha256: str = "",
    tails: Mapping[str, str] = MappingProxyType({}),
) -> Markdown:
    """Return the review of a run: verdict, findings, checks, plan, change, usage, proof.

    Args:
        manifest: the run's record.
        patch: the run's `diff.patch`.
        manifest_sha256: the record's hash; "" while it is still being written.
        tails: the end of the log of each check that did not pass, by the log's path.
    """
    blocks = [
        _head(manifest),
        prose(manifest.review.summary, limit=6_000) if manifest.review else "",
        _findings(manifest),
        _checks(manifest),
        *_outputs(manifest.validations, tails),
        _plan(manifest),
        _change(file_patches(patch)),
        _patterns(manifest),
        _notes(manifest),
        _proof(manifest, manifest_sha256),
    ]
    return Markdown("\n\n".join(block for block in blocks if block))


def count_findings(manifest: Manifest) -> int:
    """Return how many findings the run's review has."""
    return len(manifest.review.findings) if manifest.review else 0


def _head(manifest: Manifest) -> str:
    run, mode = manifest.run, manifest.mode
    unseen = uncommitted_in(manifest)
    count = count_findings(manifest)
    reviewed = run.head_sha or run.base_sha
    base = f" (from {code(run.base_sha[:12])})" if run.head_sha else ""
    return (
        f"## Codex Orchestrator: {line(verdict_of(manifest))}\n\n"
        f"**{line(manifest.task.title)}** · task {code(manifest.task.id)} · run {code(run.id)}\n\n"
        f"Reviewed {code(reviewed)}{base}, {counted(count, 'finding')}. "
        f"Mode {code(mode.selected)}: {line(mode.reason)}.\n\n"
        f"Next: {line(next_step_of(manifest))}." + (f"\n\nNote: {line(unseen)}." if unseen else "")
    )


def _findings(manifest: Manifest) -> str:
    if not count_findings(manifest) or manifest.review is None:
        return ""
    ordered = sorted(manifest.review.findings, key=lambda finding: _ORDER[finding.severity])
    rows = ((item.severity, location(item.path, item.line), _what(item)) for item in ordered)
    return "### Findings\n\n" + table(("severity", "where", "what"), rows)


def _what(finding: ReviewFinding) -> str:
    fix = f" Fix: {line(finding.fix)}" if finding.fix else ""
    return f"{code(finding.rule)} {line(finding.message)}{fix}"


def _checks(manifest: Manifest) -> str:
    validations = manifest.validations
    if not validations:
        return "### Checks\n\nNo check ran."
    rows = (
        (
            code(check.title),
            check.status,
            "none" if check.exit_code is None else str(check.exit_code),
            f"{check.duration_ms / 1000:.1f} s",
            counts_of(check),
            _failures(check),
        )
        for check in validations
    )
    headings = ("check", "result", "exit code", "time", "tests", "failures")
    baseline = baseline_of(manifest)
    setup = setup_of(manifest)
    parts = [table(headings, rows), f"Tests: {line(baseline)}." if baseline else ""]
    parts += [f"Set-up: {line(setup)}."] if setup else []
    return "\n\n".join(filter(None, ("### Checks", *parts, _sandboxes(validations))))


def _outputs(validations: tuple[Validation, ...], tails: Mapping[str, str]) -> Iterable[str]:
    """Return how the output of each check ends that did not pass."""
    for check in validations:
        if tails.get(check.log_path):
            title = f"<summary>End of the output: {check.status}</summary>"
            shown = fenced(tails[check.log_path], limit=4_000)
            yield f"{code(check.title)}\n<details>{title}\n\n{shown}\n\n</details>"


def _sandboxes(validations: tuple[Validation, ...]) -> str:
    """Say what was in force: once for all checks, or for each where they differ."""
    found = {check.shown_sandbox for check in validations}
    if len(found) == 1:
        return f"Sandbox of the checks: {line(found.pop())}."
    return "\n".join(
        f"- Sandbox of {code(check.title)}: {line(check.shown_sandbox)}." for check in validations
    )


def _failures(check: Validation) -> str:
    shown = [code(name, limit=120) for name in check.failures[:10]]
    more = len(check.failures) - len(shown)
    detail = [line(check.detail, limit=_MOST_DETAIL)] if check.detail else []
    return " ".join([*shown, *([f"and {more} more"] if more else []), *detail])


def _plan(manifest: Manifest) -> str:
    if manifest.plan is None:
        return ""
    states = {item.id: str(item.state) for item in manifest.items}
    rows = (
        (code(item.id), states.get(item.id, "planned"), line(item.title))
        for item in manifest.plan.items
    )
    count = len(manifest.plan.items)
    return _fold(f"Plan: {counted(count, 'item')}", ("item", "state", "title"), rows)


def _change(files: tuple[FilePatch, ...]) -> str:
    if not files:
        return "The run changed no file."
    added, removed = sum(len(file.added) for file in files), sum(file.removed for file in files)
    rows = [(code(one_line(file.path, limit=None)), _lines(file)) for file in files[:_MAX_FILES]]
    if len(files) > _MAX_FILES:
        rows.append((Markdown(f"and {len(files) - _MAX_FILES} more files"), ""))
    count = counted(len(files), "file")
    return _fold(f"Change: {count}, +{added} -{removed} lines", ("file", "lines"), rows)


def _lines(file: FilePatch) -> str:
    return "binary" if file.is_binary else f"+{len(file.added)} -{file.removed}"


def _patterns(manifest: Manifest) -> str:
    rows = [
        (code(f"{use.id}@{use.version}"), use.kind, str(use.hits), str(use.changes))
        for use in manifest.patterns
    ]
    return _fold("Patterns", ("pattern", "kind", "matches", "edits"), rows) if rows else ""


def _notes(manifest: Manifest) -> str:
    lists = (("Risks", manifest.notes.risks), ("Follow-up", manifest.notes.follow_up))
    return "\n\n".join(
        f"**{name}**\n\n" + "\n".join(f"- {line(text)}" for text in texts)
        for name, texts in lists
        if texts
    )


def _proof(manifest: Manifest, manifest_sha256: str) -> str:
    usage, engine = manifest.usage, manifest.engine
    spec = manifest.task.spec
    manifest_line = f"\nManifest SHA-256 {code(manifest_sha256)}." if manifest_sha256 else ""
    spec_line = "No spec."
    if spec is not None:
        reviewed, blob = line(spec.last_review), code(spec.blob[:12])
        spec_line = f"Spec {code(spec.path)}, reviewed {reviewed}, blob {blob}."
    return (
        "---\n\n"
        f"{spec_line}\n"
        f"Model {code(engine.model or 'none')}, builder {code(engine.builder or 'none')}, "
        f"toolkit {line(engine.toolkit)}: {usage.requests} requests, "
        f"{usage.input_tokens} tokens in, {usage.output_tokens} out.{manifest_line}"
    )


def _fold(title: str, headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return f"<details><summary>{title}</summary>\n\n{table(headings, rows)}\n\n</details>"
