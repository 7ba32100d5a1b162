"""Reports of test runs, from files that nobody vouches for."""

import os
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.adapters.junit import parse_junit
from codex_orchestrator.adapters.reports import parse_lines, read_report
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.suite_run import Outcome, SuiteRun, compare_suites, judge_tests
from codex_orchestrator.model.verdict import ValidationStatus

P, F, S, D = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED, Outcome.DESELECTED
REPORT = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" tests="34">
<testcase classname="tests.test_tea" name="test_ok" time="0.1"/>
<testcase classname="tests.test_tea" name="test_bad"><failure message="no">x</failure></testcase>
<testcase name="test_error"><error>boom</error><failure>twice</failure></testcase>
<testcase classname="a" name="test_skip"><skipped/></testcase>
<testcase classname="" name="b&#10;&lt;c&gt;"><failure/></testcase>
<testcase name="twice"/><testcase name="twice"><failure/></testcase><testcase/>
</testsuite><failure/></testsuites>"""
BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]>
<testsuite><testcase name="&c;"><failure/></testcase></testsuite>"""
START, END = b'{"schema": "test-report.v1"}\n', b'{"end": true}\n'


def ordered(report: str, *globs: str) -> CheckCommand:
    return CheckCommand(name="test", argv=("test",), report=report, reports=globs)


def test_elements_are_counted_and_not_the_numbers_in_the_header() -> None:
    assert parse_junit(REPORT).outcomes == {
        "tests.test_tea::test_ok": P,
        "tests.test_tea::test_bad": F,
        "test_error": F,
        "a::test_skip": S,
        "b\\x0a<c>": F,
        "twice": P,
        "twice #2": F,
        "a test without a name": P,
    }


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not XML"),
        (b"<a>", "not XML"),
        (b"\x00\x01", "not XML"),
        (BOMB, "document type or entities"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type or entities"),
        (b"<a>&unknown;</a>", "not XML"),
        (b"<a>" * 100_000, "nested deeper than 64"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "report"),
    ],
)
def test_what_is_no_plain_xml_proves_nothing(data: bytes, problem: str) -> None:
    assert problem in parse_junit(data).problem


def test_lines_say_what_became_of_each_test() -> None:
    lines = (
        b'{"test": "a", "outcome": "passed"}\n{"test": "b", "outcome": "skipped"}\n'
        b'{"test": "a", "outcome": "failed"}\n{"test": "c", "outcome": "deselected"}\n'
    )
    assert parse_lines(START + lines + END) == SuiteRun({"a": F, "b": S, "c": D})


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not in our format"),
        (b'{"schema": "test-report.v9"}\n', "not in our format"),
        (START, "no end"),
        (START + b'{"end": true}', "no end"),
        (START + b'{"test": "a", "outcome": "splendid"}\n' + END, "not ours"),
        (START + b"[" * 100_000 + b"\n" + END, "not ours"),
        (START + b"\xff\n" + END, "not ours"),
        (START + b'{"test": "a\nb", "outcome": "passed"}\n' + END, "not ours"),
        (START + b'{"test": "a", "outcome": ["passed"]}\n' + END, "not ours"),
        (START + b"[]\n" + END, "not ours"),
    ],
)
def test_lines_that_are_cut_or_foreign_prove_nothing(data: bytes, problem: str) -> None:
    assert problem in parse_lines(data).problem


def test_names_are_one_line_bounded_and_still_told_apart() -> None:
    long = ["x" * 5000 + "a", "x" * 5000 + "b", "a\nb", "a\u202eb"]
    cases = "".join(f"<testcase name={quoteattr(name)}/>" for name in long)
    found = list(parse_junit(f"<testsuite>{cases}</testsuite>".encode()).outcomes)
    assert len(found) == 4
    assert {len(name) for name in found[:2]} == {299}
    assert found[2:] == ["a\\x0ab", "a\\u202eb"]


def test_a_link_a_pipe_or_nothing_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "real.xml").write_bytes(REPORT)
    (tmp_path / "link.xml").symlink_to(tmp_path / "real.xml")
    (tmp_path / "folder.xml").mkdir()
    os.mkfifo(tmp_path / "pipe.xml")
    for name in ("link.xml", "pipe.xml", "folder.xml", "gone.xml"):
        suite = read_report(tmp_path, ordered(f"junit:{name}"))
        assert suite.problem
        assert suite.outcomes == {}
    assert read_report(tmp_path, ordered("junit:real.xml")).problem == ""


def test_a_report_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "huge.xml", "wb") as stream:
        stream.truncate(65 * 1024 * 1024)
    assert "the limit is 67108864" in read_report(tmp_path, ordered("junit:huge.xml")).problem


def test_failures_say_how_many_more_there_are() -> None:
    suite = SuiteRun({f"t{number}": F for number in range(502)})
    assert len(suite.failures()) == 501
    assert suite.failures()[-1] == "and 2 more"


def test_a_class_that_cannot_be_set_up_is_no_test() -> None:
    report = b"<t><testcase classname='p.T' name=''><error/></testcase></t>"
    assert parse_junit(report).outcomes == {"p.T": Outcome.BROKEN}


def test_modules_keep_their_tests_apart(tmp_path: Path) -> None:
    one = b"<testsuite tests='9'><testcase classname='p.T' name='a'/></testsuite>"
    for folder in ("app/target/reports", "lib/deep/target/reports", "target/reports"):
        (tmp_path / "report-test" / folder).mkdir(parents=True)
        (tmp_path / "report-test" / folder / "T.xml").write_bytes(one)
    (tmp_path / "report-test/target/reports/U.xml").write_bytes(REPORT[:90])
    found = read_report(tmp_path, ordered("junit:report-test", "**/target/reports/*.xml"))
    assert list(found.outcomes) == ["app::p.T::a", "lib/deep::p.T::a", "p.T::a"]
    assert "target/reports/U.xml: the report of the tests is not XML" in found.problem
    assert "no report" in read_report(tmp_path, ordered("junit:gone", "*.xml")).problem


def test_tests_of_one_name_are_told_apart_by_their_number(tmp_path: Path) -> None:
    known = b"<testcase classname='c' name='t'><failure/></testcase>"
    passed = b"<testcase classname='c' name='t'/>"
    both = parse_junit(
        b"<a><testsuite>%b</testsuite><testsuite>%b</testsuite></a>" % (known, passed)
    )
    assert both.outcomes == {"c::t": F, "c::t #2": P}
    folder = tmp_path / "report-test"
    folder.mkdir()
    (folder / "one.xml").write_bytes(b"<testsuite>%b%b</testsuite>" % (known, passed))
    (folder / "two.xml").write_bytes(b"<testsuite>%b</testsuite>" % known)
    found = read_report(tmp_path, ordered("junit:report-test", "*.xml"))
    assert found.outcomes == {"c::t": F, "c::t #2": P, "c::t #3": F}
    (folder / "two.xml").unlink()
    fewer = read_report(tmp_path, ordered("junit:report-test", "*.xml"))
    assert compare_suites([found], [fewer]).lost == ("c::t #3",)


def test_two_hundred_thousand_tests_are_read(tmp_path: Path) -> None:
    number = 200_000
    lines = b"".join(b'{"test": "a%d", "outcome": "passed"}\n' % n for n in range(number))
    (tmp_path / "lines").write_bytes(START + lines + END)
    cases = b"".join(b'<testcase classname="a" name="%d"/>' % n for n in range(number))
    (tmp_path / "xml").write_bytes(b"<testsuite>" + cases + b"</testsuite>")
    for report in ("lines:lines", "junit:xml"):
        assert read_report(tmp_path, ordered(report)).executed == number


PASSED, FAILED = ValidationStatus.PASSED, ValidationStatus.FAILED
NOT_RUN, TIMED_OUT = ValidationStatus.NOT_RUN, ValidationStatus.TIMED_OUT


@pytest.mark.parametrize(
    ("status", "suite", "wanted", "why"),
    [
        (PASSED, SuiteRun({"a": P, "b": S}), PASSED, ""),
        (PASSED, SuiteRun({"a": P, "b": F}), FAILED, "b failed"),
        (PASSED, SuiteRun({"a": F}, "there is no end"), FAILED, "a failed"),
        (PASSED, SuiteRun({"a": P}, "there is no end"), NOT_RUN, "there is no end"),
        (PASSED, SuiteRun({}), NOT_RUN, "no test was executed"),
        (PASSED, parse_junit(b"<testsuite tests='9' failures='0'/>"), NOT_RUN, "no test was"),
        (PASSED, SuiteRun({"a": S, "b": D}), NOT_RUN, "1 were skipped, 1 deselected"),
        (FAILED, SuiteRun({"a": P}), FAILED, ""),
        (FAILED, SuiteRun({}, "gone"), FAILED, ""),
        (FAILED, SuiteRun({"a": S}), NOT_RUN, "1 were skipped"),
        (TIMED_OUT, SuiteRun({"a": P}), TIMED_OUT, ""),
        (NOT_RUN, SuiteRun({"a": P}), NOT_RUN, ""),
    ],
)
def test_success_needs_a_good_exit_code_and_a_test_that_ran(
    status: ValidationStatus, suite: SuiteRun, wanted: ValidationStatus, why: str
) -> None:
    found, said = judge_tests(status, suite)
    assert found is wanted
    assert why in said


XML_TEXT = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn", "Cc", "Cf", "Zs", "Zl", "Zp"]),
    min_size=1,
    max_size=20,
)
CASES = st.dictionaries(XML_TEXT, st.booleans(), max_size=8)


@settings(max_examples=100, deadline=None)
@given(cases=CASES, words=XML_TEXT)
def test_a_written_report_is_read_back(cases: dict[str, bool], words: str) -> None:
    body = "".join(
        f"<testcase name={quoteattr(name)}>"
        + (f"<failure>{escape(words)}</failure>" if fails else "")
        + "</testcase>"
        for name, fails in cases.items()
    )
    suite = parse_junit(f"<testsuite>{body}</testsuite>".encode())
    assert len(suite.outcomes) == len(cases)
    assert len(suite.failures()) == sum(cases.values())


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=60))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    assert isinstance(parse_junit(b"<testsuite>" + data).problem, str)
    assert isinstance(parse_lines(START + data).problem, str)
