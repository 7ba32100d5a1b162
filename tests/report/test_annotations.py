"""Annotations cannot be steered by the text that they carry, and none is dropped unsaid."""

import re

from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.report.annotations import annotate

NASTY = Finding(
    "SPEC001",
    Severity.ERROR,
    "src/a,b:c%\n::error::x\u202e\udcff.py",
    3,
    "50% of\r\n::set-output name=x::y ##[error]z \ud800",
    "do: this, or that",
)


def test_annotations_escape_what_the_runner_would_obey() -> None:
    (line,) = annotate([NASTY])
    assert line.startswith(
        "::error file=src/a%2Cb%3Ac%25%0A%3A%3Aerror%3A%3Ax\\u202e\\xff.py,line=3,"
    )
    assert "50%25 of%0D%0A::set-output" in line
    assert "##[" not in line


def test_at_most_ten_annotations_of_a_kind_and_the_rest_is_counted() -> None:
    errors = [NASTY._replace(line=number) for number in range(1, 26)]
    warnings = [item._replace(severity=Severity.WARNING) for item in errors[:10]]
    lines = annotate([*errors, *warnings])
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert sum(line.startswith("::warning ") for line in lines) == 10
    assert [line for line in lines if "more of kind" in line] == [
        "15 more of kind error without an annotation: GitHub shows 10 of a kind"
    ]


@given(st.text(), st.text())
def test_an_annotation_is_one_line(message, path):
    finding = Finding("rule", Severity.ERROR, path, 1, message, "fix")
    [written] = annotate([finding])
    assert re.fullmatch(r"::error [^\r\n]*::[^\r\n]*", written)
    assert written.count("\n") == 0


def test_ten_annotations_of_a_kind_are_sent_and_the_rest_is_counted():
    findings = [
        Finding("r", kind, "a.py", number, "m")
        for kind, count in ((Severity.ERROR, 12), (Severity.WARNING, 10), (Severity.NOTE, 11))
        for number in range(1, count + 1)
    ]
    commands = annotate(findings)
    kinds = [line.split(" ")[0] for line in commands if line.startswith("::")]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "::error": 10,
        "::warning": 10,
        "::notice": 10,
    }
    assert [line for line in commands if "more of kind" in line] == [
        "2 more of kind error without an annotation: GitHub shows 10 of a kind",
        "1 more of kind notice without an annotation: GitHub shows 10 of a kind",
    ]
