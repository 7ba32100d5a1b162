"""The hook loads click and small parts of the standard library, nothing else."""

import json
import subprocess
import sys

from support.guard_repo import GOOD, GuardRepo, spec

HEAVY = {
    "agents", "ast_grep_py", "asyncio", "github", "hvac", "importlib.metadata", "jinja2", "mcp",
    "obstore", "openai", "openai_codex", "pathlib", "pydantic", "rich", "subprocess", "urllib",
}  # fmt: skip
PROBE = """
import json, sys
import click
before = set(sys.modules)
sys.argv = ["codex-orchestrator", "guard", "--staged", "--repo", {root!r}]
from codex_orchestrator.cli.app import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted(set(sys.modules) - before)]))
"""


def loaded(repo: GuardRepo) -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(root=str(repo.root))],
        env=repo.env,
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    # The probe itself brings json.
    return code, {name for name in modules if not name.startswith("json")}


def test_a_guard_run_loads_nothing_heavy(repo: GuardRepo) -> None:
    repo.stage({"src/a.py": "x = 2\n", GOOD: spec(body="# Good\n\nMore.\n")})
    code, modules = loaded(repo)
    assert code == 0
    assert modules.isdisjoint(HEAVY | {"yaml", "tomllib"}), modules & HEAVY
    ours = {name for name in modules if name.startswith("codex_orchestrator")}
    assert len(modules - ours) <= 5, modules - ours


def test_an_odd_spec_loads_the_yaml_parser_and_still_nothing_heavy(repo: GuardRepo) -> None:
    repo.stage({GOOD: spec(extra="note: |\n  words")})
    code, modules = loaded(repo)
    assert code == 0
    assert "yaml" in modules
    assert modules.isdisjoint(HEAVY), modules & HEAVY


def test_a_configured_repository_loads_a_toml_reader_only_once(repo: GuardRepo) -> None:
    repo.commit({"pyproject.toml": "[tool.codex-orchestrator.guard]\nmax_age_days = 40\n"})
    repo.stage({"src/a.py": "x = 2\n"})
    assert "tomllib" in loaded(repo)[1]
    assert "tomllib" not in loaded(repo)[1]


def test_the_reader_of_documents_is_loaded_only_for_what_the_cache_does_not_know(
    repo: GuardRepo,
) -> None:
    ours = "codex_orchestrator.guard"
    repo.stage({"src/a.py": "x = 2\n"})
    assert not loaded(repo)[1] & {f"{ours}.formats", f"{ours}.documents"}
    text = "# Logs\n\nStatus: Accepted\nDate: 2026-11-20\nPaths: src/**\n"
    config = '[guard]\nspecs = ["doc/adr/*.md"]\nspecs_format = "adr-tools"\n'
    repo.commit({"doc/adr/0001-logs.md": text, ".codex-orchestrator.toml": config})
    repo.stage({"src/a.py": "x = 3\n"})
    assert {f"{ours}.formats", f"{ours}.documents"} <= loaded(repo)[1]
    warm = loaded(repo)[1]
    assert f"{ours}.formats" in warm
    assert f"{ours}.documents" not in warm
    assert warm.isdisjoint(HEAVY), warm & HEAVY


def test_the_models_package_brings_nothing_with_it() -> None:
    code = "import sys, codex_orchestrator.model.finding; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_hooks_way_spares_modules_that_take_long_to_load(repo: GuardRepo) -> None:
    repo.stage({"src/a.py": "x = 2\n", GOOD: spec(body="# Good\n\nMore.\n")})
    probe = (
        "import sys; sys.argv[1:] = ['guard']\n"
        "from codex_orchestrator.cli.app import run\n"
        "run(sys.argv[1:]); print(sorted({'typing', 'datetime', 'click'} & set(sys.modules)))"
    )
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{probe}"]
    done = subprocess.run(
        command, cwd=repo.root, env=repo.env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
