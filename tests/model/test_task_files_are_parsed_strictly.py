"""A task file: what is accepted, and what each wrong file is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.task import MAX_BRIEF_BYTES, Task, parse_task
from codex_orchestrator.text.names import is_identifier, path_problem

GOOD = """---
id: 0007-logging
title: Replace print with logging
spec: tasks/specs/0007.md
steps:
  - pattern: py-print-to-logging
    paths: ["src/**/*.py"]
  - command: [python, tools/fix.py]
checks: [test, lint]
limits: {minutes: 5, repair_rounds: 0}
---
Do it.
"""


def parse(text: str) -> Task:
    return parse_task(text, source="tasks/t.md")


def front(**changes: str) -> str:
    lines = {"id": "t", "title": "T", "spec": "tasks/specs/t.md"} | changes
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in lines.items()) + "---\nbrief\n"


def outcome(text: str) -> bool:
    """Say whether a text is a task with a good id, or refused with its file's name."""
    try:
        return is_identifier(parse(text).id)
    except InputError as error:
        return "tasks/t.md" in error.message


def test_a_full_task_is_read() -> None:
    task = parse(GOOD)
    assert task.id == "0007-logging"
    assert task.steps[0].pattern == "py-print-to-logging"
    assert task.steps[1].command == ("python", "tools/fix.py")
    assert task.checks == ("test", "lint")
    assert task.limits.minutes == 5
    assert task.limits.turns == 60
    assert task.brief == "Do it."


def test_a_task_with_windows_line_ends_and_a_byte_order_mark_is_read() -> None:
    assert parse("\ufeff" + GOOD.replace("\n", "\r\n")).id == "0007-logging"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("hello", "tasks/t.md:1", "no front matter"),
        ("", "tasks/t.md:1", "no front matter"),
        ("---\nid: t\n", "tasks/t.md:1", "not closed"),
        ("---\n- a\n---\n", "tasks/t.md:2", "key: value"),
        ("---\nid: t\n---\n", "tasks/t.md", "title: Field required"),
        (front(id="../x"), "tasks/t.md:2", "id:"),
        (front(id="a/b"), "tasks/t.md:2", "id:"),
        (front(id="con"), "tasks/t.md:2", "id:"),
        (front(id="7"), "tasks/t.md:2", "valid string"),
        (front(colour="red"), "tasks/t.md:5", "unknown key"),
        (front(titel="red"), "tasks/t.md:5", "did you mean `title`"),
        (front(execution="{paralel: true}"), "tasks/t.md:5", "did you mean `parallel`"),
        (front(spec="/etc/passwd"), "tasks/t.md:4", "is absolute"),
        (front(spec="../spec.md"), "tasks/t.md:4", "leaves the repository"),
        (front(steps="[{pattern: p, paths: ['../../x']}]"), "tasks/t.md:5", "leaves"),
        (front(steps="[{pattern: p, command: [ls]}]"), "tasks/t.md:5", "either"),
        (front(steps="[{}]"), "tasks/t.md:5", "either"),
        (front(steps="[{command: [ls], paths: [a]}]"), "tasks/t.md:5", "goes with `pattern`"),
        (front(checks="[tests]"), "tasks/t.md:5", "checks"),
        (front(limits="{minutes: soon}"), "tasks/t.md:5", "limits.minutes"),
        (front(limits="{minutes: 0}"), "tasks/t.md:5", "limits.minutes"),
        (front(title="&a x"), "tasks/t.md:3", "anchors"),
        (front(title="!!python/object:os.system x"), "tasks/t.md:3", "tags"),
        ("---\nid: t\nid: u\n---\n", "tasks/t.md:3", "duplicate key 'id'"),
        ("---\nid: t\n\ttitle: x\n---\n", "tasks/t.md:3", "token"),
        (front(title="''"), "tasks/t.md:3", "one line"),
        (front(brief="x"), "tasks/t.md", "text below"),
    ],
)
def test_a_wrong_task_file_is_told_where_and_what(text: str, place: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.message.startswith(place)
    assert words in caught.value.message
    assert caught.value.exit_code == 2


def test_a_brief_above_the_limit_is_refused_with_its_size() -> None:
    with pytest.raises(InputError, match=f"the limit is {MAX_BRIEF_BYTES}"):
        parse(front() + "x" * (MAX_BRIEF_BYTES + 1))


def test_aliases_do_not_expand_before_they_are_refused() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )
    with pytest.raises(InputError, match="anchors and aliases"):
        parse(f"---\n{bomb}---\n")


def test_nesting_is_bounded() -> None:
    with pytest.raises(InputError, match="nested deeper"):
        parse(front(steps="[" * 400 + "]" * 400))


@given(st.text(max_size=300))
def test_any_text_is_a_task_or_an_input_error(text: str) -> None:
    assert outcome(text)


@given(st.text(max_size=300))
def test_any_front_matter_is_a_task_or_an_input_error(text: str) -> None:
    assert outcome(f"---\n{text}\n---\n")


@given(st.text(max_size=60))
def test_an_accepted_path_stays_inside_the_repository(text: str) -> None:
    if path_problem(text) == "":
        assert not text.startswith("/")
        assert ".." not in text.split("/")
        assert ".git" not in text.split("/")
        assert "\0" not in text


@given(st.text(max_size=80))
def test_an_accepted_id_is_one_plain_path_part(text: str) -> None:
    if is_identifier(text):
        assert "/" not in text
        assert ".." not in text
        assert text == text.strip()
        assert text.isascii()
