"""The identifiers that a file must hold for a rule to match, so that most files need no parse.

The answer may be "perhaps" for a file without a match, and must never be "no" for one with a match:
whatever is not understood needs nothing.
"""

import functools
import re
from typing import NamedTuple

from codex_orchestrator.patterns.rule import Rule, RuleBody

_METAVARIABLE = re.compile(r"\$+[A-Z_][A-Z0-9_]*|\$\$\$")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_WORDS = re.compile(r"\^?(?:\((?:\?:)?(\w+(?:\|\w+)*)\)|(\w+))\$?", re.ASCII)
_CLASS_OR_ESCAPE = re.compile(r"\\[^\w]|\\[sSdDwWbB]|\[[^\[\]\\]*(?:\\[tnrswdSWD][^\[\]\\]*)*\]")
_RUN = re.compile(r"([A-Za-z0-9_]+)([?*+]?)")
_MAX_DEPTH = 12


class Need(NamedTuple):
    """What must be there: words anywhere, names as whole words, and one of each group."""

    words: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    choices: "tuple[tuple[Need, ...], ...]" = ()

    def is_met_by(self, text: str) -> bool:
        """Say whether a file with this text may hold a match."""
        return (
            all(word in text for word in self.words)
            and all(name in text and _whole(name).search(text) for name in self.names)
            and all(any(choice.is_met_by(text) for choice in group) for group in self.choices)
        )


@functools.cache
def _whole(name: str) -> re.Pattern[str]:
    # A keyword may follow a digit without a space, as in `1if x else 2`. The name stands first
    # because a search for plain text is fast.
    return re.compile(rf"{name}(?<![A-Za-z_]{name})(?!\w)")


def needs_of(rule: Rule) -> Need:
    """Derive what a file must hold for the rule to match in it."""
    need = _of(rule.rule, rule.utils, _MAX_DEPTH)
    pattern = rule.rule.pattern
    if isinstance(pattern, str):
        # A constraint binds only when its variable was captured, which a plain pattern always does.
        captured = {name.lstrip("$") for name in _METAVARIABLE.findall(pattern)}
        for name, body in rule.constraints.items():
            if name in captured and f"$$${name}" not in pattern:
                need = _and(need, _of(body, rule.utils, _MAX_DEPTH))
    return need


def _of(body: RuleBody, utils: dict[str, RuleBody], depth: int) -> Need:
    if depth == 0:
        return Need()
    need = Need()
    if isinstance(body.pattern, str):
        found = _IDENTIFIER.findall(_METAVARIABLE.sub(" ", body.pattern))
        # Inside quotes a word may touch an escape sequence, so it is not a whole word there.
        is_plain = not any(char in body.pattern for char in "'\"`/")
        need = Need(names=frozenset(found)) if is_plain else Need(frozenset(found))
    if body.regex is not None:
        need = _and(need, _of_regex(body.regex))
    for inner in (body.inside, body.has, body.precedes, body.follows, *(body.all or ())):
        if inner is not None:
            need = _and(need, _of(inner, utils, depth - 1))
    if body.any is not None:
        group = tuple(_of(inner, utils, depth - 1) for inner in body.any)
        if all(choice != Need() for choice in group):
            need = _and(need, Need(choices=(group,)))
    if body.matches is not None and body.matches in utils:
        need = _and(need, _of(utils[body.matches], utils, depth - 1))
    return need


def _of_regex(regex: str) -> Need:
    """Need what every match of a regular expression holds, as far as that is plain to see."""
    found = _PLAIN_WORDS.fullmatch(regex)
    if found is not None:
        words = (found[1] or found[2]).split("|")
        if len(words) > 1:
            return Need(choices=(tuple(Need(frozenset([word])) for word in words),))
        return Need(frozenset(words))
    # Without groups and alternatives a run of letters must be there; the last letter may be
    # optional, so it is left out where anything follows that is not a plain end.
    flat = _CLASS_OR_ESCAPE.sub(" ", regex)
    if any(char in flat for char in "()|[]{}\\"):
        return Need()
    words = [word for word, quantified in _RUN.findall(flat) if not quantified]
    words += [word[:-1] for word, quantified in _RUN.findall(flat) if quantified]
    return Need(frozenset(word for word in words if word))


def _and(left: Need, right: Need) -> Need:
    return Need(left.words | right.words, left.names | right.names, left.choices + right.choices)
