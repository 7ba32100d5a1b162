"""A work tree has what a checkout has: submodules, ignored folders, what commands make."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from codex_orchestrator.model.config import SetupConfig
from codex_orchestrator.model.errors import InputError, NotCheckedError, OrchestratorError
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.set_up import Place
from support.workspace import clock, git, make_repository, write_files


def refused(
    place: Place, kind: type[OrchestratorError], match: str, **setup: Any
) -> OrchestratorError:
    """Return why a work tree cannot be set up."""
    with pytest.raises(kind, match=match) as error, place.tree(**setup):
        pass
    return error.value


def add_submodule(inside: Path, name: str, files: dict[str, str], *, branch: str = "") -> Path:
    """Make a repository beside another one, and make it a submodule of that."""
    other = inside.parent / f"of-{name}"
    make_repository(other, files)
    allow = ("-c", "protocol.file.allow=always")
    git(inside, *allow, "submodule", "--quiet", "add", str(other), name)
    git(inside, "commit", "-q", "-m", "Add a submodule")
    return other


def test_a_submodule_has_the_files_of_the_commit_that_the_base_names(place: Place) -> None:
    add_submodule(place.root, "vendor", {"data.txt": "first\n"})
    (place.root / "vendor/data.txt").write_text("edited in the checkout\n")
    with place.tree() as work:
        assert (work.tree.root / "vendor/data.txt").read_text() == "first\n"
        assert work.provided.facts.submodules == ("vendor",)
        assert work.tree.change().paths == ()
        assert work.check("cat", "vendor/data.txt").output_tail.strip() == "first"


def test_submodules_of_submodules_are_filled(place: Place) -> None:
    middle = add_submodule(place.root, "middle", {"m.txt": "m\n"})
    add_submodule(middle, "inner", {"i.txt": "i\n"})
    allow = ("-c", "protocol.file.allow=always")
    git(place.root / "middle", *allow, "pull", "-q", "origin", "main")
    place.commit({})
    git(place.root, *allow, "submodule", "--quiet", "update", "--init", "--recursive")
    with place.tree() as work:
        assert (work.tree.root / "middle/inner/i.txt").read_text() == "i\n"


def test_a_submodule_that_the_checkout_lacks_is_named_with_the_line_that_gets_it(
    place: Place,
) -> None:
    add_submodule(place.root, "vendor", {"data.txt": "first\n"})
    git(place.root, "submodule", "--quiet", "deinit", "-f", "vendor")
    subprocess.run(["rm", "-r", str(place.root / ".git/modules")], check=True)
    error = refused(place, NotCheckedError, "submodule vendor")
    assert "git submodule update --init --recursive -- vendor" in error.fix
    with place.tree("run-2", submodules=False) as work:
        assert not os.listdir(work.tree.root / "vendor")


def test_what_was_changed_in_a_submodule_is_made_again_before_a_check(place: Place) -> None:
    add_submodule(place.root, "vendor", {"data.txt": "first\n"})
    with place.tree() as work:
        (work.tree.root / "vendor/data.txt").write_text("to please a test\n")
        assert work.tree.change().paths == ()
        assert work.check("cat", "vendor/data.txt").output_tail.strip() == "first"


def test_an_ignored_folder_of_the_checkout_is_shown_and_no_part_of_the_change(
    place: Place,
) -> None:
    place.commit({".gitignore": "data/\n"})
    write_files(place.root, {"data/deep/x.txt": "x\n", "data/y.txt": "y\n"})
    with place.tree(link=["data"]) as work:
        assert work.check("cat", "data/deep/x.txt", "data/y.txt").output_tail.split() == ["x", "y"]
        assert work.tree.change().paths == ()
        assert work.provided.facts.linked == ("data",)
        assert work.tree.drop_hidden() == ()
        assert (work.tree.root / "data/y.txt").exists()


def test_what_is_provided_is_no_part_of_the_change_where_rules_ask_for_it(place: Place) -> None:
    place.commit({".gitignore": "*.log\n"})
    write_files(place.root, {"data/x.txt": "x\n"})
    with place.tree(link=["data"]) as work:
        (work.tree.root / ".gitignore").write_text("!/data\n!/data/**\n")
        (work.tree.root / "data/new.txt").write_text("new\n")
        assert work.tree.change().paths == (".gitignore",)
        work.tree.restore(work.tree.snapshot())
        assert (work.tree.root / "data/x.txt").exists()


def test_a_check_cannot_write_to_the_folder_of_the_checkout(place: Place) -> None:
    write_files(place.root, {"node_modules/tea/index.js": "1\n"})
    with place.tree(link=["node_modules"]) as work:
        work.check("sh", "-c", "echo 2 > node_modules/tea/index.js")
    assert (place.root / "node_modules/tea/index.js").read_text() == "1\n"


def test_a_small_ignored_file_is_copied(place: Place) -> None:
    write_files(place.root, {".env": "PORT=1\n"})
    with place.tree(copy=[".env"]) as work:
        copied = work.tree.root / ".env"
        assert copied.read_text() == "PORT=1\n"
        assert not copied.is_symlink()
        assert work.tree.change().paths == ()


@pytest.mark.parametrize("key", ["link", "copy"])
def test_a_path_that_leads_out_of_the_checkout_is_refused(place: Place, key: str) -> None:
    outside = place.folder / "outside"
    outside.mkdir()
    (place.root / ".env").symlink_to(outside)
    refused(place, InputError, rf"setup\.{key}: \.env is a link that leads out", **{key: [".env"]})


@pytest.mark.parametrize("key", ["link", "copy"])
def test_a_tracked_path_is_refused(place: Place, key: str) -> None:
    refused(place, InputError, rf"setup\.{key}: a\.txt is tracked", **{key: ["a.txt"]})


@pytest.mark.parametrize("key", ["link", "copy"])
def test_a_path_that_is_not_there_is_named_with_what_to_do(place: Place, key: str) -> None:
    refused(
        place, NotCheckedError, rf"setup\.{key}: \.env is not in the checkout", **{key: [".env"]}
    )


def test_a_link_in_a_folder_that_leads_out_is_refused(place: Place) -> None:
    write_files(place.root, {"node_modules/tea/index.js": "1\n"})
    (place.root / "node_modules/coffee").symlink_to("../../coffee")
    refused(
        place,
        NotCheckedError,
        "node_modules/coffee in the checkout is a link",
        link=["node_modules"],
    )


def make_workspace(place: Place) -> None:
    """Make a workspace of two packages and a package of somebody else, installed by npm."""
    write_files(place.folder, {"tea/package.json": '{"name": "tea", "version": "1.0.0"}'})
    write_files(place.folder, {"tea/index.js": "module.exports = 41\n"})
    root = {"name": "r", "private": True, "workspaces": ["packages/*"]}
    root |= {"dependencies": {"tea": "file:tea-1.0.0.tgz"}}
    npm(place.folder / "tea", "pack", "--pack-destination", str(place.root))
    place.commit(
        {
            "package.json": json.dumps(root),
            "packages/a/package.json": '{"name": "@w/a", "version": "1.0.0"}',
            "packages/a/index.js": 'module.exports = require("tea") + 1\n',
            "packages/b/package.json": '{"name": "b", "version": "1.0.0"}',
            "packages/b/index.js": 'console.log(require("@w/a"))\n',
        }
    )
    npm(place.root, "install", "--no-audit", "--no-fund")
    place.commit({})


def npm(folder: Path, *words: str) -> None:
    environ = {**os.environ, "npm_config_offline": "true", "npm_config_loglevel": "error"}
    subprocess.run(["npm", *words], cwd=folder, env=environ, check=True, capture_output=True)


def test_a_javascript_workspace_loads_its_own_packages_and_those_of_others(place: Place) -> None:
    make_workspace(place)
    with place.tree() as work:
        (work.tree.root / "packages/a/index.js").write_text(
            'module.exports = require("tea") + 100\n'
        )
        assert work.check("node", "packages/b/index.js").output_tail.strip() == "141"
        assert work.tree.change().paths == ("packages/a/index.js",)
        assert work.provided.facts.linked == ("node_modules",)


def test_another_lock_file_in_the_checkout_is_not_checked_and_says_what_to_paste(
    place: Place,
) -> None:
    make_workspace(place)
    lock = place.root / "package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    error = refused(place, NotCheckedError, r"package-lock\.json of the checkout")
    assert 'run = [["npm", "ci"]]\nkey = ["package-lock.json"]' in error.fix
    with place.tree("run-2", run=[["npm", "ci", "--offline"]], key=["package-lock.json"]) as work:
        assert work.check("node", "packages/b/index.js").output_tail.strip() == "42"


def test_packages_have_their_own_modules_too(place: Place) -> None:
    place.commit({"web/package.json": "{}", "web/package-lock.json": "{}"})
    write_files(place.root, {"web/node_modules/@x/tea/index.js": "module.exports = 7\n"})
    with place.tree() as work:
        argv = ("node", "-p", "require('./web/node_modules/@x/tea')")
        assert work.check(*argv).output_tail.strip() == "7"


def test_the_layout_of_pnpm_is_shown_as_it_is(place: Place) -> None:
    place.commit({"package.json": "{}", "pnpm-lock.yaml": "x", "packages/a/package.json": "{}"})
    store = "node_modules/.pnpm/tea@1/node_modules/tea"
    write_files(place.root, {f"{store}/index.js": "module.exports = 5\n"})
    write_files(place.root, {"packages/a/index.js": "module.exports = 1\n"})
    (place.root / "node_modules/tea").symlink_to(".pnpm/tea@1/node_modules/tea")
    (place.root / "node_modules/a").symlink_to("../packages/a")
    place.commit({})
    with place.tree() as work:
        (work.tree.root / "packages/a/index.js").write_text("module.exports = 2\n")
        argv = ("node", "-p", "require('tea') * 10 + require('a')")
        assert work.check(*argv).output_tail.strip() == "52"


MAKE = ["sh", "-c", "mkdir -p built && cat a.txt > built/out && head -c 9 /dev/urandom > built/id"]


def test_what_commands_made_is_kept_by_the_content_of_the_key(place: Place) -> None:
    with place.tree("run-1", run=[MAKE], key=["a.txt"]) as work:
        first = (work.tree.root / "built/id").read_bytes()
        facts = work.provided.facts
        assert not facts.is_cached
        assert [check.command for check in facts.commands] == [tuple(MAKE)]
        assert work.tree.change().paths == ()
    with place.tree("run-2", run=[MAKE], key=["a.txt"]) as work:
        assert (work.tree.root / "built/id").read_bytes() == first
        assert work.provided.facts.is_cached
        assert work.provided.facts.key == facts.key
    place.commit({"a.txt": "other\n"})
    with place.tree("run-3", run=[MAKE], key=["a.txt"]) as work:
        assert (work.tree.root / "built/out").read_text() == "other\n"
        assert not work.provided.facts.is_cached


def test_without_a_key_commands_run_in_each_work_tree(place: Place) -> None:
    for run_id in ("run-1", "run-2"):
        with place.tree(run_id, run=[MAKE]) as work:
            assert len(work.provided.facts.commands) == 1
            assert work.provided.facts.key is None


def test_a_key_that_the_base_does_not_have_is_named(place: Place) -> None:
    refused(place, InputError, r"setup\.key: lock is not in the commit", run=[MAKE], key=["lock"])


def test_what_was_changed_of_it_is_made_again_before_a_check(place: Place) -> None:
    with place.tree(run=[MAKE], key=["a.txt"]) as work:
        (work.tree.root / "built/out").write_text("to please a test\n")
        assert work.check("cat", "built/out").output_tail.strip() == "a"


def test_commands_that_change_tracked_files_are_an_error_that_names_them(place: Place) -> None:
    refused(
        place,
        NotCheckedError,
        r"set-up changed tracked files: a\.txt",
        run=[["sh", "-c", "echo b > a.txt"]],
    )


def test_a_command_that_fails_is_not_checked_and_its_last_line_is_said(place: Place) -> None:
    refused(
        place,
        NotCheckedError,
        r"failed, exit code 3: no tea left",
        run=[["sh", "-c", "echo no tea left; exit 3"]],
    )


def test_a_command_that_is_not_there_is_named(place: Place) -> None:
    refused(place, NotCheckedError, "no-such-tool", run=[["no-such-tool"]])


def test_a_command_that_asks_gets_no_answer(place: Place) -> None:
    refused(
        place,
        NotCheckedError,
        "nobody answered",
        run=[["sh", "-c", "read answer || { echo nobody answered; exit 1; }"]],
    )


def test_a_command_that_hangs_is_ended(place: Place) -> None:
    workspace = GitWorkspace(
        place.root,
        clock=clock,
        environ=place.environ,
        scratch=place.folder / "scratch",
    )
    config = SetupConfig(run=(("sleep", "600"),))
    base = git(place.root, "rev-parse", "HEAD")
    with (
        workspace.open("run-1", base_sha=base) as tree,
        pytest.raises(NotCheckedError, match="its time limit"),
    ):
        workspace.set_up(tree, config, log_dir=place.folder / "logs", deadline_s=0.5)


def test_named_variables_reach_commands_and_others_do_not(place: Place) -> None:
    place.environ |= {"DATABASE_URL": "sqlite://", "OTHER": "no"}
    command = ["sh", "-c", 'mkdir built; echo "$DATABASE_URL $OTHER $CI" > built/out']
    with place.tree(run=[command], pass_env=["DATABASE_URL"]) as work:
        assert (work.tree.root / "built/out").read_text() == "sqlite://  1\n"


def test_a_secret_that_is_not_set_is_named(place: Place) -> None:
    refused(
        place,
        NotCheckedError,
        "set-up needs NPM_TOKEN, which is not set",
        run=[["true"]],
        secrets=["NPM_TOKEN"],
    )


def test_a_virtual_environment_is_not_kept_for_another_tree(place: Place) -> None:
    make = ["sh", "-c", "mkdir env && touch env/pyvenv.cfg"]
    for run_id in ("run-1", "run-2"):
        with place.tree(run_id, run=[make], key=["a.txt"]) as work:
            assert "env names its own place" in work.provided.facts.reason


def test_a_run_that_goes_on_finds_its_tree_set_up(place: Place) -> None:
    first = place.tree(run=[MAKE])
    made = (first.__enter__().tree.root / "built/id").read_bytes()
    # The first attempt ends here, without closing its tree.
    with place.tree(run=[MAKE]) as work:
        assert (work.tree.root / "built/id").read_bytes() == made


def test_what_a_check_or_an_agent_put_into_a_shown_folder_is_gone_before_the_next_check(
    place: Place,
) -> None:
    write_files(place.root, {"node_modules/tea/index.js": "module.exports = 1\n"})
    with place.tree(link=["node_modules"]) as work:
        write_files(work.tree.root, {"node_modules/coffee/index.js": "module.exports = 2\n"})
        (work.tree.root / "node_modules/tea").unlink()
        found = work.check("node", "-e", "require('tea'); require('coffee')")
        assert "Cannot find module 'coffee'" in found.output_tail


def test_what_commands_of_a_task_install_stays_and_is_named(place: Place) -> None:
    write_files(place.root, {"node_modules/tea/index.js": "module.exports = 1\n"})
    with place.tree(link=["node_modules"]) as work:
        write_files(work.tree.root, {"node_modules/coffee/index.js": "module.exports = 2\n"})
        assert work.workspace.let_stay(work.tree.root, ["node_modules"]) == ("node_modules",)
        argv = ("node", "-p", "require('tea') + require('coffee')")
        assert work.check(*argv).output_tail.strip() == "3"
        assert work.tree.change().paths == ()
