"""YAML as data: no aliases, no duplicate keys, no guessed types, bounded size and depth.

PyYAML's safe loader still expands aliases without bound, keeps the last of duplicate keys and
turns plain words into booleans and dates. Here every scalar stays text except `true`, `false`,
`null` and decimal integers, which is what a JSON reader would have seen.
"""

import re
from typing import Any, NamedTuple

import yaml

from codex_orchestrator.model.errors import InputError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,15})")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


class YamlError(ValueError):
    """A document that is not plain data. `line` counts from 1 in the parsed text."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class YamlDocument(NamedTuple):
    """A parsed mapping, and the line (from 1) of each dotted key."""

    values: dict[str, Any]
    lines: dict[str, int]


def parse_mapping(text: str) -> YamlDocument:
    """Parse one YAML mapping.

    Raises:
        YamlError: it is not one mapping of plain data within the limits; names the line.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise YamlError(f"more than {MAX_BYTES} bytes of YAML", 1)
    try:
        _refuse_constructs(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(error.problem or "not YAML", mark.line + 1 if mark else 1) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, max(error.position, 0)) + 1
        raise YamlError("a character that YAML does not allow", line) from error
    if not isinstance(node, yaml.MappingNode):
        raise YamlError("expected `key: value` lines", 1)
    lines: dict[str, int] = {}
    return YamlDocument(_mapping(node, "", lines), lines)


def parse_part(text: str, *, source: str, offset: int, fix: str) -> YamlDocument:
    """Parse one YAML mapping that is a part of a file.

    Args:
        text: the mapping.
        source: the file's name, for messages.
        offset: number of lines above the mapping.
        fix: what to do when it is not plain data.

    Raises:
        InputError: it is not; names file, line and fix.
    """
    try:
        return parse_mapping(text)
    except YamlError as error:
        line = error.line + offset
        raise InputError(str(error), path=source, line=line, fix=fix) from error


def _refuse_constructs(text: str) -> None:
    """Check the events first, because composing an alias bomb or deep nesting is expensive."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlError("anchors and aliases are not allowed", line)
        if getattr(event, "tag", None) is not None:
            raise YamlError("tags are not allowed", line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise YamlError(f"nested deeper than {MAX_DEPTH}", line)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _mapping(node: yaml.MappingNode, prefix: str, lines: dict[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlError("a key must be plain text", line)
        key = key_node.value
        if key == "<<":
            raise YamlError("merge keys are not allowed", line)
        if key in found:
            raise YamlError(f"duplicate key {key!r}", line)
        place = f"{prefix}.{key}" if prefix else key
        lines[place] = line
        found[key] = _value(value_node, place, lines)
    return found


def _value(node: yaml.Node, place: str, lines: dict[str, int]) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, lines)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for position, item in enumerate(node.value):
            lines[f"{place}.{position}"] = item.start_mark.line + 1
            items.append(_value(item, f"{place}.{position}", lines))
        return items
    text: str = node.value
    if getattr(node, "style", None) is not None:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    return int(text) if _INTEGER.fullmatch(text) else text
