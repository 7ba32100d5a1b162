"""Two runs of a suite are compared by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.model.suite_run import (
    Outcome,
    SuiteRun,
    compare_suites,
    is_allowed,
    is_same_test,
)


def run(passed="", failed="", skipped=""):
    """Return a run of tests with short names, given by outcome and separated by blanks."""
    return SuiteRun(
        {
            **dict.fromkeys(passed.split(), Outcome.PASSED),
            **dict.fromkeys(failed.split(), Outcome.FAILED),
            **dict.fromkeys(skipped.split(), Outcome.SKIPPED),
        }
    )


def test_a_failure_counts_against_the_change_only_when_the_base_did_not_have_it():
    change = compare_suites([run("a", "b c")], [run("c", "a b d")])

    assert (change.new, change.known, change.fixed) == (("a", "d"), ("b",), ("c",))


@pytest.mark.parametrize("now", [run("a"), run("a", skipped="b")], ids=["gone", "skipped"])
def test_a_test_that_was_executed_and_is_not_any_more_is_lost(now):
    assert compare_suites([run("a b")], [now]).lost == ("b",)


def test_a_failing_test_that_is_taken_away_is_lost_too():
    assert compare_suites([run("a", "b")], [run("a")]).lost == ("b",)


def test_a_test_that_was_skipped_before_is_not_lost():
    assert compare_suites([run("a", skipped="b")], [run("a")]).lost == ()


def test_cases_with_other_values_are_not_lost_as_long_as_there_are_as_many():
    before = run("t.py::f[1-2] t.py::f[3-4] p/q::T p/q::T/x p/q::T/y")
    other = run("t.py::f[1-3] t.py::f[3-4] p/q::T p/q::T/z p/q::T/y")

    assert compare_suites([before], [other]).lost == ()
    assert compare_suites([before], [run("t.py::f[1-3] p/q::T p/q::T/z p/q::T/y")]).lost == (
        "t.py::f[1-2]",
        "t.py::f[3-4]",
    )


def test_a_test_that_gets_parameters_is_not_lost():
    assert compare_suites([run("t.py::f")], [run("t.py::f[1] t.py::f[2]")]).lost == ()


SUBTESTS = {"m.T.t": Outcome.FAILED, "m.T.t subtest (n=1)": Outcome.FAILED}


def test_a_known_failure_of_a_subtest_hides_no_other():
    before = SuiteRun({**SUBTESTS, "m.T.t subtest (n=2)": Outcome.PASSED})
    now = SuiteRun({**SUBTESTS, "m.T.t subtest (n=2)": Outcome.FAILED})

    change = compare_suites([before], [now])

    assert change.new == ("m.T.t subtest (n=2)",)
    assert change.known == ("m.T.t", "m.T.t subtest (n=1)")


def test_a_subtest_that_is_skipped_is_lost_and_one_with_other_values_is_not():
    other = SuiteRun({"m.T.t": Outcome.PASSED, "m.T.t subtest (n=3)": Outcome.PASSED})
    skipped = SuiteRun({"m.T.t": Outcome.PASSED, "m.T.t subtest (n=1)": Outcome.SKIPPED})

    assert compare_suites([SuiteRun(SUBTESTS)], [other]).lost == ()
    assert compare_suites([SuiteRun(SUBTESTS)], [skipped]).lost == ("m.T.t subtest (n=1)",)
    assert compare_suites([SuiteRun(SUBTESTS)], [run("a")]).lost == tuple(SUBTESTS)


@pytest.mark.parametrize("allowed", ["m.T.t", "m.T", "m.T.t subtest (p='a/b')"])
def test_a_name_stands_for_the_subtests_of_what_it_names(allowed):
    assert is_allowed("m.T.t subtest (p='a/b')", [allowed])
    assert not is_allowed("n.T.u subtest (p='a/b')", [allowed])


@pytest.mark.parametrize("name", ["a.test.js>a", "tests/a.js>a", "GET/users", "t.py::a/b"])
def test_a_slash_alone_makes_no_family(name):
    now = run(f"{name.partition('/')[0]}/other x y")
    assert compare_suites([run(f"{name} x y")], [now]).lost == (name,)


def test_what_fails_and_passes_on_one_tree_is_flaky_and_blames_nobody():
    change = compare_suites([run("a b"), run("b", "a")], [run("", "a b"), run("b", "a")])

    assert change.new == change.known == ()
    assert change.flaky == ("a", "b")
    assert change.flaky_now == ("b",)


def test_a_failure_that_stays_in_every_run_is_new():
    assert compare_suites([run("a"), run("a")], [run("", "a"), run("", "a")]).new == ("a",)


def test_what_is_broken_counts_only_when_the_base_could_run_it():
    before = SuiteRun({"a": Outcome.PASSED, "tests/test_b.py": Outcome.BROKEN})
    now = SuiteRun({**before.outcomes, "tests/test_c.py": Outcome.BROKEN})

    change = compare_suites([before], [now])

    assert (change.known, change.new) == (("tests/test_b.py",), ("tests/test_c.py",))


def test_a_test_that_failed_and_cannot_even_be_run_now_is_new():
    now = SuiteRun({"a": Outcome.PASSED, "b": Outcome.BROKEN})

    assert compare_suites([run("a", "b")], [now]).new == ("b",)


@given(st.dictionaries(st.text(min_size=1), st.sampled_from(list(Outcome)), max_size=20))
def test_a_suite_compared_with_itself_has_nothing_new_and_nothing_lost(outcomes):
    one = SuiteRun(outcomes)
    change = compare_suites([one], [one])

    assert change.new == change.lost == change.fixed == change.flaky == ()


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("tests/test_a.py::T::test_b", "tests/test_a.py::T::test_b"),
        ("tests/test_a.py::T::test_b", "tests/test_a.py"),
        ("tests/test_a.py::T::test_b", "tests"),
        ("tests/test_a.py::test_b[1]", "tests/test_a.py::test_b"),
        ("tests/test_a.py::T::test_b", "test_a.T.test_b"),
        ("test_a.T.test_b", "test_a.T"),
        ("a.test.mjs > outer > inner", "a.test.mjs > outer"),
        ("tests/a.test.js::a", "tests/a.test.js > a"),
        ("tests/test_a.py::T::test_b", "test_a.T"),
        ("tests/test_a.py::T::test_b", "tests/"),
        ("pyproject.toml", "pyproject.toml"),
    ],
)
def test_a_name_stands_for_a_test_its_class_its_file_and_its_folder(name, allowed):
    assert is_allowed(name, ["other", allowed])


@pytest.mark.parametrize(
    "allowed", ["", "test", "tests/test", "T", "est_b", "tests/test_a.py::T::test"]
)
def test_a_part_of_a_name_stands_for_nothing(allowed):
    assert not is_allowed("tests/test_a.py::T::test_b", [allowed])


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("pyproject.toml", "toml"), ("x/testconf.py", "py"), ("tests/test_a.py::test_b", "test_b")],
)
def test_a_last_part_stands_for_no_file_and_no_test_elsewhere(name, allowed):
    assert not is_allowed(name, [allowed])


def test_a_test_is_the_same_as_pytest_and_unittest_spell_it_and_a_prefix_is_not():
    assert is_same_test("tests/test_a.py::T::test_b", "test_a.T.test_b")
    assert not is_same_test("x/src::TestA/never_written", "x/src::TestA")
    assert not is_same_test("tests/test_a.py::T::test_b", "test_b")


def test_two_hundred_thousand_names_are_compared():
    names = [f"tests/test_{n // 100}.py::test_{n}[{n % 7}]" for n in range(200_000)]
    base = SuiteRun(dict.fromkeys(names, Outcome.PASSED))
    now = SuiteRun(dict.fromkeys(names[1:], Outcome.PASSED))

    assert compare_suites([base], [now]).lost == (names[0],)
