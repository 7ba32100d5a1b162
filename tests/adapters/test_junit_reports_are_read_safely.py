"""JUnit: names of failing tests from XML that nobody vouches for."""

import contextlib
import os
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.adapters.junit import (
    JunitError,
    JunitReport,
    failing_tests,
    parse_junit,
    read_junit,
)

REPORT = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" tests="5">
<testcase classname="tests.test_tea" name="test_ok" time="0.1"/>
<testcase classname="tests.test_tea" name="test_bad"><failure message="no">x</failure></testcase>
<testcase name="test_error"><error>boom</error><failure>twice</failure></testcase>
<testcase classname="a" name="test_skip"><skipped/></testcase>
<testcase classname="" name="b&#10;&lt;c&gt;"><failure/></testcase>
</testsuite><failure/></testsuites>"""
BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]>
<testsuite><testcase name="&c;"><failure/></testcase></testsuite>"""


def test_failing_tests_are_named_in_order() -> None:
    assert parse_junit(REPORT) == JunitReport(
        tests=5,
        skipped=1,
        failures=("tests.test_tea::test_bad", "test_error", "b\\u000a<c>"),
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not XML"),
        (b"<a>", "not XML"),
        (b"\x00\x01", "not XML"),
        (BOMB, "document type or entities"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type or entities"),
        (b"<a>&unknown;</a>", "not XML"),
        (b"<a>" * 1000, "nested deeper than 64"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "report"),
        (b"<a>" + b" " * (33 * 1024 * 1024), "larger than"),
    ],
)
def test_what_is_no_plain_report_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(JunitError, match=message):
        parse_junit(data)


def test_names_and_their_number_are_bounded() -> None:
    one = f'<testcase name="{"x" * 5000}"><failure/></testcase>'.encode()
    report = parse_junit(b"<testsuite>" + one * 600 + b"</testsuite>")
    assert len(report.failures) == 500
    assert report.left_out == 100
    assert {len(name) for name in report.failures} == {300}


def test_a_link_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "real.xml").write_bytes(REPORT)
    (tmp_path / "link.xml").symlink_to(tmp_path / "real.xml")
    os.mkfifo(tmp_path / "pipe.xml")
    for name in ("link.xml", "pipe.xml", "gone.xml"):
        with pytest.raises(JunitError):
            read_junit(tmp_path / name)
    assert len(read_junit(tmp_path / "real.xml").failures) == 3


def test_failing_tests_of_an_unusable_report_are_unknown_and_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "bad.xml").write_bytes(BOMB)
    assert failing_tests(tmp_path / "bad.xml") == ()


def test_failing_tests_say_how_many_more_there_are(tmp_path: Path) -> None:
    many = b"<testsuite>" + b'<testcase name="t"><error/></testcase>' * 502 + b"</testsuite>"
    (tmp_path / "many.xml").write_bytes(many)
    assert failing_tests(tmp_path / "many.xml")[-1] == "and 2 more"


XML_TEXT = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn"]), min_size=1, max_size=20
)
CASES = st.lists(st.tuples(XML_TEXT, st.booleans()), max_size=8)


@settings(max_examples=100, deadline=None)
@given(cases=CASES, words=XML_TEXT)
def test_a_written_report_is_read_back(cases: list[tuple[str, bool]], words: str) -> None:
    body = "".join(
        f"<testcase name={quoteattr(name)}>"
        + (f"<failure>{escape(words)}</failure>" if fails else "")
        + "</testcase>"
        for name, fails in cases
    )
    report = parse_junit(f"<testsuite>{body}</testsuite>".encode())
    assert report.tests == len(cases)
    assert len(report.failures) == sum(fails for _, fails in cases)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_report_or_an_error(data: bytes) -> None:
    with contextlib.suppress(JunitError):
        assert parse_junit(b"<testsuite>" + data).tests >= 0
