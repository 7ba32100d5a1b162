"""What a step says to its readers cannot be steered by the text that it carries."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.github.outputs import (
    annotate,
    append_summary,
)
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.markdown import SUMMARY_LIMIT, Markdown


@given(st.text(), st.text())
def test_an_annotation_is_one_line(message, path):
    finding = Finding("rule", Severity.ERROR, path, 1, message, "fix")
    [written] = annotate([finding]).commands
    assert re.fullmatch(r"::error [^\r\n]*::[^\r\n]*", written)
    assert written.count("\n") == 0


def test_ten_annotations_of_a_kind_are_sent_and_the_rest_is_counted():
    findings = [
        Finding("r", kind, "a.py", number, "m")
        for kind, count in ((Severity.ERROR, 12), (Severity.WARNING, 10), (Severity.NOTE, 11))
        for number in range(1, count + 1)
    ]
    commands, left_out = annotate(findings)
    kinds = [line.split(" ")[0] for line in commands if line.startswith("::")]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "::error": 10,
        "::warning": 10,
        "::notice": 10,
    }
    assert left_out == {Severity.ERROR: 2, Severity.NOTE: 1}
    assert "2 more of kind error; the job summary has them all." in commands


def test_the_summary_is_appended_once_and_read_back(tmp_path):
    path = tmp_path / "summary.md"
    for _ in range(2):
        append_summary(str(path), Markdown("# One"))
    append_summary(str(path), Markdown("# Two"))
    assert path.read_text() == "# One\n# Two\n"


def test_a_summary_beyond_the_limit_is_cut_at_a_line_with_a_notice(tmp_path):
    path = tmp_path / "summary.md"
    append_summary(str(path), Markdown("````\n" + "äöü\n" * 300_000 + "````"))
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) <= SUMMARY_LIMIT
    assert text.count("````") == 2
    assert "the job summary is full" in text
    assert set(text.split("````")[1].split("\n")) == {"", "äöü"}


def test_a_summary_that_cannot_be_written_is_not_delivered(tmp_path):
    with pytest.raises(NotCheckedError, match="cannot write"):
        append_summary(str(tmp_path / "missing" / "summary.md"), Markdown("x"))
