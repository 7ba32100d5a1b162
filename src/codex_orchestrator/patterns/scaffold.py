"""`patterns new`: a folder that builds and whose cases pass, as a starting point."""

from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.pattern import PatternKind
from codex_orchestrator.patterns.asset import FOLDERS
from codex_orchestrator.patterns.languages import SUFFIXES, known_language

_COMMENT = {"python": "#", "bash": "#"}
_HEAD = """\
id: {id}
kind: {kind}
version: 0.1.0
{language}entry: {entry}
description: {description}
usage: codex-orchestrator patterns {usage}
"""
_CODEMOD_RULE = """\
# Rules are plain ast-grep YAML: https://ast-grep.github.io/reference/yaml.html
id: {id}
language: {language}
message: old_name is now called new_name
rule:
  pattern: old_name($$$ARGUMENTS)
fix: new_name($$$ARGUMENTS)
"""
_LINTER_RULE = """\
# Rules are plain ast-grep YAML: https://ast-grep.github.io/reference/yaml.html
id: {id}
language: {language}
severity: warning
message: old_name should not be called
note: call new_name
rule:
  pattern: old_name($$$ARGUMENTS)
"""
_CALLS = {
    "go": "package tea\n\nfunc brew() {{\n\t{name}(1){note}\n}}\n",
    "rust": "fn brew() {{\n    {name}(1){note};\n}}\n",
    "java": "class Tea {{\n    void brew() {{\n        {name}(1);{note}\n    }}\n}}\n",
}


def new_asset(library: Path, kind: PatternKind, pattern_id: str, language: str) -> Path:
    """Write a new asset's folder and return it.

    Raises:
        InputError: the folder exists already, or the language is unknown.
    """
    folder = library / FOLDERS[kind] / pattern_id
    if folder.exists() or folder.is_symlink():
        raise InputError("exists already", path=str(folder), fix="choose another id")
    if kind is PatternKind.TEMPLATE:
        files = _template(pattern_id)
    else:
        files = _rule(kind, pattern_id, known_language(language, path="--language"))
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
    return folder


def _rule(kind: PatternKind, pattern_id: str, language: str) -> dict[str, str]:
    family = "javascript" if language in ("typescript", "tsx") else language
    head = _HEAD.format(
        id=pattern_id,
        kind=kind,
        language=f"language: {family}\n",
        entry="rule.yml",
        description="Say in one sentence what this is for.",
        usage=f"apply {pattern_id} PATH" if kind is PatternKind.CODEMOD else "lint PATH",
    )
    rule = _CODEMOD_RULE if kind is PatternKind.CODEMOD else _LINTER_RULE
    call = _CALLS.get(language, "{name} 1{note}\n" if language == "bash" else "{name}(1){note}\n")
    suffix = SUFFIXES[language][0]
    files = {"pattern.yaml": head, "rule.yml": rule.format(id=pattern_id, language=language)}
    if language == "bash":
        files["rule.yml"] = files["rule.yml"].replace("($$$ARGUMENTS)", " $$$ARGUMENTS")
    if kind is PatternKind.CODEMOD:
        files[f"cases/renamed/before{suffix}"] = call.format(name="old_name", note="")
        files[f"cases/renamed/after{suffix}"] = call.format(name="new_name", note="")
    else:
        note = f"  {_COMMENT.get(language, '//')} expect: {pattern_id}"
        files[f"invalid/called{suffix}"] = call.format(name="old_name", note=note)
        files[f"valid/other{suffix}"] = call.format(name="new_name", note="")
    return files


def _template(pattern_id: str) -> dict[str, str]:
    head = _HEAD.format(
        id=pattern_id,
        kind=PatternKind.TEMPLATE,
        language="",
        entry=f"{pattern_id}.md",
        description="Say in one sentence what this is for.",
        usage=f"render {pattern_id} VALUES.json",
    )
    return {
        "pattern.yaml": head,
        f"{pattern_id}.md": "# {{ title }}\n\nRun {{ run | code }}.\n",
        "cases/plain/values.json": '{"title": "Tea", "run": "r1"}\n',
        "cases/plain/expected.md": "# Tea\n\nRun `r1`.\n",
    }
