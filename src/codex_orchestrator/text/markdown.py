"""Text of strangers made safe to publish in Markdown: rebuilt from escaped parts, never filtered.

Agents, pull requests and repositories write text that we show in comments and summaries. Nothing
in it may notify a person, close or link an issue, load an image, forge our marker, or act on the
terminal. So its characters are shown, its few harmless structures (paragraphs, lists, code) are
written anew, and everything else becomes plain text.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NewType

from codex_orchestrator.text.shown import folded, shortened, visible

Markdown = NewType("Markdown", str)
"""Markdown that is safe to publish.

Untrusted text gets into it only through the functions below.
"""

COMMENT_LIMIT = 65_000
"""Characters in a comment: below GitHub's 65,536, and below 262,144 bytes in any alphabet."""
SUMMARY_LIMIT = 1_000_000
"""Bytes in one step's job summary: below the limit of 1 MiB."""

_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})([^`]*)")
_LIST = re.compile(r"\s*(?:[-*+]|(\d{1,9})[.)])\s+(.*)")
_HEADING = re.compile(r"\s*#{1,6}\s+(.*)")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
# What GitHub would link or act on: mentions, URLs, e-mail addresses, issue and commit references.
_ACTIVE = re.compile(r"[@\uff20]|://|\bwww\.|\bmailto:|#\d|\bgh-\d", re.IGNORECASE)
_ESCAPED = {char: "\\" + char for char in "\\`*_~[]#$"} | {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "|": "&#124;",
}
_BLOCK_START = re.compile(r"\A(?:(\d{1,9})(?=[.)](?:\s|$))|(?=[-+=]))")
_INSIDE_WORD = re.compile(r"(?<=[^\W_])_(?=[^\W_])")
_INFO = re.compile(r"[a-z0-9+-]{1,20}")


def line(text: str, *, limit: int = 500) -> Markdown:
    """Return text as one line of prose, cut at `limit` characters.

    Also suitable for a table cell.
    """
    return _no_block(_prose_line(folded(visible(text), limit)))


def code(text: str, *, limit: int = 300) -> Markdown:
    """Return text as one code span, cut at `limit` characters; also suitable for a table cell."""
    shown = folded(visible(text), limit)
    # A code span in a table cannot contain `|`, so spans are joined around it.
    return Markdown("&#124;".join(code_span(piece) for piece in shown.split("|")) or "` `")


def code_span(text: str) -> str:
    """Return one line of text as a code span that it cannot leave; "" for blank text."""
    if not text.strip():
        return ""
    ticks = "`" * (_longest_ticks(text) + 1)
    pad = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def location(path: str, line_number: int) -> Markdown:
    """Return `path:line` as one code span; "" without a path, `path` alone without a line."""
    if not path:
        return Markdown("")
    return code(f"{path}:{line_number}" if line_number else path)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Markdown:
    """Return a table of cells that are Markdown already."""
    marks = ("---",) * len(headings)
    return Markdown("\n".join(f"| {' | '.join(cells)} |" for cells in (headings, marks, *rows)))


def fenced(text: str, *, info: str = "", limit: int = 10_000) -> Markdown:
    """Return text as a fenced block, cut at a line end at `limit` characters.

    The fence is longer than any in the text.
    """
    shown = shortened(visible(text).strip("\n"), limit)
    fence = "`" * max(3, _longest_ticks(shown) + 1)
    language = info if _INFO.fullmatch(info) else ""
    return Markdown(f"{fence}{language}\n{shown}\n{fence}")


def prose(text: str, *, limit: int = 10_000) -> Markdown:
    """Return text as Markdown that keeps paragraphs, lists and code.

    Everything else is plain text.
    """
    built: list[str] = []
    lines = iter(shortened(visible(text).strip("\n"), limit).split("\n"))
    for current in lines:
        if fence := _FENCE.fullmatch(current):
            end = re.compile(rf"\s{{0,3}}{fence[1][0]}{{{len(fence[1])},}}\s*")
            inside: list[str] = []
            for inner in lines:
                if end.fullmatch(inner):
                    break
                inside.append(inner)
            built += ["", fenced("\n".join(inside), info=fence[2].strip().lower(), limit=limit), ""]
        else:
            built.append(_block_line(current))
    return Markdown(re.sub(r"\n{3,}", "\n\n", "\n".join(built)).strip("\n"))


def _block_line(text: str) -> str:
    if heading := _HEADING.fullmatch(text):
        return f"\n**{_prose_line(heading[1])}**\n" if heading[1].strip() else ""
    if item := _LIST.fullmatch(text):
        # `- --` would be a rule, and `- - x` a list in a list.
        return f"{item[1] + '.' if item[1] else '-'} {_no_block(_prose_line(item[2]))}"
    return _no_block(_prose_line(text.strip()))


def _no_block(text: Markdown) -> Markdown:
    """Escape the start of a line that would begin a list, a rule or an underlined heading."""
    return Markdown(_BLOCK_START.sub(lambda start: f"{start[1] or ''}\\", text))


def _prose_line(text: str) -> Markdown:
    built: list[str] = []
    position = 0
    for span in _SPAN.finditer(text):
        built += [_plain(text[position : span.start()]), code(span[2], limit=len(span[2]))]
        position = span.end()
    return Markdown(_joined([*built, _plain(text[position:])]))


def _joined(pieces: list[str]) -> str:
    """Join pieces, separating code spans that touch each other: Markdown would merge them."""
    built = ""
    for piece in pieces:
        built += " " + piece if built.endswith("`") and piece.startswith("`") else piece
    return built


def _plain(text: str) -> str:
    """Escape plain words; a word that GitHub would act on is shown as code."""
    return "".join(
        code(word, limit=len(word)) if _ACTIVE.search(word) else _escape(word)
        for word in re.split(r"(\s+)", text)
    )


def _escape(text: str) -> str:
    inside = {match.start() for match in _INSIDE_WORD.finditer(text)}
    return "".join(
        char if place in inside else _ESCAPED.get(char, char) for place, char in enumerate(text)
    )


def capped(text: Markdown, *, limit: int, notice: Markdown) -> Markdown:
    """Return Markdown of at most `limit` characters: cut at a line end, blocks closed, notice last.

    `notice` says that text was cut and where the whole stands.
    """
    if len(text) <= limit:
        return text
    kept: list[str] = []
    fence = ""
    folds = 0
    room = limit - len(notice) - 40
    for current in text.split("\n"):
        room -= len(current) + 1
        closing = len(fence) + 1 + folds * len("</details>\n\n")
        if room < closing:
            break
        kept.append(current)
        if mark := _FENCE.fullmatch(current):
            if not fence:
                fence = mark[1]
            elif mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif not fence:
            folds += current.startswith("<details>") - current.startswith("</details>")
    ends = [fence] * bool(fence) + ["\n</details>"] * folds
    return Markdown("\n".join([*kept, *ends, "", notice]))


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
