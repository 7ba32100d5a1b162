"""What strangers write is shown, on a terminal, in a log or in a list, and steers none of them."""

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codex_orchestrator.text.shown import (
    folded,
    one_line,
    printable,
    utf8_text,
    visible,
    workflow_command,
)

# Default_Ignorable_Code_Point of Unicode 16, as DerivedCoreProperties.txt lists it.
IGNORED = """
00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF
FFA0 FFF0-FFF8 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF
"""


def ranges(text: str) -> list[range]:
    ends = [[int(end, 16) for end in item.split("-")] for item in text.split()]
    return [range(end[0], end[-1] + 1) for end in ends]


UNSEEN = ranges(IGNORED)
ONE_OF_EACH = "".join(chr(end) for codes in UNSEEN for end in (codes[0], codes[-1]))
HOSTILE = st.text(
    st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]) | st.sampled_from(ONE_OF_EACH)
)


def is_obeyed_or_unseen(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} or any(
        ord(char) in codes for codes in UNSEEN
    )


def annotation(text: str) -> str:
    return workflow_command("error", text, file=text, title=text)


@pytest.mark.parametrize(
    ("show", "kept"),
    [(printable, "\n\t"), (visible, "\n\t"), (one_line, ""), (annotation, "\t")],
)
@example(ONE_OF_EACH)
@example("".join(map(chr, [*range(32), *range(127, 160)])))
@given(st.text() | HOSTILE)
def test_nothing_that_is_obeyed_or_unseen_gets_through(show, kept: str, text: str) -> None:
    shown = show(text)
    assert not [char for char in shown if char not in kept and is_obeyed_or_unseen(char)]
    shown.encode("utf-8")


READABLE = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" ")).filter(
    lambda text: not any(map(is_obeyed_or_unseen, text))
)


@pytest.mark.parametrize("show", [printable, visible, one_line, utf8_text])
@example(
    "gr\u00f6\u00dfe \U0001f389 \u65e5\u672c\u8a9e \u0645\u0631\u062d\u0628\u0627 e\u0301 `\"'\\<b>"
)
@given(READABLE.filter(lambda text: len(text) <= 300))
def test_what_can_be_read_stays_as_it_is(show, text: str) -> None:
    assert show(text) == text


@pytest.mark.parametrize("show", [printable, one_line])
def test_what_does_not_show_is_named(show) -> None:
    told = {"\x1b": r"\x1b", "\udcff": r"\xff", "\u202e": r"\u202e", "\U000e0041": r"\U000e0041"}
    assert {char: show(char) for char in told} == told
    emoji_style, filler, no_break_space = "\ufe0f", "\u3164", "\xa0"
    assert show(emoji_style + filler + no_break_space) == r"\ufe0f\u3164\xa0"


def test_a_document_holds_every_character_but_bytes_that_were_not_utf_8() -> None:
    assert utf8_text("a\x1b\n\u202e\udcff\ud800") == "a\x1b\n\u202e\\xff\\ud800"


def test_a_command_inside_a_message_is_no_command() -> None:
    written = workflow_command("notice", "a ##[error]b #\u200b#[group]c\r\n::error::d")
    assert written == "::notice::a ## [error]b #\\u200b#[group]c%0D%0A::error::d"


@given(st.text(), st.integers(1, 50))
def test_folded_text_is_one_short_line(text: str, limit: int) -> None:
    short = folded(text, limit)
    assert len(short) <= limit
    assert len(short.splitlines()) <= 1
    assert short.endswith("…") or short.split() == text.split()


def test_text_that_a_terminal_would_obey_is_shown_instead() -> None:
    assert printable("a\x1b[31m\u202eb\r\n\tc\x07") == "a\\x1b[31m\\u202eb\\x0d\n\tc\\x07"


@given(st.text())
def test_every_character_shows_and_none_ends_the_line(text: str) -> None:
    assert one_line(text).isprintable()


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=300))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


def test_what_is_too_long_shows_its_beginning_its_end_and_how_much_is_missing() -> None:
    shown = one_line("a" * 400 + "rm -rf /", limit=90)
    assert shown.startswith("a" * 60)
    assert shown.endswith("rm -rf /")
    assert "[… 318 characters …]" in shown


@given(st.text(max_size=80))
def test_visible_text_holds_no_control_or_invisible_character(text):
    shown = visible(text)
    assert all(
        char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs"} for char in shown
    )
    assert visible(shown) == shown


def test_a_command_escapes_message_and_properties():
    assert (
        workflow_command("error", "50%\r\n::warning::x", file="a,b:c%\n.py", line=3, title="")
        == "::error file=a%2Cb%3Ac%25%0A.py,line=3::50%25%0D%0A::warning::x"
    )


def test_loading_the_escapers_compiles_no_expression_and_no_table_of_characters() -> None:
    code = (
        "import sys; before = set(sys.modules); import codex_orchestrator.text.shown;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "codex_orchestrator.text.shown" in loaded
    assert not {"re", "unicodedata"} & set(loaded)
