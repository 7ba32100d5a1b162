"""The shapes of tokens that issuers made easy to recognise; they are secrets whoever holds them."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

_WORD = rb"[A-Za-z0-9]"
_TEXT = rb"[A-Za-z0-9_\-]"


class TokenFound(NamedTuple):
    """A token: what kind, and where."""

    kind: str
    start: int
    end: int


# Hostile text must not make the search slow: no pattern looks far ahead from many places.
# Kind, what every token of it holds, its pattern; what is masked is the group `token`.
_SHAPES: tuple[tuple[str, tuple[bytes, ...], bytes], ...] = (
    ("GitHub token", (b"gh",), rb"gh[pousr]_%b{30,}" % _WORD),
    ("GitHub token", (b"github_pat_",), rb"github_pat_[A-Za-z0-9_]{22,}"),
    (
        "API key that begins with sk-",
        (b"sk-",),
        # Words with dashes between them are none.
        rb"sk-(?=%b{0,24}%b{20})%b{20,}" % (_TEXT, _WORD, _TEXT),
    ),
    ("AWS access key", (b"AKIA", b"ASIA"), rb"A[KS]IA(?![A-Z0-9]*EXAMPLE)[A-Z0-9]{16}(?![A-Z0-9])"),
    ("Slack token", (b"xox", b"xapp-"), rb"(?:xox[abceoprs]|xapp)-[A-Za-z0-9\-]{16,}"),
    ("Vault token", (b"hvs.", b"hvb.", b"hvr."), rb"hv[sbr]\.%b{20,}" % _TEXT),
    (
        "JSON web token",
        (b"eyJ",),
        rb"eyJ(?<!%beyJ)%b{8,}\.eyJ%b{8,}\.%b{16,}" % (_TEXT, _TEXT, _TEXT, _TEXT),
    ),
    ("GitLab token", (b"glpat-",), rb"glpat-[A-Za-z0-9_\-]{20,}(?:\.[A-Za-z0-9_.\-]+)?"),
    ("npm token", (b"npm_",), rb"npm_%b{36,}" % _WORD),
    ("PyPI token", (b"pypi-",), rb"pypi-%b{40,}" % _TEXT),
    ("Google API key", (b"AIza",), rb"AIza%b{35}" % _TEXT),
)
# The lines of a key, with what a diff, a comment, a quote or JSON puts between them. The first one
# is public.
_BETWEEN_LINES = rb"""(?:\\[nr]|[\s"'+|>#,\\*;%!]|-(?!-)|(?<=[\r\n])//)"""
_PRIVATE_KEY = (
    rb"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    rb"(?:%(sep)b{1,60}(?:Proc-Type|DEK-Info|Version|Comment):[^\r\n\\]{0,100}+)*+%(sep)b{1,60}"
    rb"(?P<token>%(line)b{16,}+"
    rb"(?:%(sep)b{1,60}+(?:%(line)b{16,}+|%(line)b{1,15}(?=%(sep)b{0,60}-?-----END)))*)"
) % {b"sep": _BETWEEN_LINES, b"line": rb"[A-Za-z0-9+/=]"}


@cache
def _patterns() -> tuple[tuple[str, tuple[bytes, ...], re.Pattern[bytes]], ...]:
    tokens = [
        (kind, marks, re.compile(rb"(?P<token>" + pattern + rb")"))
        for kind, marks, pattern in _SHAPES
    ]
    return (*tokens, ("private key", (b"PRIVATE KEY",), re.compile(_PRIVATE_KEY)))


def _is_placeholder(token: bytes) -> bool:
    """Return whether a token is one as documents show them: `ghp_xxxxxxxx`, `AKIA…EXAMPLE`."""
    # Random text of 16 characters has more than 3 different ones.
    return len(set(token[-16:].lower())) <= 3 or token.upper().endswith(b"EXAMPLE")


def find_tokens(data: bytes) -> Iterator[TokenFound]:
    """Return the tokens in some data."""
    for kind, marks, pattern in _patterns():
        if any(mark in data for mark in marks):
            for match in pattern.finditer(data):
                # Checked here: a pattern that begins with letters is found faster.
                start = match.start()
                if start and data[start - 1 : start].isalnum():
                    continue
                if _is_placeholder(match["token"]):
                    continue
                yield TokenFound(kind, *match.span("token"))
