"""The examples of docs/how-to/set-up.md do what the page says of them."""

import re

import pytest

from codex_orchestrator.model.config import SetupConfig, parse_config
from codex_orchestrator.model.config_file import parse_table
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.lock_files import set_up_lines
from support.sdists import ROOT
from support.set_up import Place
from support.workspace import write_files

PAGE = (ROOT / "docs/how-to/set-up.md").read_text(encoding="utf-8")


def example(heading: str) -> SetupConfig:
    """Return what the example below a heading configures."""
    section = re.split(r"^#+ ", PAGE.partition(f"# {heading}\n")[2], flags=re.MULTILINE)[0]
    (block,) = re.findall(r"^```toml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    table = parse_table(block.encode(), name="pyproject.toml")
    assert table is not None
    return parse_config(table).setup


def test_the_page_has_every_key_with_its_default_and_an_example() -> None:
    assert example("All keys") == SetupConfig()
    for name, field in SetupConfig.model_fields.items():
        key = field.alias or name
        section = PAGE.partition(f"\n### {key}\n")[2].partition("\n##")[0]
        assert f"\n{key} = " in section, f"### {key} has no example"


def test_what_commands_make_is_there_and_the_key_keeps_it(place: Place) -> None:
    place.commit({"words.txt": "tea\n"})
    for run_id, heading, is_cached in (
        ("run-1", "run", False),
        ("run-2", "key", False),
        ("run-3", "key", True),
    ):
        with place.tree(run_id, example(heading)) as work:
            assert (work.tree.root / "built/words").read_text() == "tea\n"
            assert work.provided.facts.is_cached == is_cached


def test_folders_are_shown_and_files_copied(place: Place) -> None:
    place.commit({".gitignore": "data/\n.env.test\n"})
    write_files(place.root, {"data/x.txt": "x\n", ".env.test": "PORT=1\n"})
    with place.tree("run-1", example("link")) as work:
        assert (work.tree.root / "data/x.txt").read_text() == "x\n"
    with place.tree("run-2", example("copy")) as work:
        assert not (work.tree.root / ".env.test").is_symlink()


def test_the_lines_for_node_are_those_that_the_product_prints() -> None:
    (block,) = re.findall(r"```toml\n(.*?)\n```", PAGE.partition("\n## Node.js\n")[2], re.DOTALL)
    assert block == set_up_lines("package-lock.json")


def test_the_examples_of_variables_network_and_submodules_are_valid(place: Place) -> None:
    assert example("pass_env").pass_env == ("DATABASE_URL",)
    assert example("secrets").secrets == ("NPM_TOKEN",)
    assert not example("submodules").submodules
    with pytest.raises(NotCheckedError, match="npm ci"), place.tree("run-1", example("network")):
        pass
