"""The fixture harness: runs each asset's own cases.

A codemod's case is a folder with `before.<ext>` and `after.<ext>`; where both are the same the
codemod must leave the file alone. A linter's `invalid/` files mark each expected finding with a
comment `expect: RULE`; its `valid/` files have none. A template's case holds `values.json` and
`expected.<ext>`.
"""

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.pattern import PatternKind
from codex_orchestrator.model.versions import load_fields
from codex_orchestrator.patterns.asset import Asset
from codex_orchestrator.patterns.codemod import change_text
from codex_orchestrator.patterns.files import SkipFile, decode
from codex_orchestrator.patterns.languages import language_of
from codex_orchestrator.patterns.lint import Linter
from codex_orchestrator.patterns.template import render

_EXPECT = re.compile(r"\bexpect:[ \t]*([a-z0-9._, -]+)")


class CaseResult(NamedTuple):
    """The result of one case. `problem` is "" when it passed, else what differs."""

    pattern_id: str
    case: str
    problem: str


def run_cases(asset: Asset) -> tuple[CaseResult, ...]:
    """Run every case of an asset. An asset without cases has one result, which is a problem."""
    runner = {
        PatternKind.CODEMOD: _codemod_cases,
        PatternKind.LINTER: _linter_cases,
        PatternKind.TEMPLATE: _template_cases,
    }[asset.facts.kind]
    results = tuple(CaseResult(asset.facts.id, case, problem) for case, problem in runner(asset))
    return results or (CaseResult(asset.facts.id, "-", "has no case, so nothing shows it works"),)


def _codemod_cases(asset: Asset) -> Iterator[tuple[str, str]]:
    changes = 0
    for path in _files(asset, "cases", "before"):
        folder, suffix = posixpath.dirname(path), posixpath.splitext(path)[1]
        wanted = asset.files.get(f"{folder}/after{suffix}")
        if wanted is None:
            yield path, f"there is no after{suffix} beside it"
            continue
        if not asset.works_on(path):
            yield path, f"no rule applies to files that end in {suffix!r}"
            continue
        try:
            source = decode(asset.files[path])
            result = change_text(asset, source.text, language_of(path))
            got, edits = source.encoded(result.text), result.edits
        except SkipFile as reason:
            got, edits = asset.files[path], 0
            if wanted != got:
                yield path, f"left alone: {reason}"
                continue
        changes += edits
        yield path, "" if got == wanted else _difference(wanted, got)
    if changes == 0:
        yield "cases", "no case changes anything"


def _linter_cases(asset: Asset) -> Iterator[tuple[str, str]]:
    linter = Linter([asset])
    seen: set[str] = set()
    for path in sorted(asset.files):
        folder = path.split("/")[0]
        if folder not in ("valid", "invalid"):
            continue
        if not asset.works_on(path):
            yield path, "no rule applies to files of this name"
            continue
        try:
            text = decode(asset.files[path]).text
        except SkipFile as reason:
            yield path, f"not checked: {reason}"
            continue
        found = {(finding.line, finding.rule) for finding in linter.lint_text(text, path)}
        wanted = set(_expected(text)) if folder == "invalid" else set()
        seen |= {rule for _, rule in found & wanted}
        if folder == "invalid" and not wanted:
            yield path, "expects nothing; mark lines with a comment `expect: RULE`"
        else:
            yield path, _missing(wanted - found, found - wanted)
    unseen = {rule.id for rule in asset.rules if rule.language == asset.source.language} - seen
    if unseen:
        yield "invalid", f"no case shows {', '.join(sorted(unseen))}"


def _expected(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        found = _EXPECT.search(line)
        for name in found[1].split(",") if found else []:
            yield number, name.strip()


def _missing(absent: set[tuple[int, str]], extra: set[tuple[int, str]]) -> str:
    parts = [f"line {line}: no {rule}" for line, rule in sorted(absent)]
    parts += [f"line {line}: unexpected {rule}" for line, rule in sorted(extra)]
    return "; ".join(parts)


def _template_cases(asset: Asset) -> Iterator[tuple[str, str]]:
    for path in _files(asset, "cases", "values"):
        folder = posixpath.dirname(path)
        name = f"{folder}/expected{posixpath.splitext(asset.source.entry)[1]}"
        wanted = asset.files.get(name)
        if wanted is None:
            yield path, f"there is no {name}"
            continue
        try:
            values = load_fields(asset.files[path], path=path, fix="give one JSON object")
            got = render(asset, values).encode("utf-8")
        except InputError as error:
            yield path, error.message
            continue
        yield path, "" if got == wanted else _difference(wanted, got)


def _files(asset: Asset, top: str, stem: str) -> list[str]:
    pattern = re.compile(rf"{top}/[^/]+/{stem}\.[^/]+")
    return [path for path in sorted(asset.files) if pattern.fullmatch(path)]


def _difference(wanted: bytes, got: bytes) -> str:
    import difflib

    lines = difflib.unified_diff(
        wanted.decode("utf-8", "backslashreplace").splitlines(),
        got.decode("utf-8", "backslashreplace").splitlines(),
        "wanted",
        "got",
        lineterm="",
        n=1,
    )
    return "\n".join(lines) or "differs in line ends or byte-order mark only"
