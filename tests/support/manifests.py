"""Manifests for tests: a finished run with good defaults, to be changed where a test cares."""

from typing import Any

from codex_orchestrator.model.finding import Severity
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.model.review import ReviewFinding

BASE_SHA = "1" * 40
HEAD_SHA = "2" * 40
PATCH = b"""diff --git a/src/app.py b/src/app.py
index 1111111..2222222 100644
--- a/src/app.py
+++ b/src/app.py
@@ -1,2 +1,3 @@
 import sys
-print("hello")
+import logging
+logging.info("hello")
"""


def make_finding(**changes: Any) -> ReviewFinding:
    facts: dict[str, Any] = {
        "rule": "py-no-print",
        "severity": Severity.ERROR,
        "path": "src/app.py",
        "line": 2,
        "message": "print in library code",
        "fix": "use logging",
    }
    return ReviewFinding(**{**facts, **changes})


def make_manifest(**changes: Any) -> Manifest:
    facts: dict[str, Any] = {
        "schema": "run-manifest.v2",
        "task": {
            "id": "0007-structured-logging",
            "title": "Replace print with logging",
            "sha256": "a" * 64,
            "spec": {
                "path": "tasks/specs/0007-structured-logging.md",
                "blob": "b" * 40,
                "last_review": "2026-11-01",
            },
        },
        "run": {
            "id": "20261122t100000z-abc123",
            "attempt": 1,
            "started_at": "2026-11-22T10:00:00.000Z",
            "finished_at": "2026-11-22T10:00:09.000Z",
            "state": "finished",
            "base_sha": BASE_SHA,
            "head_sha": HEAD_SHA,
            "host": "ci",
        },
        "mode": {"selected": "mcp", "reason": "default", "requested": "auto"},
        "engine": {"toolkit": "0.1.0", "model": "offline", "builder": "workspace"},
        "plan": {
            "summary": "one step",
            "items": [{"id": "step-1", "title": "Apply the codemod", "instructions": "apply"}],
        },
        "items": [{"id": "step-1", "state": "done", "attempt": 1}],
        "validations": [
            {
                "command": ["python", "-m", "pytest"],
                "exit_code": 0,
                "status": "passed",
                "duration_ms": 1234,
                "log_path": "tests/test.log",
            }
        ],
        "review": {"decision": "approve", "findings": [], "summary": "All good."},
        "verdict": "approved",
        "usage": {"requests": 5, "input_tokens": 100, "output_tokens": 20},
    }
    return Manifest.model_validate({**facts, **changes})
