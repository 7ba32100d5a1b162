"""The pattern hooks, installed for real, with what they need beyond the base install."""

import os

import filelock
import pytest

from support.hook_tools import HookedRepo


@pytest.mark.timeout(300)
def test_pattern_lint_blocks_what_a_lint_rule_sees(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, shared = tmp_path_factory.mktemp("lint"), tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with filelock.FileLock(shared / "hooks.lock", timeout=250):
        repo = HookedRepo(folder, "prek", hooks=("pattern-lint", "pattern-index"), shared=shared)
        good = repo.commit({"src/a.py": "x = 1\n"})
    assert good.code == 0, good.text
    bad = repo.commit({"src/b.py": "def f(text):\n    return eval(text)\n"})
    assert bad.code == 1, bad.text
    assert "src/b.py" in bad.text
    assert "py-no-eval-exec" in bad.text
