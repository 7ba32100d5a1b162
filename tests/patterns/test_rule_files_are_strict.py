"""Rule files: plain ast-grep YAML, and every mistake named with file, line and key."""

from pathlib import Path

import pytest

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.patterns.build import build_index
from codex_orchestrator.patterns.rule import parse_rules
from support.pattern_files import codemod_files, write_files

GOOD = "id: own\nlanguage: Python\nrule:\n  pattern: old($A)\nfix: new($A)\n"


def refused(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_rules(text, source="rule.yml")
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rule.yml: holds no rule"),
        ("# nothing\n---\n", "rule.yml: holds no rule"),
        ("- a\n", "rule.yml:1: expected `key: value` lines"),
        (GOOD + "fixx: 1\n", "rule.yml:6: fixx: unknown key 'fixx'"),
        (
            GOOD.replace("pattern:", "patern:"),
            "rule.yml:4: rule.patern: unknown key 'patern'",
        ),
        (GOOD.replace("id: own\n", ""), "rule.yml: key 'id' is missing"),
        (GOOD.replace("id: own", "id: ../own"), "rule.yml:1: id: must be lowercase"),
        (GOOD.replace("Python", "klingon"), "rule.yml:2: language: unknown language 'klingon'"),
        (GOOD.replace("old($A)", "5"), "rule.yml:4: rule.pattern"),
        (GOOD + "fix: 2\n", "rule.yml:6: duplicate key 'fix'"),
        (GOOD + "---\n" + GOOD, "rule.yml: id: two rules have the id 'own'"),
        (GOOD + "---\nid: two\nlanguage: go\nrule: {knd: x}\n", "rule.yml:9: rule.knd: unknown"),
        (GOOD + "severity: fatal\n", "rule.yml:6: severity"),
        (GOOD + "constraints: {a: {kind: x}}\n", "rule.yml:6: constraints"),
        (GOOD + "transform: {B: {shout: {source: $A}}}\n", "unknown key 'shout'"),
        (GOOD + "transform: {B: {}}\n", "give exactly one of substring, replace and convert"),
        (GOOD + "note: &a x\nmessage: *a\n", "rule.yml:6: anchors and aliases are not allowed"),
        (GOOD + "note: !!python/name:os.system x\n", "rule.yml:6: tags are not allowed"),
        (GOOD + "note: [\n", "rule.yml:7"),
        ("rule: " + "{not: " * 50 + "{}" + "}" * 50, "rule.yml:1: nested deeper than 20"),
        (GOOD + "\tx: 1\n", "rule.yml:6"),
        (GOOD + "note: '\x00'\n", "rule.yml:6: a character that YAML does not allow"),
        (GOOD + "note: " + "x" * 2_000_000, "more than 1048576 bytes of YAML"),
        (GOOD.replace("fix: new($A)", "fix: {template: new()}"), "rule.yml:5: fix"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    assert message in refused(text)


def test_several_rules_stand_in_one_file_with_windows_line_ends() -> None:
    text = (GOOD + "---\n" + GOOD.replace("own", "two")).replace("\n", "\r\n")
    assert [rule.id for rule in parse_rules(text, source="rule.yml")] == ["own", "two"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{kind: nope}", "Kind `nope` is invalid"),
        ("{regex: '('}", "unclosed group"),
        ("{pattern: ''}", "No AST root"),
        ("{pattern: 'a b'}", "Multiple AST nodes"),
        ("{matches: nobody}", "is not defined"),
        ("{}", "must have one positive matcher"),
        ("{nthChild: x, kind: call}", "Illegal character"),
        ("{inside: {field: nope}}", "invalid field nope"),
    ],
)
def test_what_the_engine_refuses_is_said_when_building_without_its_backtrace(
    tmp_path: Path, rule: str, message: str
) -> None:
    text = f"id: own\nlanguage: python\nrule: {rule}\nfix: x\n"
    write_files(tmp_path, codemod_files("own", rule=text))
    with pytest.raises(InputError) as caught:
        build_index(tmp_path / "patterns")
    assert "own: ast-grep refuses the rule" in caught.value.message
    assert message in caught.value.message
    assert "backtrace" not in caught.value.message
    assert "0x" not in caught.value.message


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"pattern.yaml": None}, "pattern.yaml: no such file"),
        ({"rule.yml": None}, "rule.yml: entry: no such file"),
        ({"rule.yml": b"\xff"}, "rule.yml: not UTF-8 at byte 0"),
        ({"pattern.yaml": b"\xff\xfe"}, "pattern.yaml: not UTF-8 at byte 0"),
        ({"pattern.yaml": "id: other"}, "key 'kind' is missing"),
        ({"rule.yml": GOOD.replace("Python", "go")}, "rule 'own' is for go, the asset for python"),
        ({"rule.yml": GOOD.replace("id: own", "id: two")}, "rule id 'two' must be 'own'"),
        ({"rule.yml": GOOD.replace("fix: new($A)\n", "")}, "a codemod's rules have a `fix`"),
    ],
)
def test_a_wrong_asset_folder_is_named(
    tmp_path: Path, files: dict[str, str | bytes | None], message: str
) -> None:
    write_files(tmp_path, codemod_files("own"))
    folder = tmp_path / "patterns/codemods/own"
    for name, content in files.items():
        (folder / name).unlink()
        if content is not None:
            write_files(folder, {name: content})
    with pytest.raises(InputError) as caught:
        build_index(tmp_path / "patterns")
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("version: 1.0\n", "must be a semantic version"),
        ("version: 01.0.0\n", "must be a semantic version"),
        ("kind: script\n", "kind"),
        ("entry: ../rule.yml\n", "leaves the repository"),
        ("entry: /etc/passwd\n", "is absolute"),
        ("language: cobol\n", "unknown language 'cobol'"),
        ("adds: {imports: ['import']}\n", "'import' is not Python"),
        ("adds: {imports: ['import a; import b']}\n", "is not one statement"),
        ("unless: [{reason: '', rule: {kind: x}}]\n", "unless"),
        ("surprise: 1\n", "unknown key 'surprise'"),
    ],
)
def test_a_wrong_line_of_pattern_yaml_is_named(tmp_path: Path, line: str, message: str) -> None:
    write_files(tmp_path, codemod_files("own"))
    path = tmp_path / "patterns/codemods/own/pattern.yaml"
    key = line.split(":", maxsplit=1)[0]
    lines = [old for old in path.read_text().splitlines(keepends=True) if not old.startswith(key)]
    path.write_text("".join(lines) + line)
    with pytest.raises(InputError) as caught:
        build_index(tmp_path / "patterns")
    assert f"pattern.yaml:{len(lines) + 1}" in caught.value.message
    assert message in caught.value.message


def test_a_folder_under_another_name_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, codemod_files("own"))
    (tmp_path / "patterns/codemods/own").rename(tmp_path / "patterns/codemods/other")
    with pytest.raises(InputError, match="belongs in codemods/own"):
        build_index(tmp_path / "patterns")


def test_a_link_in_an_asset_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, codemod_files("own"))
    (tmp_path / "patterns/codemods/own/secret").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="regular files only"):
        build_index(tmp_path / "patterns")


def test_a_huge_asset_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, codemod_files("own"))
    write_files(tmp_path / "patterns/codemods/own", {"big.bin": b"x" * (5 * 1024 * 1024)})
    with pytest.raises(InputError, match="larger than 4194304 bytes"):
        build_index(tmp_path / "patterns")
