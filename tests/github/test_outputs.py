"""What a step says to its runner cannot be steered by the text that it carries."""

import itertools
import re
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.github.outputs import (
    annotate,
    append_summary,
    write_outputs,
)
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.text.markdown import SUMMARY_LIMIT, Markdown

DECLARED = frozenset(["verdict", "run-id", "findings"])


def random_delimiter() -> str:
    return "co_" + secrets.token_hex(16)


def read_outputs(text: str) -> dict[str, str]:
    """Read an output file as the runner does."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        key, mark, rest = line.partition("<<")
        if not mark:
            key, _, found_value = line.partition("=")
            found[key] = found_value
            continue
        found[key] = "\n".join(itertools.takewhile(lambda inner, end=rest: inner != end, lines))
    return found


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_a_value_comes_back_whole_and_sets_nothing_else(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("out") / "output"
    value = f"{value}\nEOF\nverdict=approved\nco_\nrun-id<<x\n"
    write_outputs(str(path), {"findings": value}, declared=DECLARED, new_delimiter=random_delimiter)
    assert read_outputs(path.read_text(encoding="utf-8")) == {"findings": value}


def test_outputs_are_appended(tmp_path):
    path = str(tmp_path / "output")
    for values in ({"verdict": "approved"}, {"run-id": "r1"}):
        write_outputs(path, values, declared=DECLARED, new_delimiter=random_delimiter)
    assert read_outputs(Path(path).read_text()) == {"verdict": "approved", "run-id": "r1"}


@pytest.mark.parametrize("key", ["other", "verdict\nx", "", "Verdict"])
def test_an_output_that_is_not_declared_is_refused_and_nothing_is_written(tmp_path, key):
    path = tmp_path / "output"
    with pytest.raises(InputError, match="not a declared output"):
        write_outputs(
            str(path), {"verdict": "x", key: "y"}, declared=DECLARED, new_delimiter=random_delimiter
        )
    assert not path.exists()


def test_a_value_with_its_own_delimiter_is_refused(tmp_path):
    with pytest.raises(InputError, match="delimiter"):
        write_outputs(
            str(tmp_path / "output"),
            {"verdict": "a fixed b"},
            declared=DECLARED,
            new_delimiter=lambda: "fixed",
        )


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
