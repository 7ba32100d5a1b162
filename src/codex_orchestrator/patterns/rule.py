"""Rules: plain ast-grep YAML, parsed strictly; errors name the key and its line."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from codex_orchestrator.model.document import Document, problems_of
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import Severity
from codex_orchestrator.model.strict_yaml import YamlDocument, parse_part
from codex_orchestrator.model.task import Identifier
from codex_orchestrator.patterns.languages import known_language

_SEPARATOR = re.compile(r"^---[ \t]*\r?\n", re.MULTILINE)
MetaVariable = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")]

_SEVERITIES = {
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "info": Severity.NOTE,
    "hint": Severity.NOTE,
}


class PatternSource(Document):
    """A pattern that needs surrounding code to parse."""

    context: str
    selector: str | None = None
    strictness: Literal["cst", "smart", "ast", "relaxed", "signature"] | None = None


class NthChild(Document):
    """A place among siblings."""

    position: int | str
    of_rule: "RuleBody | None" = Field(alias="ofRule", default=None)
    reverse: bool | None = None


class RuleBody(Document):
    """What a node must match: all of the given keys."""

    pattern: str | PatternSource | None = None
    kind: str | None = None
    regex: str | None = None
    nth_child: int | str | NthChild | None = Field(alias="nthChild", default=None)
    inside: "RelationBody | None" = None
    has: "RelationBody | None" = None
    precedes: "RelationBody | None" = None
    follows: "RelationBody | None" = None
    all: "tuple[RuleBody, ...] | None" = None
    any: "tuple[RuleBody, ...] | None" = None
    not_: "RuleBody | None" = Field(alias="not", default=None)
    matches: str | None = None

    def config(self) -> dict[str, Any]:
        """Return the rule in the engine's own form."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")


class RelationBody(RuleBody):
    """A rule about a node's surroundings, and where to stop looking."""

    stop_by: "Literal['neighbor', 'end'] | RuleBody | None" = Field(alias="stopBy", default=None)
    field: str | None = None


class Substring(Document):
    """A slice of captured text, counted in characters."""

    source: str
    start_char: int | None = Field(alias="startChar", default=None)
    end_char: int | None = Field(alias="endChar", default=None)


class Replacement(Document):
    """Captured text with a regular expression replaced."""

    source: str
    replace: str
    by: str


_Case = Literal[
    "lowerCase",
    "upperCase",
    "capitalize",
    "camelCase",
    "snakeCase",
    "kebabCase",
    "pascalCase",
]
_Separator = Literal["caseChange", "dash", "dot", "slash", "space", "underscore"]


class Conversion(Document):
    """Captured text in another letter case."""

    source: str
    to_case: _Case = Field(alias="toCase")
    separated_by: tuple[_Separator, ...] | None = Field(alias="separatedBy", default=None)


class Transform(Document):
    """One new variable made from a captured one."""

    substring: Substring | None = None
    replace: Replacement | None = None
    convert: Conversion | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Transform":
        if len(self.model_fields_set) != 1:
            raise ValueError("give exactly one of substring, replace and convert")
        return self


class Rule(Document):
    """One ast-grep rule. `fix` is the template of the new text; None when it only finds."""

    id: Identifier
    language: str
    severity: Literal["error", "warning", "info", "hint"] = "warning"
    message: str = ""
    note: str = ""
    rule: RuleBody
    constraints: dict[MetaVariable, RuleBody] = Field(default_factory=dict)
    utils: dict[str, RuleBody] = Field(default_factory=dict)
    transform: dict[MetaVariable, Transform] = Field(default_factory=dict)
    fix: str | None = None
    url: str = ""
    metadata: dict[str, Any] = Field(default_factory=dict)

    def in_language(self, language: str) -> "Rule":
        """Return the rule with its language under another name."""
        return self.model_copy(update={"language": language})

    @property
    def weight(self) -> Severity:
        """How much a finding of this rule matters."""
        return _SEVERITIES[self.severity]

    def config(self) -> dict[str, Any]:
        """Return the rule in the engine's own form, with constraints, utils and transforms."""
        parts = {"rule", "constraints", "utils", "transform"}
        found = self.model_dump(by_alias=True, exclude_none=True, mode="json", include=parts)
        return {name: part for name, part in found.items() if part or name == "rule"}


def parse_rules(text: str, *, source: str) -> tuple[Rule, ...]:
    """Parse a rule file: one or more ast-grep rules, separated by `---` lines.

    Args:
        text: the whole file.
        source: the file's name, for messages.

    Raises:
        InputError: names file, line, key and the fix.
    """
    rules: list[Rule] = []
    line = 0
    for part in _SEPARATOR.split(text):
        if any(row.strip() and not row.lstrip().startswith("#") for row in part.splitlines()):
            rules.append(_parse_rule(part, source=source, offset=line))
        line += part.count("\n") + 1
    if not rules:
        raise InputError("holds no rule", path=source, fix="write an ast-grep rule into it")
    names = [rule.id for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two rules have the id {name!r}", path=source, field="id")
    return tuple(rules)


def _parse_rule(text: str, *, source: str, offset: int) -> Rule:
    document = parse_part(text, source=source, offset=offset, fix="fix the YAML")
    try:
        rule = Rule(**document.values)
    except ValidationError as error:
        raise schema_error(error, document, source=source, offset=offset) from error
    line = document.lines.get("language", 0) + offset
    return rule.in_language(known_language(rule.language, path=source, line=line))


def schema_error(
    error: ValidationError, document: YamlDocument, *, source: str, offset: int = 0
) -> InputError:
    """Turn a schema error into one that names file, line and key."""
    # Of a union's branches the deepest error is about what the author meant.
    problem = max(problems_of(error), key=lambda found: len(found.path))
    line = 0
    place = ""
    for name in problem.path:
        longer = f"{place}.{name}" if place else name
        if longer in document.lines:
            place, line = longer, document.lines[longer]
    message = problem.message
    if problem.kind == "extra_forbidden":
        message = f"unknown key {problem.path[-1]!r}"
    elif problem.kind == "missing":
        message = f"key {problem.path[-1]!r} is missing"
    return InputError(message, path=source, line=line + offset if line else 0, field=place)
