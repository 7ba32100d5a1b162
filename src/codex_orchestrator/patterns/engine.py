"""ast-grep in process: parse a text, find what a rule matches, count syntax errors."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.patterns.rule import Rule
from codex_orchestrator.system.installed import missing_extra

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_BACKTRACE = re.compile(r"\n\s*Stack backtrace:.*", re.DOTALL)
_VARIABLE = re.compile(r"\$\$\$[A-Z_][A-Z0-9_]*|\$[A-Z_][A-Z0-9_]*")
_IGNORE = re.compile(r"ast-grep-ignore(?::(?P<ids>[^\n]*))?")


class Hit(NamedTuple):
    """One node that a rule matches. Offsets count characters, `line` counts from 1."""

    rule: Rule
    start: int
    end: int
    line: int
    node: "SgNode"


def parse(text: str, language: str) -> "SgNode":
    """Parse a text into a syntax tree; what does not parse becomes error nodes.

    Raises:
        MissingExtraError: ast-grep is not installed.
    """
    try:
        from ast_grep_py import SgRoot
    except ImportError as error:
        raise missing_extra("patterns", needed_for="running patterns") from error
    return SgRoot(text, language).root()


def find(root: "SgNode", rule: Rule) -> list["SgNode"]:
    """Return the nodes that one rule matches, outer before inner.

    Raises:
        InputError: the engine refuses the rule.
    """
    return find_config(root, rule.config(), source=rule.id)


def find_config(root: "SgNode", config: dict[str, Any], *, source: str) -> list["SgNode"]:
    """Return the nodes that a rule in the engine's own form matches.

    Raises:
        InputError: the engine refuses the rule; the message is its own, without its backtrace.
    """
    try:
        return root.find_all(config)  # type: ignore[call-overload,no-any-return]
    except (RuntimeError, TypeError, ValueError) as error:
        causes = _BACKTRACE.sub("", str(error)).strip().splitlines()
        message = causes[-1].split(": ", 1)[-1].strip() if causes else "not a rule"
        raise InputError(
            f"ast-grep refuses the rule: {message}", path=source, fix="fix the rule"
        ) from error


def find_hits(text: str, root: "SgNode", rules: Iterable[Rule]) -> list[Hit]:
    """Return what the rules match in a text, in order of place, without ignored lines.

    Rules without constraints share one walk of the tree: their hits are assigned to rules
    afterwards, which costs little because hits are rare.
    """
    hits: list[Hit] = []
    simple: list[Rule] = []
    for rule in rules:
        if rule.constraints or rule.transform:
            hits += [_hit(rule, node) for node in find(root, rule)]
        else:
            simple.append(rule)
    if len(simple) == 1:
        hits += [_hit(simple[0], node) for node in find(root, simple[0])]
    elif simple:
        hits.extend(_find_any(root, simple))
    if hits and "ast-grep-ignore" in text:
        lines = text.split("\n")
        hits = [hit for hit in hits if not _is_ignored(lines, hit)]
    return sorted(hits, key=lambda hit: (hit.start, -hit.end, hit.rule.id))


def _find_any(root: "SgNode", rules: list[Rule]) -> Iterator[Hit]:
    utils: dict[str, Any] = {}
    for number, rule in enumerate(rules):
        config = rule.config()
        prefix = f"r{number}-"
        for name, body in config.get("utils", {}).items():
            utils[prefix + name] = _renamed(body, prefix)
        utils[f"rule{number}"] = _renamed(config["rule"], prefix)
    anyone = [{"matches": f"rule{number}"} for number in range(len(rules))]
    nodes = find_config(root, {"rule": {"any": anyone}, "utils": utils}, source="rules")
    for node in nodes:
        for rule in rules:
            # `find` on a node looks at the node first; a later node is another node's hit.
            found = node.find(rule.config())  # type: ignore[call-overload]
            if found is not None and found == node:
                yield _hit(rule, found)


def _renamed(body: Any, prefix: str) -> Any:
    if isinstance(body, dict):
        return {
            key: prefix + value if key == "matches" else _renamed(value, prefix)
            for key, value in body.items()
        }
    if isinstance(body, list):
        return [_renamed(item, prefix) for item in body]
    return body


def _hit(rule: Rule, node: "SgNode") -> Hit:
    place = node.range()
    return Hit(rule, place.start.index, place.end.index, place.start.line + 1, node)


def _is_ignored(lines: list[str], hit: Hit) -> bool:
    """Say whether `ast-grep-ignore` in the line, or alone in the line above, suppresses a hit."""
    here = lines[hit.line - 1] if hit.line <= len(lines) else ""
    above = lines[hit.line - 2].strip() if 2 <= hit.line <= len(lines) + 1 else ""
    candidates = [here] + ([above] if above.startswith(("#", "//", "/*")) else [])
    for line in candidates:
        found = _IGNORE.search(line)
        if found is None:
            continue
        ids = [part.strip(" \t*/") for part in (found["ids"] or "").split(",")]
        if not found["ids"] or hit.rule.id in ids:
            return True
    return False


def expand(template: str, hit: Hit, text: str) -> str:
    """Fill a fix or message template with what the hit captured.

    Captured code is copied byte for byte. Further lines of a template get the indentation of the
    line where the hit starts, and the file's own line ends.
    """
    body = template.removesuffix("\n")
    if "\n" in body:
        body = body.replace("\n", line_end(text) + _indentation(text, hit.start))
    return _VARIABLE.sub(lambda found: _captured(found[0], hit, text), body)


def line_end(text: str) -> str:
    """Return how the lines of a text end."""
    return "\r\n" if "\r\n" in text else "\n"


def _indentation(text: str, place: int) -> str:
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _captured(variable: str, hit: Hit, text: str) -> str:
    name = variable.lstrip("$")
    if variable.startswith("$$$"):
        nodes = hit.node.get_multiple_matches(name)
        if not nodes:
            return ""
        return text[nodes[0].range().start.index : nodes[-1].range().end.index]
    node = hit.node.get_match(name)
    if node is not None:
        return node.text()
    return hit.node.get_transformed(name) or ""


def count_errors(root: "SgNode") -> int:
    """Count the syntax errors: error nodes, and tokens that the parser inserted."""
    errors = find_config(root, {"rule": {"kind": "ERROR"}}, source="errors")
    return len(errors) + len(find_config(root, {"rule": {"regex": "^$"}}, source="missing"))
