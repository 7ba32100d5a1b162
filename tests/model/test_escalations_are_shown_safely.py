"""What is asked for may be a model's words: shown whole or cut visibly, quoted for the shell."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.model.approval import MAX_VALUE, Policy, parse_escalation
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.escalation import escaped, grant_command


@given(st.lists(st.text(), max_size=4))
def test_a_shell_reads_from_the_command_exactly_what_was_asked_for(wanted: list[str]) -> None:
    words = shlex.split(grant_command("run-1", wanted))
    assert words[:4] == ["codex-orchestrator", "run", "--resume", "run-1"]
    assert words[5::2] == wanted
    assert set(words[4::2]) <= {"--approve"}


@given(st.text())
def test_every_character_shows_and_none_ends_the_line(text: str) -> None:
    assert escaped(text).isprintable()


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=300))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text


def test_what_is_too_long_shows_its_beginning_its_end_and_how_much_is_missing() -> None:
    shown = escaped("a" * 400 + "rm -rf /", limit=90)
    assert shown.startswith("a" * 60)
    assert shown.endswith("rm -rf /")
    assert "[… 318 characters …]" in shown


@pytest.mark.parametrize("value", ["x" * (MAX_VALUE + 1), "name\udcff"])
def test_what_no_record_can_hold_is_no_grant(value: str) -> None:
    with pytest.raises(InputError, match="--approve"):
        parse_escalation(f"edit:{value}")


@pytest.mark.parametrize(
    "path",
    [
        "Cargo.lock",
        "web/yarn.lock",
        "uv.lock",
        "poetry.lock",
        "Gemfile.lock",
        "composer.lock",
        "Pipfile.lock",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "pnpm-lock.yaml",
        "bun.lockb",
        "bun.lock",
        "go.sum",
        "go.work.sum",
        "src/App/packages.lock.json",
        "gradle.lockfile",
        "gradle/verification-metadata.xml",
        ".terraform.lock.hcl",
        "pylock.toml",
        "pylock.dev.toml",
        "Package.resolved",
        "flake.lock",
        "lefthook.yml",
        ".lefthook/pre-commit/run.sh",
        "web/.husky/pre-commit",
        "AGENTS.override.md",
        ".claude/settings.json",
        ".cursor/rules/a.mdc",
        "docs/CODEOWNERS",
    ],
)
def test_locks_hooks_and_instructions_of_agents_are_protected(path: str) -> None:
    assert Policy().protecting_rule(path)


@pytest.mark.parametrize("path", ["src/lock.py", "locks/a.json", "docs/lefthook.md", "setup.cfg"])
def test_what_only_sounds_like_one_is_not(path: str) -> None:
    assert Policy().protecting_rule(path) == ""
