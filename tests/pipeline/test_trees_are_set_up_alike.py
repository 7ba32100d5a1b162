"""Every work tree of a run is set up alike: its own, the base's, those of items and submissions."""

from pathlib import Path

import pytest

from codex_orchestrator.model.config import SetupConfig
from codex_orchestrator.model.task import Task
from codex_orchestrator.pipeline.request import RunRequest
from codex_orchestrator.pipeline.run import open_tree
from codex_orchestrator.pipeline.services import Services
from support.project import commit_all, git, make_project, write
from support.services import CONFIG, make_request, make_services

RUN = "20261122t100000z-abc123"


@pytest.fixture
def asked(tmp_path: Path) -> tuple[RunRequest, Services]:
    """A request whose configuration of set-up names something of each kind."""
    other = make_project(tmp_path / "other")
    repo = make_project(tmp_path / "repo")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "lib")
    commit_all(repo, "with a submodule")
    write(repo, ".git/info/exclude", "data/\n.env\n")
    write(repo, "data/x.txt", "x\n")
    write(repo, ".env", "PORT=1\n")
    setup = SetupConfig(
        run=(("mkdir", "made"),), link=("data",), copy=(".env",), pass_env=("LANG",)
    )
    request = make_request(Task(id="t", title="T", spec="tasks/specs/s.md"), repo)
    config = CONFIG.model_copy(update={"setup": setup})
    request = request._replace(settings=request.settings._replace(config=config))
    services = make_services(repo)
    return request, services


@pytest.mark.parametrize("place", [RUN, f"{RUN}.base", f"{RUN}.item-0", f"{RUN}.1-2"])
def test_whatever_a_tree_is_for_it_has_all_of_it(
    asked: tuple[RunRequest, Services], tmp_path: Path, place: str
) -> None:
    request, services = asked
    base_sha = services.rooms.workspace.head_sha()
    with open_tree(request, services, place, base_sha=base_sha, log_dir=tmp_path / "logs") as work:
        root = work.tree.root
        assert (root / "lib/src").is_dir()
        assert (root / "made").is_dir()
        assert (root / "data/x.txt").read_text() == "x\n"
        assert (root / ".env").read_text() == "PORT=1\n"
        (command,) = work.checks
        assert str(request.settings.repo / "data") in command.read
        assert not work.tree.change().paths


def test_variables_and_what_the_checkout_shows_are_part_of_what_the_base_is_kept_by(
    asked: tuple[RunRequest, Services], tmp_path: Path
) -> None:
    request, services = asked
    base_sha = services.rooms.workspace.head_sha()

    def key(value: str) -> str:
        services = make_services(request.settings.repo, variables={"LANG": value})
        workspace = services.rooms.workspace
        with open_tree(request, services, RUN, base_sha=base_sha, log_dir=tmp_path / "l") as work:
            return workspace.baseline_key(
                base_sha,
                work.checks,
                root=work.tree.root,
                surroundings=work.provided.surroundings,
            )

    first = key("C.UTF-8")
    assert key("C.UTF-8") == first
    assert key("C") != first
    write(request.settings.repo, ".env", "PORT=2\n")
    assert key("C.UTF-8") != first
