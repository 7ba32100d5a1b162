"""CODEOWNERS: who owns which files, by the last rule that matches, as GitHub reads it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from codex_orchestrator.guard.specs import owners_of
from codex_orchestrator.text.globs import glob_problem
from codex_orchestrator.text.shown import shows

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where the file is looked for; the first one counts."""
_MAX_RULES = 5000
_WORD = re.compile(r"(?:\\.|[^\s\\])+")


class OwnerRule(NamedTuple):
    """One line: globs of its pattern, and the owners; none means that nobody owns the files."""

    line: int
    globs: tuple[str, ...]
    owners: tuple[str, ...]


class CodeOwners:
    """Finds the owners of files. An empty text has none."""

    def __init__(self, text: str) -> None:
        self._rules = {str(rule.line): rule for rule in _rules(text)}
        self._index = owners_of({key: rule.globs for key, rule in self._rules.items()})

    def rule(self, path: str) -> OwnerRule | None:
        """Return the rule that decides on a file, None when no line matches it."""
        found = [int(spec.path) for spec in self._index.of((path,))]
        return self._rules[str(max(found))] if found else None


def _rules(text: str) -> Iterator[OwnerRule]:
    """Yield the rules; headings of sections (GitLab) and what no glob can say are left out."""
    for number, row in enumerate(text.splitlines()[:_MAX_RULES], start=1):
        line = row.strip()
        if not line or line[0] in "#[^!":
            continue
        words = _WORD.findall(line)
        comment = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
        pattern, *owners = words[:comment]
        globs = _globs(re.sub(r"\\(.)", r"\1", pattern))
        if globs and not any(map(glob_problem, globs)):
            yield OwnerRule(number, globs, tuple(dict.fromkeys(filter(_is_shown, owners))))


def _is_shown(owner: str) -> bool:
    return len(owner) <= 200 and all(map(shows, owner))


def _globs(pattern: str) -> tuple[str, ...]:
    """Return the globs of a pattern: a name also means all that is below a folder of that name."""
    is_folder = pattern.endswith("/")
    is_anchored = "/" in pattern[:-1]
    name = re.sub(r"\[", "[[]", pattern.strip("/"))
    if name in ("", "*", "**"):
        return ("**",)
    start = name if is_anchored else f"**/{name}"
    if start.endswith("/**"):
        return (start,)
    if is_folder:
        return (f"{start}/**",)
    # `docs/*` means the files in docs and not what is in its folders.
    has_wildcard = "*" in name.rpartition("/")[2]
    return (start,) if has_wildcard else (start, f"{start}/**")
