"""CODEOWNERS: who owns which files, by the last rule that matches, as GitHub reads it."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from codex_orchestrator.guard.specs import owners_of
from codex_orchestrator.text.globs import glob_problem, literal_prefix, matcher
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
        self._rules = {rule.line: rule for rule in _rules(text)}
        # A large repository has 100,000 files and a long list: most rules are looked up by a name.
        self._names: dict[str, int] = {}
        self._folder_names: dict[str, int] = {}
        self._wild: list[OwnerRule] = []
        others: dict[str, tuple[str, ...]] = {}
        for rule in self._rules.values():
            name = rule.globs[0].removeprefix("**/").removesuffix("/**")
            is_name = rule.globs[0].startswith("**/") and "/" not in name
            if is_name and rule.globs == (f"**/{name}",):
                self._wild.append(rule)
            elif is_name and literal_prefix(name) == name:
                names = self._names if len(rule.globs) > 1 else self._folder_names
                names[name] = rule.line
            else:
                others[str(rule.line)] = rule.globs
        self._index = owners_of(others)
        self._any_of = cache(self._wild_matcher)

    def rule(self, path: str) -> OwnerRule | None:
        """Return the rule that decides on a file, None when no line matches it."""
        *folders, name = path.split("/")
        lines = [self._folder_names.get(part, 0) for part in folders]
        lines += [self._names.get(part, 0) for part in (*folders, name)]
        lines += [int(spec.path) for spec in self._index.of((path,))]
        lines.append(self._last_wild(name, 0, len(self._wild)))
        return self._rules.get(max(lines))

    def _last_wild(self, name: str, first: int, end: int) -> int:
        """Return the line of the last rule with a wildcard that matches a name; 0 for none."""
        if first == end or not self._any_of(first, end)(name):
            return 0
        if end - first == 1:
            return self._wild[first].line
        middle = (first + end) // 2
        return self._last_wild(name, middle, end) or self._last_wild(name, first, middle)

    def _wild_matcher(self, first: int, end: int) -> Callable[[str], bool]:
        return matcher(rule.globs[0].removeprefix("**/") for rule in self._wild[first:end])


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
