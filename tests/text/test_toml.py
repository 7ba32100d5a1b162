"""TOML: hostile texts end at once, and each key is found where it stands."""

import pytest

from codex_orchestrator.text.toml import TomlError, line_of, parse_toml

TEXT = """\
[tool.other.model]
name = 'theirs'
[tool.codex-orchestrator]
branch_prefix = 'x'
model.name = "offline"  # name = 3
[tool.codex-orchestrator.policy]
run = ['a = 1',
  'b']
"protected" = ['src']
[[tool.codex-orchestrator.guard.waivers]]
path = 'a'
[ tool . 'codex-orchestrator' . guard ]
unowned = "touched"
[[tool.codex-orchestrator.guard.waivers]]
path = 'b'
rule = 'SPEC001'
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("branch_prefix", 4),
        ("model", 5),
        ("model.name", 5),
        ("policy", 6),
        ("policy.run", 7),
        ("policy.run.1", 7),
        ("policy.protected", 9),
        ("policy.unknown", 6),
        ("guard.unowned", 13),
        ("guard.waivers.0.path", 11),
        ("guard.waivers.1.path", 15),
        ("guard.waivers.1.rule", 16),
        ("guard.waivers.1.reason", 14),
        ("nothing.of.this", 3),
    ],
)
def test_a_key_is_found_or_what_holds_it(place: str, line: int) -> None:
    steps = [int(step) if step.isdigit() else step for step in place.split(".")]
    assert line_of(TEXT, ["tool", "codex-orchestrator", *steps]) == line


def test_what_does_not_stand_in_the_text_is_on_no_line() -> None:
    assert line_of(TEXT, ["project", "name"]) == 0
    assert line_of("", ["a"]) == 0


@pytest.mark.parametrize(
    ("data", "line", "problem"),
    [
        (b"a = 1\nb = \xff\n", 2, "is not UTF-8"),
        (b"a = 1\n\n[x\n", 3, "not valid TOML"),
        (b"a = 1\nb = " + b"9" * 6000, 2, "not valid TOML: Exceeds the limit"),
        (b"a = " + b"[" * 20_000, 1, "nested too deeply"),
        (b"\n" + b"a." * 400_000 + b"b = 1", 2, "a key has over 100 parts"),
        (b"#" * (1024 * 1024 + 1), 0, "more than 1048576 bytes"),
    ],
)
def test_what_cannot_be_read_says_where(data: bytes, line: int, problem: str) -> None:
    with pytest.raises(TomlError, match=problem) as caught:
        parse_toml(data)
    assert caught.value.line == line
