"""What a step says to its readers cannot be steered by the text that it carries."""

import pytest

from codex_orchestrator.github.outputs import append_summary
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.text.markdown import SUMMARY_LIMIT, Markdown


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
