"""A ref that changed while a command ran is an error, whether it could be taken back or not."""

import json

import pytest

from codex_orchestrator.model.finding import Severity
from codex_orchestrator.pipeline.guardrails import ref_findings
from codex_orchestrator.workspace.stray_refs import RefChange
from support.project import git


@pytest.mark.parametrize("is_doubtful", [False, True])
def test_a_branch_that_a_command_made_is_an_error(run, project, is_doubtful):
    repo = run.request.settings.repo
    commit = git(repo, "rev-parse", "HEAD").strip()
    git(repo, "branch", "stray")
    logs = run.record.folder / "tests/round-1"
    logs.mkdir(parents=True)
    change = RefChange("refs/heads/stray", "", commit, is_doubtful)
    (logs / "refs-changed.jsonl").write_text(json.dumps(change) + "\n")
    [found] = ref_findings(run)
    assert found.severity is Severity.ERROR
    assert "refs/heads/stray" in found.message
    assert ("stray" in git(repo, "branch")) is is_doubtful
