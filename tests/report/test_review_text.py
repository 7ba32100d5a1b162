"""The review that people read holds what the run proved."""

import subprocess
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from codex_orchestrator.model.finding import Severity
from codex_orchestrator.report.review_text import review_text
from support.manifests import BASE_SHA, HEAD_SHA, PATCH, make_finding, make_manifest


def _tables(markdown: str) -> list[list[str]]:
    rows: list[list[str]] = []
    in_cell = False
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("td_open", "td_close"):
            in_cell = token.type == "td_open"
        elif token.type == "inline" and in_cell:
            rows[-1].append(token.content)
    return rows


def _review(*findings, summary="Please look.", decision="request-changes"):
    return {"decision": decision, "findings": findings, "summary": summary}


def test_a_clean_review_says_what_was_reviewed_and_that_nothing_was_found():
    text = review_text(make_manifest(), patch=PATCH, manifest_sha256="c" * 64)
    assert f"Reviewed `{HEAD_SHA}` (from `{BASE_SHA[:12]}`), 0 findings." in text
    assert "## Codex Orchestrator: approved" in text
    assert "c" * 64 in text


def test_mode_plan_checks_change_and_usage_are_shown():
    text = review_text(make_manifest(), patch=PATCH)
    assert "Mode `mcp`: default." in text
    assert ["`step-1`", "done", "Apply the codemod"] in _tables(text)
    assert ["`python -m pytest`", "passed", "0", "1.2 s", "exit code only", ""] in _tables(text)
    assert ["`src/app.py`", "+2 -1"] in _tables(text)
    assert "5 requests, 100 tokens in, 20 out" in text
    assert "Manifest SHA-256" not in text


def test_findings_stand_in_a_table_with_errors_first():
    manifest = make_manifest(
        review=_review(
            make_finding(severity=Severity.NOTE, rule="later", path="", line=0),
            make_finding(severity=Severity.ERROR),
        ),
        verdict="changes-requested",
    )
    rows = [
        row
        for row in _tables(review_text(manifest, patch=PATCH))
        if row and row[0] in set(Severity)
    ]
    assert rows == [
        ["error", "`src/app.py:2`", "`py-no-print` print in library code Fix: use logging"],
        ["note", "", "`later` print in library code Fix: use logging"],
    ]


def test_a_failed_check_names_its_failing_tests():
    check = {
        "command": ["pytest"],
        "exit_code": 1,
        "status": "failed",
        "duration_ms": 10,
        "log_path": "tests/test.log",
        "failures": [f"tests/test_a.py::test_{n}" for n in range(12)],
    }
    text = review_text(make_manifest(validations=[check], verdict="failed"), patch=b"")
    [row] = [row for row in _tables(text) if row[1:3] == ["failed", "1"]]
    assert "`tests/test_a.py::test_0`" in row[5]
    assert "and 2 more" in row[5]


def _check(command, **sandbox):
    return {
        "command": [command],
        "exit_code": 0,
        "status": "passed",
        "duration_ms": 10,
        "log_path": f"tests/{command}.log",
        "sandbox": sandbox or None,
    }


def test_what_contained_all_checks_is_said_once():
    facts = {"layers": ["landlock", "seccomp"], "network": "loopback", "limits": {"files": 8}}
    checks = [_check("lint", **facts), _check("pytest", **facts)]
    text = review_text(make_manifest(validations=checks), patch=b"")
    assert text.count("Sandbox of") == 1
    assert "Sandbox of the checks: landlock, seccomp; network loopback." in text


def test_what_contained_each_check_is_said_where_they_differ():
    checks = [_check("lint", layers=[], network="open", limits={}), _check("pytest")]
    text = review_text(make_manifest(validations=checks), patch=b"")
    assert "- Sandbox of `lint`: no sandbox; network open." in text
    assert "- Sandbox of `pytest`: sandbox not recorded." in text


def test_a_run_without_checks_says_so():
    text = review_text(make_manifest(validations=[], verdict="failed"), patch=b"")
    assert "No check ran." in text
    assert "changed no file" in text


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_of_a_finding_breaks_out_of_its_row(message, path):
    manifest = make_manifest(review=_review(make_finding(message=message, path=path)))
    rows = [row for row in _tables(review_text(manifest, patch=PATCH)) if row[:1] == ["error"]]
    assert len(rows) == 1
    assert len(rows[0]) == 3


def test_files_are_listed_by_the_names_that_they_have(tmp_path: Path):
    def git(*args: str) -> bytes:
        return subprocess.run(["git", *args], cwd=tmp_path, check=True, capture_output=True).stdout

    git("init", "-q")
    names = ["größe.py", "\U0001f389 party.md", "日本/語.txt", 'two\nlines "quoted".py']
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n", encoding="utf-8")
    (tmp_path / "ünsichtbar.bin").write_bytes(b"\0")
    (tmp_path / "naïve-empty").write_bytes(b"")
    git("add", "-A")
    patch = git("diff", "--cached", "--binary")
    assert {tuple(row) for row in _tables(review_text(make_manifest(), patch=patch))} >= {
        ("`größe.py`", "+1 -0"),
        ("`\U0001f389 party.md`", "+1 -0"),
        ("`日本/語.txt`", "+1 -0"),
        (r'`two\x0alines "quoted".py`', "+1 -0"),
        ("`ünsichtbar.bin`", "binary"),
        ("`naïve-empty`", "+0 -0"),
    }
