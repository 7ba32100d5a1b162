"""Tools that people's checks are made of, below all layers, with the bounds that policy gives."""

import dataclasses
import os
import pwd
import shutil
import sys
from pathlib import Path

import pytest

from codex_orchestrator.model.confinement_policy import HOME_TOOLS, confine_check
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.sandbox import orders
from codex_orchestrator.system.sandbox.plan import program_places
from support.missing import missing
from support.sandbox_scene import git

WITHOUT_NAMESPACES = [orders.LANDLOCK, orders.SECCOMP, orders.KEYRING]
BOTH = pytest.mark.parametrize("layers", [None, WITHOUT_NAMESPACES], ids=["all", "no-namespaces"])


def policy_for(scene, *programs, network="loopback"):
    """Return the bounds of a check as the product makes them, for the driver of the tests."""
    home = os.environ["HOME"] if scene.uid == os.geteuid() else str(scene.home)
    environ = child_environment({**os.environ, "HOME": home})
    found = confine_check(
        tree=str(scene.tree),
        log_folder="",
        environ=environ,
        tools=[tool.folder for tool in HOME_TOOLS if Path(home, tool.folder).exists()],
        programs=[
            place
            for name in programs
            for place in program_places(name, path=environ["PATH"], cwd="/")
        ],
    )
    bounds = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    del bounds["git"]  # that of the scene
    return bounds | {"network": network, "limits": {}, "environment": dict(found.environment)}


def works(scene, *argv, layers=None, programs=(), network="loopback"):
    if shutil.which(argv[0]) is None:
        missing(f"{argv[0]} is not installed")
    bounds = policy_for(scene, argv[0], *programs, network=network)
    outcome = scene.run(*argv, layers=layers, bounds=bounds, timeout_s=100)
    assert outcome.exit == 0, outcome
    return outcome.output


def slow(why):
    """Skip what takes minutes, unless it was asked for."""
    if os.environ.get("CODEX_ORCHESTRATOR_TESTS") != "torture":
        pytest.skip(f"`make torture` runs it: {why}")


def needs_own_home(scene, name):
    # Its own place only: whatever else lies there is no reason to skip.
    place = os.path.realpath(sys.executable) if name == "python" else str(shutil.which(name))
    home = pwd.getpwuid(os.geteuid()).pw_dir
    if scene.uid != os.geteuid() and place.startswith(f"{home}/"):
        pytest.skip(f"{name} lies in root's home")


@BOTH
def test_pytest_runs_a_suite_that_uses_temporary_folders(scene, layers):
    needs_own_home(scene, "python")
    (scene.tree / "test_sample.py").write_text(
        "import tempfile\n"
        "def test_one(tmp_path):\n"
        "    (tmp_path / 'x').write_text('a')\n"
        "    with tempfile.TemporaryFile() as stream: stream.write(b'1')\n"
        "def test_home():\n"
        "    from pathlib import Path\n"
        "    (Path.home() / '.config').mkdir()\n"
    )
    said = works(scene, sys.executable, "-m", "pytest", "-q", "test_sample.py", layers=layers)
    assert "2 passed" in said


@BOTH
def test_git_shows_the_state_of_the_tree(scene, layers):
    (scene.tree / "new").write_text("1")
    assert "?? new" in works(scene, "git", "status", "--short", layers=layers)


def test_git_commits_inside_and_nothing_of_it_is_seen_outside(scene):
    before = git(scene.main, "for-each-ref")
    (scene.tree / "file").write_text("1")
    script = (
        "git add -A && git -c user.name=a -c user.email=a@example.org commit -q -m two"
        " && git log --oneline && git branch made && git stash list"
    )
    assert "two" in works(scene, "sh", "-c", script, programs=["git"])
    assert git(scene.main, "for-each-ref") == before
    assert "?? file" in git(scene.tree, "status", "--short")
    git(scene.main, "fsck", "--strict")


@BOTH
def test_node_writes_files_and_finds_its_temporary_folder(scene, layers):
    script = "require('fs').writeFileSync(require('os').tmpdir() + '/n', '1'); console.log('done')"
    assert works(scene, "node", "-e", script, layers=layers) == "done\n"


def test_node_serves_itself_on_loopback(scene):
    script = (
        "const http = require('http'); const s = http.createServer((q, r) => r.end('hello'));"
        "s.listen(0, '127.0.0.1', () => http.get({port: s.address().port}, r =>"
        " r.on('data', d => { console.log(String(d)); s.close(); })));"
    )
    assert works(scene, "node", "-e", script) == "hello\n"


@BOTH
def test_go_builds_and_runs(scene, layers):
    if layers or scene.uid != os.geteuid():
        slow("without a cache, go compiles its library first")
    (scene.tree / "hello.go").write_text(
        'package main\nimport "fmt"\nfunc main() { fmt.Println("hello") }\n'
    )
    script = "go build -o hello hello.go && ./hello"
    said = works(scene, "sh", "-c", script, layers=layers, programs=["go"])
    assert said.endswith("hello\n")


@BOTH
def test_cargo_builds_offline(scene, layers):
    needs_own_home(scene, "cargo")
    crate = scene.tree / "crate"
    (crate / "src").mkdir(parents=True, exist_ok=True)
    (crate / "Cargo.toml").write_text(
        '[package]\nname = "crate"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n'
    )
    (crate / "src" / "main.rs").write_text('fn main() { println!("hello"); }\n')
    script = "cd crate && cargo run -q --offline"
    said = works(scene, "sh", "-c", script, layers=layers, programs=["cargo", "cc"])
    assert said == "hello\n"


@BOTH
def test_java_runs_a_source_file(scene, layers):
    (scene.tree / "H.java").write_text(
        "class H { public static void main(String[] a) throws Exception {\n"
        '  java.nio.file.Files.createTempFile("a", "b");\n'
        '  System.out.println("hello"); } }\n'
    )
    assert works(scene, "java", "H.java", layers=layers).endswith("hello\n")


PROCESSES = """
import multiprocessing, os, sys
def double(number): return number * 2
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        assert pool.map(double, [1, 2]) == [2, 4]
    with multiprocessing.Manager() as manager:
        assert manager.list([1])[0] == 1
    assert multiprocessing.Lock().acquire()
    print("done")
"""


def test_multiprocessing_has_pools_locks_and_managers(scene):
    (scene.tree / "processes.py").write_text(PROCESSES)
    assert works(scene, scene.python, "-I", "processes.py") == "done\n"


def test_a_terminal_can_be_opened(scene):
    script = "import pty, sys; sys.exit(pty.spawn(['true']))"
    works(scene, scene.python, "-I", "-c", script)


@BOTH
def test_users_hosts_certificates_and_times_are_known(scene, layers):
    script = (
        "import getpass, os, pwd, socket, ssl, time, zoneinfo\n"
        "assert ssl.create_default_context().cert_store_stats()['x509'] > 0\n"
        "assert socket.gethostbyname('localhost') == '127.0.0.1'\n"
        "assert pwd.getpwuid(0).pw_name == 'root'\n"
        "assert os.cpu_count() and os.urandom(4)\n"
    )
    works(scene, scene.python, "-I", "-c", script, layers=layers)


def test_the_home_stands_where_it_always_did_and_is_empty_and_private(scene):
    bounds = policy_for(scene)
    done = scene.run("sh", "-c", "echo $HOME; ls -A $HOME/.ssh; touch $HOME/x", bounds=bounds)
    assert done.output.splitlines()[0] == bounds["home"]
    assert "No such file" in done.output
    assert not Path(bounds["home"], "x").exists()


def test_tools_can_add_to_the_folders_around_what_is_shown_in_the_home(scene):
    cache = scene.home / ".cache"
    bounds = policy_for(scene) | {"caches": [str(cache / "one")], "home": str(scene.home)}
    (cache / "one").mkdir(parents=True)
    for folder in (cache, cache / "one"):
        os.chown(folder, scene.uid, scene.uid)
    script = 'cd "$1" && touch one/x && mkdir -p two && touch two/y ../z && echo done'
    outcome = scene.run("sh", "-c", script, "sh", str(cache), bounds=bounds)
    assert outcome.output == "done\n", outcome
    assert os.listdir(cache) == ["one"]
    assert os.listdir(cache / "one") == []


def test_a_tool_cannot_make_a_user_namespace_of_its_own(scene):
    assert scene.run("sh", "-c", "unshare -Ur true", bounds=policy_for(scene)).exit != 0
