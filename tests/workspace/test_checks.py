import fcntl
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from codex_orchestrator.model.check import CheckCommand, CheckResult
from codex_orchestrator.model.errors import InputError, ServiceError
from codex_orchestrator.model.verdict import ValidationStatus
from codex_orchestrator.system.listing import list_files
from codex_orchestrator.system.sandbox import orders
from codex_orchestrator.system.sandbox.orders import MOUNT
from codex_orchestrator.system.sandbox.probe import Probe, ask_launcher, probe_layers
from codex_orchestrator.workspace.worktree import GitWorkspace
from support.workspace import clock, git, git_environ, write_files


def check(workspace, tmp_path, argv, *, deadline_s=60.0, files=None, **facts) -> CheckResult:
    command = CheckCommand(name="test", argv=tuple(argv), **facts)
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, files or {})
        return workspace.run_check(
            tree.root, command, log_dir=tmp_path / "tests", deadline_s=deadline_s
        )


def test_exit_code_zero_is_the_only_pass(workspace, tmp_path):
    result = check(workspace, tmp_path, ["sh", "-c", "echo fine"])
    assert result.status is ValidationStatus.PASSED
    assert (result.exit_code, result.output_tail, result.log_path) == (0, "fine\n", "test.log")
    assert (tmp_path / "tests/test.log").read_text() == "fine\n"


@pytest.mark.parametrize("end", ["exit 1", "exit 255", "kill -9 $$"])
def test_any_other_end_is_a_failure(end, workspace, tmp_path):
    result = check(workspace, tmp_path, ["sh", "-c", f"echo 'all tests passed'; {end}"])
    assert result.status is ValidationStatus.FAILED


def test_a_command_runs_in_the_work_tree(workspace, tmp_path):
    result = check(workspace, tmp_path, ["cat", "note"], files={"note": "from the tree"})
    assert result.output_tail == "from the tree"


def test_a_command_that_is_not_installed_did_not_run(workspace, tmp_path):
    result = check(workspace, tmp_path, ["no-such-test-tool"])
    assert result.status is ValidationStatus.NOT_RUN
    assert result.exit_code is None
    assert "'no-such-test-tool' cannot be run" in result.detail


def test_a_file_of_the_tree_does_not_pass_for_a_tool(repo, scratch, tmp_path):
    environ = git_environ(tmp_path / "home")
    environ["PATH"] = f".::{environ['PATH']}"
    workspace = GitWorkspace(repo, clock=clock, environ=environ, scratch=scratch)
    command = CheckCommand(name="test", argv=("no-such-test-tool",))
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        write_files(tree.root, {"no-such-test-tool": "#!/bin/sh\nexit 0\n"})
        (tree.root / "no-such-test-tool").chmod(0o755)
        result = workspace.run_check(tree.root, command, log_dir=tmp_path / "tests", deadline_s=60)
    assert result.status is ValidationStatus.NOT_RUN


CREDENTIALS = (
    *(".local/share/uv/credentials/credentials.toml", ".cargo/config.toml", ".volta/hooks.json"),
    *(".cargo/credentials.toml", ".gradle/init.d/login.gradle", ".nvm/.git/config", ".npmrc"),
    *(".local/share/pnpm/global/.npmrc", ".m2/settings.xml", ".sdkman/etc/config"),
)
TOOLS = (".local/share/uv/python/p", ".cargo/bin/p", ".volta/tools/p", ".nvm/versions/p")


def test_a_check_sees_tools_in_the_home_and_none_of_the_credentials_beside_them(
    repo, scratch, tmp_path
):
    if not ask_launcher().contains_files:
        pytest.skip("nothing keeps a check from files here")
    environ = git_environ(tmp_path / "home")
    home = Path(environ["HOME"])
    write_files(home, {**dict.fromkeys(CREDENTIALS, "canary\n"), **dict.fromkeys(TOOLS, "tool\n")})
    environ["PATH"] = f"{home}:{environ['PATH']}"
    workspace = GitWorkspace(repo, clock=clock, environ=environ, scratch=scratch)
    script = 'cd "$0"; cat "$@"; true'
    argv = ("sh", "-c", script, str(home), *CREDENTIALS, *TOOLS)
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        command = CheckCommand(name="test", argv=argv)
        result = workspace.run_check(tree.root, command, log_dir=tmp_path / "tests", deadline_s=60)
    assert "canary" not in result.output_tail
    assert result.output_tail.count("tool\n") == len(TOOLS)


def test_a_check_that_hangs_is_timed_out_and_keeps_its_log(workspace, tmp_path):
    result = check(workspace, tmp_path, ["sh", "-c", "echo a; sleep 600"], timeout_s=1)
    assert result.status is ValidationStatus.TIMED_OUT
    assert result.detail == "ended after 1 s, its time limit"
    assert (tmp_path / "tests/test.log").read_text() == "a\n"


def test_the_end_of_the_run_bounds_a_check(workspace, tmp_path):
    result = check(workspace, tmp_path, ["sleep", "600"], deadline_s=0.3)
    assert result.status is ValidationStatus.TIMED_OUT


def test_a_check_without_time_did_not_run(workspace, tmp_path):
    result = check(workspace, tmp_path, ["true"], deadline_s=0)
    assert result.status is ValidationStatus.NOT_RUN
    assert result.detail == "no time was left in the run"


def test_a_process_that_a_test_leaves_is_named_and_gone(workspace, tmp_path):
    result = check(workspace, tmp_path, ["sh", "-c", "sleep 600 &"])
    assert result.status is ValidationStatus.PASSED
    assert "left running and that were ended: 1" in result.detail


def test_the_log_folder_is_put_into_arguments(workspace, tmp_path):
    source = "import sys; open(sys.argv[1].split('=')[1], 'w').write('<testsuite/>')"
    result = check(
        workspace,
        tmp_path,
        [sys.executable, "-c", source, "--junitxml={log_dir}/junit.xml"],
        report="junit:junit.xml",
    )
    assert result.status is ValidationStatus.PASSED
    assert (tmp_path / "tests/junit.xml").read_text() == "<testsuite/>"
    assert str(tmp_path) not in "".join(result.argv)[len(sys.executable) :]


def test_a_report_of_an_earlier_round_is_not_taken_for_a_new_one(workspace, tmp_path):
    write_files(tmp_path, {"tests/junit.xml": "old"})
    check(workspace, tmp_path, ["true"], report="junit:junit.xml")
    assert not (tmp_path / "tests/junit.xml").exists()


def test_each_round_has_a_log_of_its_own(workspace, tmp_path):
    names = [check(workspace, tmp_path, ["echo", str(n)]).log_path for n in range(3)]
    assert names == ["test.log", "test.2.log", "test.3.log"]


def test_the_name_of_a_check_is_no_path(workspace, tmp_path):
    command = CheckCommand(name="../../Evil name", argv=("true",))
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        result = workspace.run_check(tree.root, command, log_dir=tmp_path / "tests", deadline_s=60)
    assert result.log_path == "evil-name.log"


def test_a_report_outside_the_log_folder_is_refused(workspace, tmp_path):
    with pytest.raises(InputError, match="report leaves the repository"):
        check(workspace, tmp_path, ["true"], report="junit:../junit.xml")


def test_a_log_folder_that_cannot_be_made_is_named(workspace, tmp_path):
    Path(tmp_path / "tests").write_text("a file")
    with pytest.raises(ServiceError, match="tests: "):
        check(workspace, tmp_path, ["true"])


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        ("import os\nfor _ in range(100_000): os.open('/dev/null', 0)", "limits.files, 8192"),
        ("bytearray(30 * 2**30)", "limits.memory_bytes, 8589934592"),
        ("open('large', 'wb').truncate(5 * 2**30)", "limits.file_bytes, 4294967296"),
    ],
)
def test_a_check_that_uses_too_much_fails_and_the_limit_is_named(
    source, limit, workspace, tmp_path
):
    result = check(workspace, tmp_path, [sys.executable, "-c", source])
    assert result.status is ValidationStatus.FAILED
    assert result.detail == f"it may have met {limit}"


def test_a_check_that_fills_the_private_folders_fails_and_the_limit_is_named(workspace, tmp_path):
    source = (
        "import os, tempfile\nfile = tempfile.TemporaryFile()\n"
        "os.posix_fallocate(file.fileno(), 0, 3 * 2**30)\n"
    )
    if MOUNT not in ask_launcher().works:
        pytest.skip("without a root of its own it has no private folders in memory")
    result = check(workspace, tmp_path, [sys.executable, "-c", source])
    assert result.status is ValidationStatus.FAILED
    assert result.detail == "it may have met limits.private_bytes, 2147483648"


def test_a_lock_that_a_check_leaves_held_is_free_afterwards(workspace, tmp_path):
    source = """
import fcntl, os, time
lock = open(os.environ["LOCK"], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
"""
    command = CheckCommand(
        name="test", argv=(sys.executable, "-c", source), env=(("LOCK", "lock"),)
    )
    with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
        result = workspace.run_check(tree.root, command, log_dir=tmp_path / "tests", deadline_s=60)
        assert result.status is ValidationStatus.PASSED
        with (tree.root / "lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("name", ["pyvenv.cfg", "bin/python", "lib/module.py"])
def test_a_change_of_the_users_environment_fails_the_check_where_no_layer_refuses_it(
    name, repo, scratch, tmp_path
):
    tool = tmp_path / "venv/bin/python"
    write_files(tmp_path / "venv", {"pyvenv.cfg": "", "lib/module.py": ""})
    write_files(tool.parent, {tool.name: '#!/bin/sh\neval "$1"\n'})
    tool.chmod(0o755)
    workspace = GitWorkspace(
        repo, clock=clock, environ=git_environ(tmp_path / "home"), scratch=scratch, layers=Probe
    )
    assert check(workspace, tmp_path, [str(tool), "true"]).status is ValidationStatus.PASSED
    result = check(workspace, tmp_path, [str(tool), f"echo >> {tmp_path}/venv/{name}"])
    assert result.status is ValidationStatus.FAILED
    assert result.detail == "it changed the environment 'venv', which it may only read"


def test_secrets_of_our_environment_do_not_reach_a_check(repo, scratch, tmp_path):
    environ = git_environ(tmp_path / "home") | {"OPENAI_API_KEY": "k-123456"}
    workspace = GitWorkspace(repo, clock=clock, environ=environ, scratch=scratch)
    assert "k-123456" not in check(workspace, tmp_path, ["env"]).output_tail


@pytest.fixture(params=["all", "without namespaces"])
def confining(request, repo, scratch, tmp_path):
    """A workspace, with all layers that work or without a root folder of its own for a check."""
    found = probe_layers()
    needed = orders.MOUNT if request.param == "all" else orders.LANDLOCK
    if needed not in found.works:
        pytest.skip(f"{needed}: {found.refused.get(needed)}")
    if request.param != "all":
        found = found.only({orders.LANDLOCK, orders.SECCOMP, orders.KEYRING})
    environ = git_environ(tmp_path / "home")
    return GitWorkspace(repo, clock=clock, environ=environ, scratch=scratch, layers=lambda: found)


def test_git_in_a_check_works_and_sees_no_credentials_of_the_checkout(confining, repo, tmp_path):
    result = check(confining, tmp_path, ["git", "log", "--format=%H"])
    assert result.output_tail.strip() == confining.head_sha()
    with (repo / ".git" / "config").open("a") as stream:
        stream.write('[http "https://h/"]\n\textraheader = AUTHORIZATION: canary\n')
    script = f"cat {repo}/.git/config; git config --list; true"
    assert "canary" not in check(confining, tmp_path, ["sh", "-c", script]).output_tail


def test_a_check_opens_no_folder_to_the_next_one(confining, tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "key").write_text("canary")
    with confining.open("r1", base_sha=confining.head_sha()) as tree:
        log_dir = tmp_path / "tests"
        script = (
            f"for d in {log_dir} .; do rm -rf $d/.git; mkdir -p $d/.git/objects/info; "
            f"echo {keys} > $d/.git/objects/info/alternates; done; cat {keys}/key"
        )
        for _ in range(2):
            command = CheckCommand(name="test", argv=("sh", "-c", script))
            result = confining.run_check(tree.root, command, log_dir=log_dir, deadline_s=60)
            assert "canary" not in result.output_tail
            assert result.exit_code == 1


def test_a_pointer_with_a_nul_byte_does_not_keep_the_next_check_from_running(confining, tmp_path):
    with confining.open("r1", base_sha=confining.head_sha()) as tree:
        log_dir = tmp_path / "tests"
        script = f"for d in {log_dir} .; do printf 'gitdir: a\\000b' > $d/.git; done; true"
        for _ in range(2):
            command = CheckCommand(name="test", argv=("sh", "-c", script))
            result = confining.run_check(tree.root, command, log_dir=log_dir, deadline_s=60)
            assert result.status is ValidationStatus.PASSED


REPLACEMENTS = {
    "repository": "rm -rf .git; git init -q .; echo '*' > .git/info/exclude; ls -d .git/info",
    "pointer": "rm .git; git init -q --separate-git-dir=evil . && echo '*' > evil/info/exclude",
    "link": "rm .git; git init -q evil; echo '*' > evil/.git/info/exclude; ln -s evil/.git .git",
    "nothing": "rm .git",
}


@pytest.mark.parametrize("replaced", REPLACEMENTS)
def test_a_check_cannot_choose_the_repository_that_is_found_from_the_tree(
    confining, tmp_path, replaced
):
    with confining.open("r1", base_sha=confining.head_sha()) as tree:
        pointer, listed = (tree.root / ".git").read_bytes(), list_files(tree.root)
        command = CheckCommand(name="test", argv=("sh", "-c", REPLACEMENTS[replaced]))
        confining.run_check(tree.root, command, log_dir=tmp_path / "tests", deadline_s=60)
        assert (tree.root / ".git").read_bytes() == pointer
        assert {*listed} <= {*list_files(tree.root)}


def test_a_run_that_is_resumed_has_its_own_repository_again(workspace):
    base = workspace.head_sha()
    with suppress(KeyboardInterrupt), workspace.open("r1", base_sha=base) as tree:
        pointer = (tree.root / ".git").read_bytes()
        (tree.root / ".git").unlink()
        git(tree.root, "init", "-q", ".")
        raise KeyboardInterrupt
    with workspace.open("r1", base_sha=base) as tree:
        assert (tree.root / ".git").read_bytes() == pointer
