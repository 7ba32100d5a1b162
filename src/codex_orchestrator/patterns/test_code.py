"""Files that tests consist of, though no runner knows them by their names."""

import re

from codex_orchestrator.patterns.check_files import is_test_file
from codex_orchestrator.patterns.dialects import DIALECTS
from codex_orchestrator.patterns.languages import language_of

_PYTHON = re.compile(
    rb"^[ \t]*(?:import|from)[ \t]+(?:unittest|_?pytest|nose2?|testtools|hypothesis)\b"
    rb"|\.assert[A-Z]\w*\(",
    re.MULTILINE,
)
_SCRIPT = re.compile(
    rb"[\"'](?:node:test|vitest|@jest/globals|chai|mocha|ava|tap|bun:test|@playwright/test)[\"']"
)
_GO = re.compile(rb"^(?:import)?[ \t]*(?:\w+ )?\"(?:testing|[^\"\n]*/testify/\w+)\"", re.MULTILINE)
_JAVA = re.compile(rb"^import (?:static )?org\.(?:junit|testng|assertj|hamcrest)\b", re.MULTILINE)
_SIGNS = {
    "python": _PYTHON,
    **dict.fromkeys(("javascript", "typescript", "tsx"), _SCRIPT),
    "go": _GO,
    "java": _JAVA,
}
_DOCSTRING = re.compile(rb"\"\"\"(?:[^\"]|\"(?!\"\"))*\"\"\"|'''(?:[^']|'(?!''))*'''")
_EXAMPLE = re.compile(rb"^[ \t]*>>> (?!.*\bdoctest:.*\+SKIP)", re.MULTILINE)
_RUST_DOC = re.compile(rb"^[ \t]*//[/!].*", re.MULTILINE)
_RUST_ASSERTION = re.compile(rb"\bassert\w*!")
_UNREAD = re.compile(
    r"(?:.*/)?(?:(?i:tests?|specs?|__tests__)/(?:.*/)?[^/]+|(?:test[-_.])[^/]*|[^/]+[-_.](?:tests?|spec)"
    r"|[^/]+(?:Tests?|Spec))"
    r"\.(?:sh|bash|zsh|fish|bats|rb|php|exs?|pl|t|lua|kts?|groovy|scala|cs|swift|c|cc|cpp|h|hpp|ps1"
    r"|bat|cmd|vue|svelte|r|R|jl|clj|hs|ml|dart)"
)


def is_test_code(path: str, data: bytes | None) -> bool:
    """Say whether a file holds tests or helpers of theirs: by its name, or by what it imports."""
    if is_test_file(path):
        return True
    sign = _SIGNS.get(language_of(path) or "")
    return sign is not None and sign.search(data or b"") is not None


def is_unread_test(path: str) -> bool:
    """Say whether a file looks like a test of a language whose syntax is not read here."""
    return _UNREAD.fullmatch(path) is not None and language_of(path) not in DIALECTS


def lost_examples(path: str, before: bytes | None, after: bytes | None) -> str:
    """Say what the documentation of a file shows less than before, which is run as tests.

    Where documentation itself is gone, the names of its tests are.
    """
    if path.endswith(".py"):
        old, new = (
            [text for text in _DOCSTRING.findall(data or b"") if b">>> " in text]
            for data in (before, after)
        )
        what, sign = "examples in docstrings", _EXAMPLE
    elif path.endswith(".rs"):
        old, new = (_RUST_DOC.findall(data or b"") for data in (before, after))
        if sum(b"```" in line for line in new) < sum(b"```" in line for line in old):
            return ""
        what, sign = "assertions in examples of the documentation", _RUST_ASSERTION
    else:
        return ""
    count, left = (sum(len(sign.findall(text)) for text in texts) for texts in (old, new))
    is_gone = path.endswith(".py") and len(new) < len(old)
    return f"{left} of {count} {what} are run now" if left < count and not is_gone else ""
