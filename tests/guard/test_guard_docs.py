"""The guard's pages say what the code says."""

import re

from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.config_table import KEYS
from codex_orchestrator.guard.render_rules import rules_page
from codex_orchestrator.guard.rules import all_rules
from support.sdists import ROOT


def test_the_page_of_rules_is_made_from_the_rules() -> None:
    assert (ROOT / "docs/guard-rules.md").read_text() == rules_page(all_rules())


def test_the_page_names_every_key_with_its_default() -> None:
    text = (ROOT / "docs/guard.md").read_text().split("\n## Configuration\n")[1]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", text, re.MULTILINE))
    assert set(rows) == set(KEYS)
    config = GuardConfig()
    for key, shown in rows.items():
        default = getattr(config, key)
        if isinstance(default, tuple):
            assert re.findall(r"`(.+?)`", shown) == list(default)
        else:
            assert shown.strip("`") == str(default)
