"""Where the toolkit was installed from, by what installers record, and the command for an extra."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from codex_orchestrator.system.installed import (
    NAME,
    install_command,
    installed_source,
    missing_extra,
    source_option,
)
from codex_orchestrator.system.source import Source
from support.project import git, write
from support.sdists import ROOT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GIT = {"vcs": "git", "commit_id": COMMIT}
METADATA = f"""Metadata-Version: 2.4
Name: {NAME}
Version: 9
Provides-Extra: codex
Requires-Dist: click>=8
Requires-Dist: openai-codex<0.170,>=0.163; extra == 'codex'
Requires-Dist: jinja2; extra == 'report'
"""


def record(folder: Path, said: object) -> None:
    """Put an installation before the real one; None for one that records no origin."""
    name = f"{NAME.replace('-', '_')}-9.dist-info"
    write(folder, f"{name}/METADATA", METADATA)
    if said is not None:
        text = said if isinstance(said, str) else json.dumps(said)
        write(folder, f"{name}/direct_url.json", text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("said", "command"),
    [
        (
            {"url": "https://git.example/t/c", "vcs_info": GIT},
            f'pip install "{NAME}[codex] @ git+https://git.example/t/c@{COMMIT}"',
        ),
        ({"url": "file:///srv/c", "dir_info": {}}, 'pip install "/srv/c[codex]"'),
        (
            {"url": "file:///srv/my%20c", "dir_info": {"editable": True}},
            'pip install --editable "/srv/my c[codex]"',
        ),
        (
            {"url": "file:///srv/c-9-py3-none-any.whl", "archive_info": {}},
            f'pip install "{NAME}[codex] @ file:///srv/c-9-py3-none-any.whl"',
        ),
        (None, 'pip install "openai-codex<0.170,>=0.163"'),
        ({"url": "https://u:pw@h/c.whl", "archive_info": {}}, 'pip install "openai-codex'),
        ({"url": "https://u:pw@h/c", "vcs_info": GIT}, 'pip install "openai-codex'),
        ("[]", 'pip install "openai-codex'),
        ("{", 'pip install "openai-codex'),
        ({"url": "file:///srv/$(id)", "dir_info": {}}, "pip install '/srv/$(id)[codex]'"),
    ],
)
def test_an_extra_comes_from_where_the_toolkit_came_from(
    site: Path, said: object, command: str
) -> None:
    record(site, said)
    found = install_command("codex")
    assert found.startswith(command)
    assert shlex.split(found)[:2] == ["pip", "install"]
    assert "pw" not in found
    assert missing_extra("codex", needed_for="it").fix == found


def test_a_folder_can_name_its_repository_and_commit_by_git(site: Path) -> None:
    record(site, {"url": "file:///srv/my%20c", "dir_info": {}})
    word = source_option().removeprefix("--source ")
    asked = ("remote get-url origin", "rev-parse HEAD")
    url, commit = (f"$(git -C '/srv/my c' {question})" for question in asked)
    assert word == f'"{url}@{commit}"'


def test_what_is_known_by_no_folder_must_be_named(site: Path) -> None:
    record(site, None)
    assert source_option() == "--source URL@COMMIT"


@pytest.mark.timeout(300)
def test_what_pip_installs_from_a_repository_knows_it(tmp_path: Path) -> None:
    """The real pip, on a clone of this repository's last commit; nothing is fetched."""
    clone, target = tmp_path / "clone", tmp_path / "target"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    commit = git(clone, "rev-parse", "HEAD").strip()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), f"git+file://{clone}"], check=True)
    ask = "from codex_orchestrator.system.installed import installed_source as s; print(*s())"
    found = subprocess.run(
        [sys.executable, "-c", ask], env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.split() == [f"file://{clone}", commit]


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ({"url": "https://git.example/t/c", "vcs_info": GIT}, "https://git.example/t/c"),
        (
            {"url": "ssh://git@git.example/t/c.git", "vcs_info": GIT},
            "ssh://git@git.example/t/c.git",
        ),
        ({"url": "https://h/c", "vcs_info": {"vcs": "hg", "commit_id": COMMIT}}, ""),
        ({"url": "https://h/c", "vcs_info": GIT, "subdirectory": "x"}, ""),
        ({"url": "https://h/c d", "vcs_info": GIT}, ""),
        ({"url": "https://h/c", "vcs_info": {"vcs": "git", "commit_id": "main"}}, ""),
        ({"url": "https://h/c", "vcs_info": {"vcs": "git"}}, ""),
        ({"url": "https://h/c", "vcs_info": []}, ""),
        ({"url": "file:///srv/c", "dir_info": {"editable": True}}, ""),
        (None, ""),
    ],
)
def test_only_a_repository_with_a_commit_is_a_source(site: Path, said: object, source: str) -> None:
    record(site, said)
    assert installed_source() == (Source(source, COMMIT) if source else None)


def test_no_page_and_no_message_names_the_toolkit_to_a_package_index() -> None:
    pages = [ROOT / "README.md", ROOT / "action.yml", *(ROOT / "docs").rglob("*.md")]
    sources = (ROOT / "src").rglob("*.*")
    texts = {path: path.read_text("utf-8") for path in (*pages, *sources) if path.suffix != ".pyc"}
    bad = [
        f"{path.name}: {line.strip()}"
        for path, text in texts.items()
        for line in text.splitlines()
        if f"{NAME}[" in line or f"{NAME}==" in line
        if "--no-index" not in line and " @ " not in line
    ]
    assert bad == []
