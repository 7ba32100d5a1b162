"""Small git repositories for the guard's tests, and the guard asked in each of its views."""

import os
import subprocess
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

from codex_orchestrator.guard.report import Report
from codex_orchestrator.guard.views import RequestedView
from codex_orchestrator.verbs.check_specs import check_specs

TODAY = date(2026, 11, 22)
GOOD = "tasks/specs/0001-good.md"


def days_ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def spec(
    *,
    paths: tuple[str, ...] | None = ("src/**",),
    status: str | None = "approved",
    review: str | None = "2026-11-20",
    approvals: str = "",
    spec_id: str = "0001-good",
    body: str = "# Good\n\nWhat it says.\n",
    extra: str = "",
) -> str:
    """Return a spec; a part that is None is left out."""
    lines = [f"id: {spec_id}", "title: Good"]
    if status is not None:
        lines.append(f"status: {status}")
    if review is not None:
        lines.append(f"last_review: {review}")
    if approvals:
        lines.append(approvals)
    if paths is not None:
        lines += ["paths:", *(f'  - "{path}"' for path in paths)] if paths else ["paths: []"]
    if extra:
        lines.append(extra)
    return "\n".join(["---", *lines, "---", body])


class GuardRepo:
    """A git repository in a folder. Files are given as text or bytes; None deletes."""

    def __init__(self, root: Path, *, object_format: str = "sha1") -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(root.parent / "no-home"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Test",
            "GIT_AUTHOR_EMAIL": "test@example.invalid",
            "GIT_COMMITTER_NAME": "Test",
            "GIT_COMMITTER_EMAIL": "test@example.invalid",
            "LC_ALL": "C.UTF-8",
        }
        self.git("init", "-q", "-b", "main", f"--object-format={object_format}")

    def git(self, *args: str, stdin: bytes | None = None, ok: bool = True) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.root), *args],
            env=self.env,
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0 or not ok, done.stderr.decode(errors="replace")
        return os.fsdecode(done.stdout).strip()

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        for name, content in files.items():
            place = self.root / os.fsencode(name).decode("utf-8", "surrogateescape")
            if content is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_symlink():
                place.unlink()
            place.write_bytes(content.encode() if isinstance(content, str) else content)

    def stage(self, files: Mapping[str, str | bytes | None] | None = None) -> None:
        self.write(files or {})
        self.git("add", "-A")

    def commit(
        self, files: Mapping[str, str | bytes | None] | None = None, message: str = "change"
    ) -> str:
        self.stage(files)
        self.git("commit", "-q", "--no-verify", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def guard(
        self,
        view: RequestedView,
        *,
        today: date = TODAY,
        env: Mapping[str, str] | None = None,
    ) -> Report:
        return check_specs(
            str(self.root),
            view=view,
            as_of=today.isoformat(),
            environment={**self.env, **(env or {})},
        )

    def staged(self, *, today: date = TODAY) -> Report:
        return self.guard(RequestedView("staged"), today=today)

    def since(self, base: str, head: str = "HEAD", *, today: date = TODAY) -> Report:
        return self.guard(RequestedView("range", base, head, is_from_user=True), today=today)

    def audit(self, *, today: date = TODAY) -> Report:
        return self.guard(RequestedView("all", is_from_user=True), today=today)

    def both_views(
        self, files: Mapping[str, str | bytes | None] | None = None, *, today: date = TODAY
    ) -> Report:
        """Stage a change, ask the hook's view; commit it, ask CI's; return the one answer."""
        base = self.git("rev-parse", "HEAD")
        self.stage(files)
        staged = self.staged(today=today)
        self.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "change")
        ranged = self.since(base, today=today)
        assert staged.outcome == ranged.outcome
        assert staged.findings == ranged.findings
        assert staged.checked == ranged.checked
        return ranged


def codes(report: Report, severity: str = "error") -> list[str]:
    """Return the sorted rule codes of a report's findings of one severity."""
    return sorted({item.rule for item in report.findings if str(item.severity) == severity})
