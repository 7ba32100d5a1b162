"""A word that nobody knows is answered with the words that are most similar to it."""

from codex_orchestrator.text.near import did_you_mean, nearest, nearest_key


def test_the_nearest_words_are_named_best_first() -> None:
    known = ["guard", "run", "runs", "review"]
    assert did_you_mean("gaurd", known) == "; did you mean `guard`?"
    assert did_you_mean("runn", known) == "; did you mean `run` or `runs`?"


def test_a_word_that_is_like_no_other_has_no_near_one() -> None:
    assert did_you_mean("xyzzy", ["guard", "run"]) == ""
    assert did_you_mean("guard", []) == ""


def test_an_unknown_key_always_has_a_nearest_one() -> None:
    assert nearest_key("branch_prefx", ["author", "branch_prefix"]) == (
        "; did you mean `branch_prefix`?"
    )
    assert nearest_key("zzz", ["author"]) == "; did you mean `author`?"
    assert nearest_key("x", []) == ""


def test_what_is_compared_has_a_bound() -> None:
    assert nearest("a" * 10_000_000, ["a" * 100, "a" * 101]) == ["a" * 100]
    assert nearest("task", (f"task-{n}" for n in range(10_000_000)), count=1)
