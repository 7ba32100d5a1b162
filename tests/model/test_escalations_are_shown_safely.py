"""What is asked for may be a model's words: shown whole or cut visibly, quoted for the shell."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.model.approval import (
    MAX_VALUE,
    edit_of,
    grant_command,
    parse_grant,
    protected_change,
)
from codex_orchestrator.model.errors import ApprovalRequiredError, InputError, LimitReachedError
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.text.globs import name_of


@given(st.lists(st.text(), max_size=4))
def test_a_shell_reads_from_the_command_exactly_what_was_asked_for(wanted: list[str]) -> None:
    words = shlex.split(grant_command("run-1", wanted))
    assert words[:4] == ["codex-orchestrator", "run", "--resume", "run-1"]
    assert words[5::2] == wanted
    assert set(words[4::2]) <= {"--approve"}


@pytest.mark.parametrize("value", ["x" * (MAX_VALUE + 1), "name\udcff"])
def test_what_no_record_can_hold_is_no_grant(value: str) -> None:
    with pytest.raises(InputError, match="--approve"):
        parse_grant(f"edit:{value}")


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


@pytest.mark.parametrize(
    "path", ["app/[slug]/AGENTS.md", "AGENTS.md", ".github/**", "a/*.lock", "a/?/b", "a/[!x]/[]]"]
)
def test_what_is_asked_for_covers_one_file_whatever_its_name_would_match(path: str) -> None:
    kind, value = parse_grant(edit_of(path))
    policy = Policy(approved_edits=(value,))
    assert (kind, name_of(value)) == ("edit", path)
    assert policy.is_granted_edit(path)
    for other in (".github/workflows/ci.yml", "app/s/AGENTS.md", "a/b.lock", "a/x/b", "a/y/]"):
        assert not policy.is_granted_edit(other)


def test_a_name_typed_by_hand_covers_the_file_of_that_name() -> None:
    assert Policy(approved_edits=("app/[slug]/AGENTS.md",)).is_granted_edit("app/[slug]/AGENTS.md")
    assert Policy(approved_edits=(".github/**",)).is_granted_edit(".github/workflows/ci.yml")


@pytest.mark.parametrize("hidden", ["\n", "\r", "\u2028", "\x85", "\x1b", "\u202e", "\u200b"])
def test_a_protected_file_whose_name_does_not_show_is_never_asked_for(hidden: str) -> None:
    error = protected_change("it changed", ["AGENTS.md", f"x{hidden}run:sh/AGENTS.md"])
    assert isinstance(error, LimitReachedError)
    assert hidden not in error.message


def test_protected_files_are_asked_for_together_each_by_its_name() -> None:
    error = protected_change("it changed", ["AGENTS.md", "[a]/x.lock"], patch=b"p")
    assert isinstance(error, ApprovalRequiredError)
    assert (error.wanted, error.patch) == (("edit:AGENTS.md", "edit:[[]a]/x.lock"), b"p")
