import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from mcp import MCPError

from codex_orchestrator.system.installed import install_command
from support.workspace import all_end, git, git_environ, make_repository, wait_for, write_files
from support.workspace_server import lines_of, served, server_command

FILES = {
    "README.md": "# Example\n",
    "src/app.py": "def one():\n    print('one')\n\n\ndef two():\n    print('two')\n",
    "src/legacy.py": b"# caf\xe9\nx = 1\n",
    "data.bin": b"\0\1\2",
    ".env": "TOKEN=do-not-read-me\n",
    ".github/workflows/ci.yml": "on: push\n",
    ".gitignore": "ignored/\n",
}
POLICY = {"protected": [".github/**", "src/guarded.py"], "run": [["echo"], ["sh", "-c"], ["sleep"]]}
CHECKS = [
    {"name": "test", "argv": ["sh", "-c", "echo 2 passed"]},
    {"name": "lint", "argv": ["sh", "-c", "echo bad style; exit 3"]},
    {"name": "slow", "argv": ["sleep", "600"], "timeout_s": 1},
]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("server")
    make_repository(folder / "repo", FILES)
    (folder / "checks.json").write_text(json.dumps(CHECKS))
    return folder


@pytest.fixture
def root(place) -> Path:
    """The work tree, as it was committed."""
    root = place / "repo"
    git(root, "checkout", "-q", "-f", "HEAD", "--", ".")
    git(root, "clean", "-qfdx")
    return root


def environ(place: Path) -> dict[str, str]:
    return git_environ(place / "home") | {"OPENAI_API_KEY": "k-secret-123"}


def command(place: Path, *more: str) -> list[str]:
    checks = ("--checks", str(place / "checks.json"))
    return server_command(place / "repo", place, POLICY, *checks, *more)


@pytest.fixture(scope="module")
def server(place):
    with served(command(place), env=environ(place), cwd=place / "repo") as caller:
        yield caller


def started(argv: list[str], **options) -> subprocess.CompletedProcess:
    return subprocess.run(argv, capture_output=True, timeout=60, check=False, **options)


def last_decision(place: Path) -> dict:
    return lines_of(place / "decisions.jsonl")[-1]


def test_the_tools_have_descriptions_and_forms_of_answers(server):
    tools = {tool.name: tool for tool in server.tools()}
    assert list(tools) == [
        *("read_file", "list_files", "search", "git_diff"),
        *("apply_patch", "apply_pattern", "run_check"),
    ]
    assert all(tool.description and tool.output_schema for tool in tools.values())


def test_a_file_is_read_in_pieces(server, root):
    answer = server.call("read_file", path="src/app.py", first_line=5, line_count=1)
    assert answer.document == {
        "path": "src/app.py",
        "text": "def two():\n",
        "first_line": 5,
        "last_line": 5,
        "total_lines": 6,
        "is_cut": True,
        "is_lossy": False,
    }


def test_text_that_is_not_utf8_is_shown_and_said_to_be_lossy(server, root):
    document = server.call("read_file", path="src/legacy.py").document
    assert document["text"] == "# caf\ufffd\nx = 1\n"
    assert document["is_lossy"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../policy.json", "leaves the repository"),
        ("/etc/passwd", "is absolute"),
        (".git/config", "enters .git"),
        ("src/.GIT/config", "enters .git"),
        ("src\\app.py", "backslash"),
        ("a\x00b", "control or invisible character"),
        ("src/app.py\u202e", "control or invisible character"),
        ("", "is empty"),
        (".", "names the tree itself"),
        ("gone.txt", "no such file"),
        ("src/app.py/x", "is a link or no folder"),
        ("src", "is a folder"),
        ("data.bin", "is a binary file of 3 bytes"),
        ("a/" * 600 + "b", "no such file"),
        ("x" * 300, "too long"),
        (".env", "refused — secret file: **/.env"),
        ("./.env", "refused — secret file: **/.env"),
        ("src//../.env", "leaves the repository"),
    ],
)
def test_what_is_not_to_be_read_is_refused_with_its_reason(path, words, server, root):
    assert words in server.call("read_file", path=path).error


def test_files_are_listed_without_ignored_ones(server, root):
    write_files(root, {"ignored/x.txt": "", "new.txt": ""})
    document = server.call("list_files").document
    assert "new.txt" in document["paths"]
    assert "src/app.py" in document["paths"]
    assert not any(path.startswith(("ignored/", ".git/")) for path in document["paths"])
    assert document["total"] == len(document["paths"])


def test_a_list_can_be_narrowed_by_folder_and_glob(server, root):
    paths = server.call("list_files", paths=["src/", "**/*.md"]).document["paths"]
    assert paths == ["README.md", "src/app.py", "src/legacy.py"]


def test_a_search_finds_lines_in_tracked_and_new_files(server, root):
    write_files(root, {"new: odd.txt": "say print('three')\n"})
    document = server.call("search", pattern="print('", paths=["src", "new*"]).document
    assert document["hits"] == [
        {"path": "new: odd.txt", "line": 1, "text": "say print('three')"},
        {"path": "src/app.py", "line": 2, "text": "    print('one')"},
        {"path": "src/app.py", "line": 6, "text": "    print('two')"},
    ]


def test_a_search_takes_regular_expressions_and_ignores_case_when_asked(server, root):
    document = server.call("search", pattern="^DEF +t", is_regex=True, ignore_case=True).document
    assert [hit["line"] for hit in document["hits"]] == [5]


@pytest.mark.parametrize("pattern", ["", "a\nb", "("])
def test_a_pattern_that_is_none_is_refused(pattern, server, root):
    assert "pattern" in server.call("search", pattern=pattern, is_regex=True).error


def test_a_search_shows_nothing_of_a_secret_file(server, root):
    assert server.call("search", pattern="do-not-read-me").document["hits"] == []


def test_a_search_with_many_hits_is_cut(server, root):
    write_files(root, {"many.txt": "needle\n" * 1000})
    document = server.call("search", pattern="needle").document
    assert len(document["hits"]) == 200
    assert document["is_cut"]


def test_options_of_git_do_not_come_in_through_arguments(server, root):
    assert server.call("search", pattern="--open-files-in-pager=id").document["hits"] == []
    assert server.call("git_diff", paths=["--output=x"]).document["diff"] == ""
    assert not (root / "x").exists()


def test_a_patch_is_applied_and_shows_in_the_diff(server, root):
    patch = (
        "--- a/src/app.py\n+++ b/src/app.py\n@@ -1,2 +1,2 @@\n def one():\n"
        "-    print('one')\n+    print('ONE')\n"
    )
    assert server.call("apply_patch", patch=patch).document == {
        "files": [{"path": "src/app.py", "action": "updated"}]
    }
    document = server.call("git_diff").document
    assert document["paths"] == ["src/app.py"]
    assert "+    print('ONE')" in document["diff"]
    assert (document["added_lines"], document["removed_lines"]) == (1, 1)


def test_a_diff_does_not_show_a_secret_file_that_changed(server, root):
    write_files(root, {".env": "TOKEN=another-secret\n"})
    document = server.call("git_diff").document
    assert document["paths"] == [".env"]
    assert document["diff"] == ""


PROTECTED = ".github/workflows/ci.yml"


@pytest.mark.parametrize(
    "patch",
    [
        f"--- a/{PROTECTED}\n+++ b/{PROTECTED}\n@@ -1 +1 @@\n-on: push\n+on: pull_request_target\n",
        f"*** Begin Patch\n*** Delete File: {PROTECTED}\n*** End Patch",
        f"*** Begin Patch\n*** Update File: README.md\n*** Move to: {PROTECTED}\n*** End Patch",
        f"*** Begin Patch\n*** Update File: {PROTECTED}\n*** Move to: x.yml\n*** End Patch",
        f"*** Begin Patch\n*** Add File: ok.txt\n+x\n*** Delete File: ./{PROTECTED}\n*** End Patch",
    ],
)
def test_a_protected_file_needs_approval_whatever_the_patch_looks_like(patch, server, root, place):
    answer = server.call("apply_patch", patch=patch)
    assert f"approval-required edit:{PROTECTED} — protected path: .github/**" in answer.error
    decision = last_decision(place)
    assert decision["decision"] == "approval-required"
    assert decision["escalation"] == f"edit:{PROTECTED}"
    assert git(root, "status", "--porcelain") == ""


def test_a_patch_that_fits_only_in_part_changes_nothing(server, root):
    patch = (
        "*** Begin Patch\n*** Update File: README.md\n@@\n-# Example\n+# Other\n"
        "*** Update File: src/app.py\n@@\n-no such line\n+x\n*** End Patch\n"
    )
    answer = server.call("apply_patch", patch=patch)
    assert "src/app.py: the hunk at line 7 of the patch fits nowhere" in answer.error
    assert git(root, "status", "--porcelain") == ""


def test_a_pattern_is_applied_and_its_use_is_recorded(server, root, place):
    answer = server.call("apply_pattern", pattern="py-print-to-logging", paths=["src/app.py"])
    assert answer.document["paths"] == ["src/app.py"]
    assert answer.document["changes"] == 2
    assert lines_of(place / "uses.jsonl")[-1] == answer.document
    assert "print" not in (root / "src/app.py").read_text()


def test_a_pattern_that_would_change_a_protected_file_changes_nothing(server, root, place):
    write_files(root, {"src/guarded.py": "def setup():\n    print('setup')\n"})
    answer = server.call("apply_pattern", pattern="py-print-to-logging", paths=[])
    assert "approval-required edit:src/guarded.py" in answer.error
    assert last_decision(place)["escalation"] == "edit:src/guarded.py"
    assert git(root, "status", "--porcelain") == "?? src/guarded.py"


def test_an_agent_cannot_write_the_library_that_it_applies(place, root, tmp_path):
    write_files(root, {"patterns/index.json": "an agent was here"})
    argv = command(place, "--library-root", str(tmp_path))
    with served(argv, env=environ(place), cwd=place) as caller:
        answer = caller.call("apply_pattern", pattern="py-print-to-logging", paths=["src/app.py"])
    assert answer.document["paths"] == ["src/app.py"]


@pytest.mark.parametrize("path", ["../x/**", "/etc/*", ".git/*", "a\0b"])
def test_a_pattern_goes_nowhere_outside_the_tree(path, server, root):
    answer = server.call("apply_pattern", pattern="py-print-to-logging", paths=[path])
    assert answer.error.startswith("Error executing tool apply_pattern: path ")


def test_an_unknown_pattern_is_answered_with_near_names(server, root):
    answer = server.call("apply_pattern", pattern="py-print-to-loging", paths=[])
    assert "py-print-to-logging" in answer.error


def test_a_check_is_run_by_name(server, root, place):
    document = server.call("run_check", name="test").document
    assert (document["status"], document["exit_code"]) == ("passed", 0)
    assert document["output_tail"] == "2 passed\n"
    assert (place / "logs" / document["log_path"]).read_text() == "2 passed\n"


def test_a_check_that_fails_is_an_answer_and_no_error(server, root):
    document = server.call("run_check", name="lint").document
    assert (document["status"], document["exit_code"]) == ("failed", 3)


def test_a_check_that_hangs_is_timed_out(server, root):
    assert server.call("run_check", name="slow").document["status"] == "timed-out"


def test_a_listed_command_is_run_without_our_secrets(server, root):
    document = server.call("run_check", argv=["sh", "-c", "env"]).document
    assert document["status"] == "passed"
    assert "k-secret-123" not in document["output_tail"]


def test_a_command_that_is_not_listed_needs_approval(server, root, place):
    answer = server.call("run_check", argv=["curl", "https://example.org/a b"])
    assert "approval-required run:curl 'https://example.org/a b'" in answer.error
    assert last_decision(place)["escalation"] == "run:curl 'https://example.org/a b'"


def test_a_command_that_nobody_could_read_is_refused_for_good(server, root, place):
    assert "refused" in server.call("run_check", argv=["curl", "\u202egnihton"]).error
    assert last_decision(place)["decision"] == "refused"


@pytest.mark.parametrize("arguments", [{}, {"name": "test", "argv": ["echo"]}, {"name": "nope"}])
def test_a_check_is_named_or_spelled_out(arguments, server, root):
    assert "checks: test, lint, slow" in server.call("run_check", **arguments).error


def test_arguments_of_a_wrong_type_are_an_error_and_the_server_goes_on(server, root):
    assert "read_file" in server.call("read_file", path=3).error
    assert "line_count" in server.call("read_file", path="a", line_count=10**9).error
    assert server.call("read_file", path="README.md").document["text"] == "# Example\n"


def test_every_decision_is_recorded_with_time_and_tool(server, root, place):
    server.call("read_file", path="README.md")
    decision = last_decision(place)
    assert decision["at"].endswith("Z")
    assert {key: decision[key] for key in ("tool", "arguments", "decision", "rule")} == {
        "tool": "read_file",
        "arguments": {"path": "README.md"},
        "decision": "allowed",
        "rule": "",
    }


def test_a_read_only_server_offers_reading_tools_only(place):
    with served(command(place, "--read-only"), env=environ(place), cwd=place) as caller:
        names = [tool.name for tool in caller.tools()]
        assert names == ["read_file", "list_files", "search", "git_diff"]
        assert "Unknown tool" in caller.call("run_check", name="test").error


def test_the_server_ends_quietly_when_stdin_closes(place):
    done = started(command(place), stdin=subprocess.DEVNULL, env=environ(place))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_nonsense_on_stdin_is_no_crash_and_shows_nothing_of_it(place):
    done = started(
        command(place),
        input=b'not json hunter2\n{"jsonrpc":"2.0","id":1,"method":"nope hunter2"}\n\xff\xfe\n',
        env=environ(place),
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert b"hunter2" not in done.stderr


# What a contained command knows of itself is the number in its own namespace, so it is found by
# an argument that nothing else has.
MARK = f"600.{os.getpid()}"
REQUESTS = [
    {
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "0"},
        },
    },
    {"method": "notifications/initialized"},
    {
        "id": 2,
        "method": "tools/call",
        "params": {
            "name": "run_check",
            "arguments": {"argv": ["sh", "-c", f"echo x > begun; exec sleep {MARK}"]},
        },
    },
]


@pytest.mark.parametrize("end", ["stdin closes", signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_running_check_does_not_outlive_the_server(end, place, root):
    process = subprocess.Popen(
        command(place),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environ(place),
        cwd=root,
    )
    with process:
        assert process.stdin is not None
        for request in REQUESTS:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **request}).encode() + b"\n")
        process.stdin.flush()
        wait_for(root / "begun")
        if end == "stdin closes":
            process.stdin.close()
        else:
            process.send_signal(end)
        process.wait(30)
    assert all_end(MARK)


@pytest.mark.parametrize("end", ["stdin closes", signal.SIGTERM, signal.SIGINT])
def test_the_server_takes_its_private_folder_with_it(end, place, tmp_path):
    process = subprocess.Popen(
        command(place),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environ(place) | {"TMPDIR": str(tmp_path)},
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **REQUESTS[0]}).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        assert os.listdir(tmp_path)
        if end != "stdin closes":
            process.send_signal(end)
            process.wait(30)
    assert os.listdir(tmp_path) == []


BROKEN = """
from codex_orchestrator.servers.workspace import serve_stdio
class Broken:
    def read_file(self, path, **_):
        raise ValueError(path)
serve_stdio(Broken(), is_read_only=True)
"""


def test_an_error_of_ours_names_its_kind_and_place_and_no_data(place):
    call = {"id": 2, "method": "tools/call"}
    call["params"] = {"name": "read_file", "arguments": {"path": "hunter2"}}
    with subprocess.Popen(
        [command(place)[0], "-c", BROKEN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ(place),
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for request in (*REQUESTS[:2], call):
            print(json.dumps({"jsonrpc": "2.0", **request}), file=process.stdin, flush=True)
        process.stdout.readline()
        answer = json.loads(process.stdout.readline())
        _, stderr = process.communicate(timeout=60)
    assert answer["result"]["content"][0]["text"] == "Error executing tool read_file"
    assert "ValueError" in stderr
    assert "hunter2" not in stderr


def test_a_call_that_the_client_gives_up_ends_its_command(server, root):
    with pytest.raises(MCPError, match="timed out"):
        server.call_within(1.0, "run_check", argv=["sh", "-c", f"exec sleep {MARK}"])
    assert all_end(MARK)
    assert server.call("run_check", name="test").document["status"] == "passed"


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ('{"run": [[]]}', "run: an allowed command must not be empty"),
        ('{"runs": []}', "runs: Extra inputs are not permitted"),
        ("not json", "Invalid JSON"),
    ],
)
def test_a_policy_that_is_wrong_ends_the_start_with_its_place(policy, words, place, tmp_path):
    argv = server_command(place / "repo", tmp_path, {})
    (tmp_path / "policy.json").write_text(policy)
    done = started(argv, env=environ(place), text=True)
    assert done.returncode == 2
    assert f"{tmp_path}/policy.json: {words}" in done.stderr


def test_a_root_that_is_no_work_tree_ends_the_start(place, tmp_path):
    done = started(
        server_command(tmp_path, tmp_path, {}),
        env=environ(place) | {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
        text=True,
    )
    assert done.returncode == 3
    assert "not a git repository" in done.stderr


def test_both_servers_are_listed(place):
    done = started([*command(place)[:4], "--help"], env=environ(place), text=True)
    assert "workspace" in done.stdout
    assert "codex" in done.stdout


def test_without_the_mcp_package_the_line_that_installs_it_is_printed(place):
    source = (
        "import sys; sys.modules['mcp'] = None\n"
        "from codex_orchestrator.cli.app import run\nsys.exit(run(sys.argv[1:]))"
    )
    argv = command(place)
    done = started([argv[0], "-c", source, *argv[3:]], env=environ(place), text=True)
    assert done.returncode == 3
    assert f"fix: {install_command('agents')}" in done.stderr


def test_the_start_imports_no_model_vendor(place):
    source = (
        "import sys\nfrom codex_orchestrator.cli.mcp import workspace\n"
        "from codex_orchestrator.compose import servers\n"
        "from codex_orchestrator.servers import workspace\n"
        "print(sorted({'agents', 'openai', 'ast_grep_py', 'github', 'hvac', 'obstore'} "
        "& set(sys.modules)))"
    )
    done = started(
        [command(place)[0], "-c", source],
        text=True,
        env=os.environ,
    )
    assert done.stdout == "[]\n"
