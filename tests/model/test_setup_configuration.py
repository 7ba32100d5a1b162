"""What the configuration of set-up refuses: each error names the line, the key and the fix."""

import pytest

from codex_orchestrator.model.config import SetupConfig, parse_config
from codex_orchestrator.model.config_file import parse_table
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.lock_files import set_up_lines


def parse(text: str) -> SetupConfig:
    data = f"[tool.codex-orchestrator.setup]\n{text}\n".encode()
    table = parse_table(data, name="pyproject.toml")
    assert table is not None
    return parse_config(table).setup


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('link = ["../x"]', "setup.link: '../x' leaves the repository"),
        ('link = ["/x"]', "setup.link: '/x' is absolute"),
        ('copy = ["a/../../x"]', "setup.copy: 'a/../../x' leaves the repository"),
        (
            'copy = [".git/config"]',
            "setup.copy: '.git/config' leaves the repository or enters .git",
        ),
        ('key = ["./lock"]', "setup.key: './lock' has an empty part"),
        ('link = ["."]', "setup.link: '.' has an empty part"),
        ('link = [""]', "setup.link: '' is empty"),
        ('link = ["a", "a/b"]', "setup.link: 'a/b' is named twice, or lies in another one"),
        ('link = ["a/b", "a"]', "setup.link: another path lies in 'a'"),
        ("run = [[]]", "setup.run: a command is a list of words"),
        ('run = [[""]]', "setup.run: a command is a list of words"),
        ('pass_env = ["A-B"]', "setup.pass_env: 'A-B' is not the name of a variable"),
        ('secrets = ["A B"]', "setup.secrets: 'A B' is not the name of a variable"),
        ('pass_env = ["NPM_TOKEN"]', "setup.pass_env: 'NPM_TOKEN' is named like a secret"),
        ("lnk = []", "setup.lnk: unknown key; did you mean `link`?"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(InputError) as error:
        parse(text)
    assert error.value.message.startswith(f"pyproject.toml:2: {problem}")
    assert error.value.fix


def test_a_path_is_not_linked_and_copied() -> None:
    with pytest.raises(InputError, match=r":3: setup\.copy: 'a' is named twice"):
        parse('link = ["a"]\ncopy = ["a"]')


def test_a_name_like_a_secret_is_passed_on_where_it_is_said_to_be_none() -> None:
    text = 'pass_env = ["TEA_KEY"]\n[tool.codex-orchestrator.credentials]\nnot_secret = ["TEA_KEY"]'
    assert parse(text).pass_env == ("TEA_KEY",)
    with pytest.raises(InputError) as error:
        parse('pass_env = ["TEA_KEY"]')
    assert "setup.secrets" in error.value.fix


def test_a_folder_may_be_written_with_a_slash_at_its_end() -> None:
    assert parse('link = ["node_modules/"]').link == ("node_modules",)


def test_lines_that_are_pasted_into_our_own_file_do_not_switch_the_rest_of_it_off() -> None:
    pasted = b'[guard]\ncode = ["a/**"]\n[tool.codex-orchestrator.setup]\nrun = []\n'
    with pytest.raises(InputError, match=r"guard: has .* beside it `guard`") as error:
        parse_table(pasted, name=".codex-orchestrator.toml")
    assert "write [setup]" in error.value.fix


@pytest.mark.parametrize(
    ("lock", "run"),
    [
        ("package-lock.json", '[["npm", "ci"]]'),
        ("web/package-lock.json", '[["npm", "--prefix", "web", "ci"]]'),
        ("pnpm-lock.yaml", '[["pnpm", "install", "--frozen-lockfile"]]'),
        ("a b/yarn.lock", '[["yarn", "--cwd", "a b", "install", "--frozen-lockfile"]]'),
        ("package.json", '[["npm", "install", "--no-package-lock"]]'),
    ],
)
def test_the_lines_to_paste_are_a_configuration(lock: str, run: str) -> None:
    lines = set_up_lines(lock)
    assert f"run = {run}\n" in lines
    table = parse_table(lines.encode(), name="pyproject.toml")
    assert table is not None
    assert parse_config(table).setup.key == (lock,)
