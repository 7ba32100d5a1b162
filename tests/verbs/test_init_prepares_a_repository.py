"""`init` writes what is missing and nothing else; twice is once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from codex_orchestrator.guard.frontmatter import parse_facts
from codex_orchestrator.model.config import parse_config
from codex_orchestrator.model.config_file import parse_table
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.task import parse_task
from codex_orchestrator.verbs.init_repository import propose_init, write_proposed
from support.project import CommandLine, Outcome, git, write
from support.terminal import Terminal


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    return tmp_path


COMMIT = "0123456789" * 4
SOURCE = f"https://git.example/t/c@{COMMIT}"
SPEC = "tasks/specs/0001-first-change.md"
PROMPT = "write this? [y/N]"


def files(repo: Path) -> dict[str, bytes]:
    return {
        path.relative_to(repo).as_posix(): path.read_bytes()
        for path in repo.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def test_what_init_writes_is_valid_and_passes_its_own_readers(
    repo: Path, call: CommandLine
) -> None:
    assert call("init", "--repo", str(repo), "--source", SOURCE).code == 0
    made = files(repo)
    table = parse_table(made[".codex-orchestrator.toml"], name=".codex-orchestrator.toml")
    assert table is not None
    parse_config(table)
    parse_task(made["tasks/0001-first-change.md"].decode(), source="t.md")
    [hooks] = yaml.safe_load(made[".pre-commit-config.yaml"])["repos"]
    assert (hooks["repo"], hooks["rev"]) == ("https://git.example/t/c", COMMIT)
    assert hooks["hooks"] == [{"id": "spec-guard", "verbose": True}]
    steps = yaml.safe_load(made[".github/workflows/spec-guard.yml"])["jobs"]["guard"]["steps"]
    assert f'pip" install --quiet "git+{SOURCE}"' in steps[1]["run"]
    assert parse_facts(made[SPEC], size=1).status == "draft"
    assert made[".gitignore"].decode().splitlines() == [".runs/", "out/", "dist/"]


def test_a_second_init_changes_nothing(repo: Path, call: CommandLine) -> None:
    call("init", "--repo", str(repo), "--source", SOURCE)
    before = files(repo)
    done = call("init", "--repo", str(repo), "--source", SOURCE, "--format", "json")
    report = json.loads(done.out)
    assert {(one["action"], one["diff"]) for one in report["files"]} == {("kept", "")}
    assert all("same" in one["hint"] or "it has" in one["hint"] for one in report["files"])
    assert files(repo) == before


def test_files_that_exist_are_kept_byte_for_byte(repo: Path, call: CommandLine) -> None:
    write(repo, ".pre-commit-config.yaml", "repos: []\n")
    write(repo, ".gitignore", "*.pyc\nout/")
    write(repo, "pyproject.toml", "[tool.codex-orchestrator]\n")
    done = call("init", "--repo", str(repo), "--source", SOURCE)
    assert files(repo)[".pre-commit-config.yaml"] == b"repos: []\n"
    assert files(repo)[".gitignore"] == b"*.pyc\nout/\n.runs/\ndist/\n"
    assert ".codex-orchestrator.toml" not in files(repo)
    pasted = done.out.partition("to paste into .pre-commit-config.yaml:\n")[2].partition("\n\n")[0]
    [hooks] = yaml.safe_load(pasted)["repos"]
    assert hooks["hooks"][0]["id"] == "spec-guard"


@pytest.mark.parametrize(
    "text", ["[tool\n", "x = " + "[" * 20_000, "x = " + "9" * 6000, "x = '\udcff'\n"]
)
def test_a_file_of_the_project_that_cannot_be_read_ends_init(
    repo: Path, call: CommandLine, text: str
) -> None:
    (repo / "pyproject.toml").write_text(text, encoding="utf-8", errors="surrogateescape")
    done = call("init", "--repo", str(repo))
    assert done.code == 2
    assert "pyproject.toml: " in done.err


def test_a_table_of_tools_that_is_none_configures_nothing(repo: Path, call: CommandLine) -> None:
    write(repo, "pyproject.toml", "tool = 3\n")
    assert call("init", "--repo", str(repo)).code == 0
    assert ".codex-orchestrator.toml" in files(repo)


def test_a_dry_run_writes_nothing(repo: Path, call: CommandLine) -> None:
    done = call("init", "--dry-run", "--repo", str(repo))
    assert files(repo) == {}
    assert "would create" in done.out


def test_init_does_not_write_through_a_link(
    repo: Path, tmp_path_factory: pytest.TempPathFactory, call: CommandLine
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (repo / "tasks").symlink_to(outside)
    done = call("init", "--repo", str(repo))
    assert done.code == 2
    assert "is a link" in done.err
    assert list(outside.iterdir()) == []


def test_what_is_there_already_decides_what_is_code(repo: Path, call: CommandLine) -> None:
    for path in ("lib/gem.rb", "lib/gem/part.rb", "spec/gem_spec.rb", "Gemfile"):
        write(repo, path, "1\n")
    git(repo, "add", "-A")
    done = call("init", "--repo", str(repo))
    assert done.code == 0
    table = parse_table(files(repo)[".codex-orchestrator.toml"], name="x.toml")
    assert table is not None
    assert table.values["guard"]["code"] == ["lib/**"]
    assert "lib/**  (2 files: Ruby)" in done.out
    assert '+  "lib/**",  # 2 files: Ruby' in done.out
    assert parse_facts(files(repo)[SPEC], size=1).paths == ("lib/**",)


def test_a_repository_without_commits_is_judged_by_its_new_files(
    repo: Path, call: CommandLine
) -> None:
    write(repo, "flat/__init__.py", "")
    write(repo, "flat/core.py", "x = 1\n")
    assert "flat/**  (2 files: Python)" in call("init", "--repo", str(repo)).out


def test_what_git_ignores_links_and_submodules_are_no_code(repo: Path, call: CommandLine) -> None:
    write(repo, ".gitignore", "cache/\n")
    write(repo, "cache/x.py", "x = 1\n")
    (repo / "link.py").symlink_to("cache/x.py")
    git(repo, "add", "-A")
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub.py")
    assert "no tracked file is code yet" in call("init", "--repo", str(repo)).out


def test_a_configuration_that_matches_nothing_gets_lines_to_paste(
    repo: Path, call: CommandLine
) -> None:
    write(repo, "pyproject.toml", '[tool.codex-orchestrator.guard]\ncode = ["nowhere/**"]\n')
    write(repo, "pkg/a.py", "x = 1\n")
    git(repo, "add", "-A")
    done = call("init", "--repo", str(repo))
    assert "kept         pyproject.toml  (guard.code matches no tracked file)" in done.out
    pasted = done.out.partition("to paste into pyproject.toml:\n")[2].partition("\n\n")[0]
    table = parse_table(pasted.encode(), name="pyproject.toml")
    assert table is not None
    assert table.values["guard"] == {"code": ["pkg/**"]}


def test_without_a_source_hook_and_workflow_are_left_out_and_added_later(
    repo: Path, call: CommandLine
) -> None:
    done = call("init", "--repo", str(repo))
    assert done.code == 0
    assert "left out     .pre-commit-config.yaml" in done.out
    assert "run: codex-orchestrator init --source " in done.out
    assert ".github/workflows/spec-guard.yml" not in files(repo)
    assert "spec-guard" not in json.dumps([text.decode() for text in files(repo).values()])
    call("init", "--repo", str(repo), "--source", SOURCE)
    assert ".github/workflows/spec-guard.yml" in files(repo)


@pytest.mark.parametrize(
    "source",
    [
        *("", "x", "https://git.example/t/c", "https://git.example/t/c@", f"http://h/x@{COMMIT}"),
        *(
            f"https://user:pass@h/t@{COMMIT}",
            f"https://h/t@{COMMIT};id",
            f"/t/c@{COMMIT}",
        ),
        *("https://h/t@main", "https://h/t@HEAD", "https://h/t@0123456", "https://h/t@a..b"),
        *(f"https://h/$(id)@{COMMIT}", f"https://h/a b@{COMMIT}", f"https://h/../b@{COMMIT}"),
        *(f'https://h/a"b@{COMMIT}', f"ext::sh -c id@{COMMIT}", f"https://h/t\n@{COMMIT}"),
        *(f"--upload-pack=x@{COMMIT}", f"https://h/t@{COMMIT}\n  - x: y", "https://h/t@-x"),
    ],
)
def test_a_source_that_is_no_plain_address_and_commit_is_refused(
    repo: Path, call: CommandLine, source: str
) -> None:
    done = call("init", "--repo", str(repo), f"--source={source}")
    assert done.code == 2
    assert "--source: " in done.err
    assert "fix: " in done.err
    assert "pass" not in done.err.partition("fix:")[0].replace("a password", "")
    assert files(repo) == {}


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("git@git.example:t/c.git@v1.2", "ssh://git@git.example/t/c.git"),
        ("git+https://git.example:8443/t/c@v1.2", "https://git.example:8443/t/c"),
        ("file:///srv/git/c.git@v1.2", "file:///srv/git/c.git"),
    ],
)
def test_addresses_in_the_forms_that_people_have_are_understood(
    repo: Path, call: CommandLine, given: str, url: str
) -> None:
    assert call("init", "--repo", str(repo), "--source", given).code == 0
    [hooks] = yaml.safe_load(files(repo)[".pre-commit-config.yaml"])["repos"]
    assert (hooks["repo"], hooks["rev"]) == (url, "v1.2")


@pytest.mark.parametrize("name", [".pre-commit-config.yaml", ".gitignore", SPEC])
def test_a_link_in_the_place_of_a_file_is_kept_and_not_followed(
    repo: Path, tmp_path_factory: pytest.TempPathFactory, call: CommandLine, name: str
) -> None:
    outside = write(tmp_path_factory.mktemp("outside"), "file", "mine\n")
    (repo / name).parent.mkdir(parents=True, exist_ok=True)
    (repo / name).symlink_to(outside)
    done = call("init", "--repo", str(repo), "--source", SOURCE)
    assert done.code == 0
    assert f"kept         {name}  (it is a link" in done.out
    assert outside.read_text() == "mine\n"


def test_nothing_is_written_when_a_part_of_it_cannot_be(repo: Path, call: CommandLine) -> None:
    write(repo, "tasks", "a file\n")
    done = call("init", "--repo", str(repo))
    assert done.code == 2
    assert "tasks: is a link or not a folder" in done.err
    assert set(files(repo)) == {"tasks"}


def test_a_file_that_cannot_be_written_is_named(repo: Path, call: CommandLine) -> None:
    (repo / ".gitignore").mkdir()
    done = call("init", "--repo", str(repo))
    assert done.code == 2
    assert ".gitignore: cannot be written" in done.err


def test_a_file_that_changed_after_it_was_shown_is_left_alone(repo: Path) -> None:
    write(repo, ".gitignore", "mine\n")
    proposal = propose_init(repo, environment=os.environ, source=None)
    write(repo, ".gitignore", "mine, and more\n")
    with pytest.raises(InputError, match="has changed meanwhile"):
        write_proposed(repo, proposal)
    assert (repo / ".gitignore").read_text() == "mine, and more\n"


def test_a_repository_of_a_hundred_thousand_files_takes_little_memory(repo: Path) -> None:
    blob = git(repo, "hash-object", "-w", "--stdin").strip()
    rows = "".join(
        f"100644 {blob}\tpackages/p{number % 400}/src/f{number}.ts\n" for number in range(100_000)
    )
    index = ["git", "-C", str(repo), "update-index", "--index-info"]
    subprocess.run(index, input=rows, text=True, check=True)
    # A shell that is small itself starts it: what a large process starts begins with its peak.
    script = (
        "import os, sys\n"
        "null = [(os.POSIX_SPAWN_OPEN, 1, '/dev/null', os.O_WRONLY, 0)]\n"
        "started = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=null)\n"
        "_, status, used = os.wait4(started, 0)\n"
        "print(os.waitstatus_to_exitcode(status), used.ru_maxrss)\n"
    )
    argv = [sys.executable, "-m", "codex_orchestrator", "init", "--dry-run", "--repo", str(repo)]
    starter = [sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run([*starter, *argv], capture_output=True, text=True, check=True)
    exit_code, peak_kib = map(int, done.stdout.split())
    assert exit_code == 0
    assert peak_kib < 300 * 1024


def test_a_bare_repository_has_no_place_for_it(tmp_path: Path, call: CommandLine) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    done = call("init", "--repo", str(tmp_path / "bare.git"))
    assert done.code == 2
    assert "not inside the work tree" in done.err


@pytest.fixture
def typed(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Outcome]:
    """Run init at a terminal, and type an answer when there is one to give."""
    stdout = tmp_path_factory.mktemp("out") / "out"

    def run(answer: str, *more: str) -> Outcome:
        argv = ("-m", "codex_orchestrator", "init", "--repo", str(repo), *more)
        with Terminal(*argv, stdout=stdout) as terminal:
            if answer:
                terminal.wait_for(PROMPT)
                assert "+++ b/.codex-orchestrator.toml" in stdout.read_text()
                assert not (repo / ".codex-orchestrator.toml").exists()
                terminal.type(answer)
            code = terminal.end()
        return Outcome(code, stdout.read_text(), terminal.shown)

    return run


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 130), ("\n", 130)])
def test_at_a_terminal_it_shows_everything_and_asks(
    repo: Path, typed: Callable[..., Outcome], answer: str, code: int
) -> None:
    assert typed(answer).code == code
    assert (repo / ".codex-orchestrator.toml").exists() == (code == 0)


def test_it_does_not_ask_with_yes_or_when_there_is_nothing_to_write(
    repo: Path, typed: Callable[..., Outcome]
) -> None:
    first = typed("", "--yes")
    assert (first.code, PROMPT in first.err) == (0, False)
    assert (repo / ".codex-orchestrator.toml").exists()
    second = typed("")
    assert (second.code, PROMPT in second.err) == (0, False)
