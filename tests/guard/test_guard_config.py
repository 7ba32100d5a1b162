"""The guard's configuration: every key, and every mistake with file, line and nearest key."""

from pathlib import Path

import pytest

from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.config_table import parse_config, read_given_config
from codex_orchestrator.guard.settings import only_one
from codex_orchestrator.guard.view_reader import USUAL_FOLDERS
from codex_orchestrator.model.config_file import CONFIG_FILES, parse_table
from codex_orchestrator.model.errors import InputError

OWN = ".codex-orchestrator.toml"


def parse(text: str | bytes, name: str = OWN) -> GuardConfig | None:
    table = parse_table(text.encode() if isinstance(text, str) else text, name=name)
    return parse_config(table) if table is not None else None


def test_defaults_are_those_of_the_documentation() -> None:
    config = GuardConfig()
    assert config.code[:3] == ("src/**", "app/**", "server/**")
    assert config.specs == ("tasks/specs/**/*.md",)
    assert (config.max_age_days, config.warn_days) == (30, 7)
    assert (config.unowned, config.self_review) == ("touched", "warn")
    assert config.spec_folders == USUAL_FOLDERS
    assert CONFIG_FILES == ("pyproject.toml", OWN)


def test_both_files_hold_the_same_table() -> None:
    inner = "max_age_days = 10\n"
    mine = parse(f"[guard]\n{inner}")
    theirs = parse(f"[tool.codex-orchestrator.guard]\n{inner}", "pyproject.toml")
    assert mine is not None
    assert theirs is not None
    assert mine._replace(source="") == theirs._replace(source="")


@pytest.mark.parametrize(
    "text", ["", "[project]\nname = 'x'\n", "[tool.codex-orchestrator.model]\nname = 'offline'\n"]
)
def test_a_pyproject_that_says_nothing_of_the_guard_configures_nothing(text: str) -> None:
    assert parse(text, "pyproject.toml") is None


def test_tables_of_others_are_not_the_guards_business() -> None:
    text = (
        "[tool.codex-orchestrator]\nbranch_prefix = 'x/'\n[tool.codex-orchestrator.policy]\na = 1\n"
    )
    assert parse(f"{text}[tool.codex-orchestrator.guard]\nwarn_days = 1\n", "pyproject.toml")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[guard]\nmax_age_day = 3\n", 2, "did you mean `max_age_days`?"),
        ("[other]\nunowned = 1\n\n[guard]\n\nunowned = 'maybe'\n", 6, "touched, error, ignore"),
        ("[guard]\nmax_age_days = '30'\n", 2, "number of days"),
        ("[guard]\nmax_age_days = true\n", 2, "number of days"),
        ("[guard]\nmax_age_days = -1\n", 2, "number of days"),
        ("[guard]\nmax_age_days = 1e400\n", 2, "number of days"),
        ("[guard]\ncode = 'src/**'\n", 2, "list of text"),
        ("[guard]\ncode = ['/src']\n", 2, "starts with `/`"),
        ("[guard]\ncode = ['a', '../b']\n", 2, "`..` part"),
        ("[guard]\nrequired_approvals = ['Big Boss']\n", 2, "is not a role"),
        ("[guard]\nlearning_spec = ''\n", 2, "path of a spec"),
        ("[guard]\nwaivers = [1]\n", 2, "{path, rule, reason, expires}"),
        ("[guard]\n[[guard.waivers]]\npath='a'\nrule='b'\nreason='c'\n", 2, "is missing"),
        (
            "[guard]\n[[guard.waivers]]\npath='a'\nrule='b'\nreason=' '\nexpires=2026-01-01\n",
            2,
            "is missing",
        ),
        (
            "[guard]\n[[guard.waivers]]\npath='a'\nrule='b'\nreason='c'\nexpires='soon'\n",
            2,
            "must be a day",
        ),
        ("[guard]\n[[guard.waivers]]\npath='a'\nwhy='b'\n", 2, "unknown key"),
        ("guard = 3\n", 0, "must be a table"),
        ("[guard\n", 1, "not valid TOML"),
        ("a = 1\n[guard]\nx = \n", 3, "not valid TOML"),
        (b"# \xff\n", 1, "is not UTF-8"),
        ("x = " + "[" * 20_000, 1, "not valid TOML"),
        ("#" + " " * 1024 * 1024, 0, "more than"),
    ],
)
def test_a_mistake_names_file_line_and_what_is_right(
    text: str | bytes, line: int, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert (caught.value.path, caught.value.line) == (OWN, line)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[guard]\nmax_age_days = " + "9" * 6000, "2: not valid TOML: Exceeds the limit"),
        ("[guard]\n" + "a." * 400_000 + "b = 1", "2: a key has over 100 parts"),
        ("[guard]\nx = {" + "'a' . " * 100_000 + "b = 1}", "2: a key has over 100 parts"),
        ("[guard]\ncode = " + "[" * 100_000, "not valid TOML"),
    ],
)
def test_a_hostile_file_is_a_mistake_at_once(text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert problem in caught.value.message


def test_two_files_that_configure_the_guard_are_a_mistake() -> None:
    with pytest.raises(InputError, match="configures the guard too"):
        only_one([GuardConfig(), GuardConfig()])


def test_globs_may_exclude(tmp_path: Path) -> None:
    from codex_orchestrator.text.globs import path_matcher

    is_code = path_matcher(["src/**", "!src/**/*.md", "!src/vendor/**"])
    assert [path for path in ("src/a.py", "src/a.md", "src/vendor/b.py") if is_code(path)] == [
        "src/a.py"
    ]


def test_a_file_named_by_the_caller_without_a_table_means_the_defaults(tmp_path: Path) -> None:
    place = tmp_path / "x.toml"
    place.write_text("")
    assert read_given_config(str(place))._replace(source="") == GuardConfig()
