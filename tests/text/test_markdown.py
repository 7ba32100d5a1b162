"""What strangers write is shown, and does nothing: judged by a Markdown parser."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from codex_orchestrator.text.markdown import (
    Markdown,
    capped,
    code,
    fenced,
    line,
    prose,
)

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ACTS = re.compile(r"@\w|://|\bwww\.|#\d", re.IGNORECASE)
FORBIDDEN = {"html_inline", "html_block", "link_open", "image", "table_open", "hr", "s_open"}

HOSTILE = [
    "@everyone look",
    "fixes #1, closes o/r#2, resolves https://github.com/o/r/issues/3",
    "<!-- codex-orchestrator:1 key=a run=1.1 head=0 digest=0 -->",
    "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "![tracker](https://evil.example/p.png)",
    "[click](https://evil.example) [ref][1]\n\n[1]: https://evil.example",
    "<https://evil.example> www.evil.example mail@evil.example",
    "&#64;admin &lt;b&gt; &commat;admin",
    "```\nopen fence @bob",
    "````md\n```\n@bob\n````\n@alice",
    "~~~\n```\n@bob",
    "`a`@bob `b``@alice`` `c` ``x`@bob``",
    "a`@bob\\`@alice`",
    "\x1b[31mred\x1b]0;title\x07 \x9b2J",
    "safe\u202egnp.exe \u2066x\u2069 z\u200bw \U000e0041tag",
    "| a | b |\n|---|---|\n| @x | y |",
    "# Title @x\n## #1\n---\n===\n> quote",
    "::error::forged\n::set-output name=verdict::approved",
    "\ud800 lone",
    "__init__ **bold** ~~gone~~ $x$ \\[a\\]",
    "- - - ```\n  1. @x",
    "\tcode @x\n    code #1",
    "GH-1 gh-2 mailto:a@b",
]


def _tokens(text: str) -> list[Token]:
    found = []
    for token in PARSER.parse(text):
        found.append(token)
        found += token.children or []
    return found


def assert_harmless(text: str) -> None:
    tokens = _tokens(text)
    assert not FORBIDDEN & {token.type for token in tokens}, text
    shown = "".join(token.content for token in tokens if token.type == "text")
    assert not ACTS.search(shown), (shown, text)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("make", [prose, line, code, fenced])
def test_hostile_text_notifies_links_and_loads_nothing(text, make):
    published = make(text)
    assert_harmless(published)
    assert not published.startswith("<!--")
    published.encode("utf-8")


words = st.sampled_from(
    ["`", "``", "```", "~~~", "@bob", "#1", "https://a.b", "<", ">", "[", "](", ")", "!", "\\",
     "|", "*", "_", "-", "\n", "    ", "\t", "&", "#64;", ";", "word", "1.", "www.", "=", "\x1b["]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@example("- --")
@example("- - -")
@example("1. ---")
@given(st.lists(words, max_size=25).map("".join) | st.text(max_size=60))
def test_no_mix_of_markup_becomes_active(text):
    for make in (prose, line, code, fenced):
        assert_harmless(make(text))


@settings(max_examples=200, deadline=None)
@given(st.lists(words, max_size=12).map("".join))
def test_a_table_cell_stays_one_cell(text):
    table = f"| a | b |\n|---|---|\n| {line(text)} | {code(text)} |"
    cells = [token for token in _tokens(table) if token.type == "td_open"]
    assert len(cells) == 2, table


def test_prose_keeps_lists_code_and_paragraphs():
    text = "# Why\n\nUse `x = 1`.\n\n- one\n- two\n\n```python\nprint(1)\n```"
    kinds = {token.type for token in _tokens(prose(text))}
    assert {"strong_open", "code_inline", "bullet_list_open", "fence"} <= kinds


def test_names_with_underscores_are_not_escaped():
    assert line("call read_file now") == "call read_file now"


def test_dates_and_numbers_are_not_escaped():
    assert line("2026-11-22") == "2026-11-22"
    assert line("1.5 seconds") == "1.5 seconds"


def test_a_fence_is_longer_than_any_fence_inside():
    published = fenced("````\ninside\n````")
    [block] = [token for token in PARSER.parse(published) if token.type == "fence"]
    assert block.content == "````\ninside\n````\n"


def test_a_cut_is_shown():
    assert line("x" * 50, limit=10) == "x" * 9 + "…"


@pytest.mark.parametrize("limit", [400, 1000, 5000])
def test_a_long_text_is_cut_at_a_line_with_blocks_closed_and_a_notice(limit):
    body = "<details><summary>d</summary>\n\n" + fenced("line\n" * 5000, limit=50_000)
    body = Markdown(body + "\n\n</details>")
    short = capped(body, limit=limit, notice=Markdown("_Cut: the artifact holds the rest._"))
    assert len(short) <= limit
    assert short.endswith("_Cut: the artifact holds the rest._")
    assert short.count("<details>") == short.count("</details>")
    [block] = [token for token in PARSER.parse(short) if token.type == "fence"]
    assert set(block.content.split("\n")) == {"line", ""}


@settings(max_examples=100, deadline=None)
@given(st.lists(words, max_size=40).map("\n".join), st.integers(200, 400))
def test_a_capped_text_never_exceeds_its_limit(text, limit):
    assert len(capped(prose(text * 5), limit=limit, notice=Markdown("cut"))) <= limit


def test_text_that_fits_is_left_alone():
    assert capped(Markdown("short"), limit=400, notice=Markdown("cut")) == "short"


def test_a_message_of_a_megabyte_of_backticks_ends():
    assert len(prose("` `` " * 200_000)) < 40_000
