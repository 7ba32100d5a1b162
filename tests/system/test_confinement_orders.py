"""Orders and plans: what a caller asks for becomes what the launcher is told, byte by byte."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.model.confinement import Confinement, GitPlaces, Limits, Network
from codex_orchestrator.model.confinement_policy import confine_check
from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.system.sandbox import orders
from codex_orchestrator.system.sandbox.child import LAUNCHER, Child
from codex_orchestrator.system.sandbox.orders import Orders, decode, encode
from codex_orchestrator.system.sandbox.plan import make_orders, program_places
from codex_orchestrator.system.sandbox.probe import Probe
from support.workspace import git, make_repository

ALL = Probe(frozenset(orders.PROBED), {}, 7)
TEXT = st.binary(max_size=30).filter(lambda data: b"\0" not in data).map(os.fsdecode)
PATHS = st.lists(TEXT, max_size=3).map(tuple)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)


@given(
    PATHS,
    PATHS,
    PAIRS,
    PAIRS,
    TEXT,
    st.dictionaries(st.sampled_from(["files", "cpu_s"]), st.integers(0, 2**62)),
)
def test_orders_come_out_as_they_went_in(argv, write, environment, files, home, limits):
    sent = Orders(
        frozenset({orders.USER, orders.SECCOMP}),
        argv=argv,
        write=write,
        environment=environment,
        files=files,
        home=home,
        limits=limits,
    )
    assert decode(encode(sent)) == sent


def test_a_nul_byte_cannot_smuggle_in_another_order():
    with pytest.raises(ValueError, match="null byte"):
        encode(Orders(frozenset(), argv=("echo", "a\0layer=x")))
    with pytest.raises(NotCheckedError, match="'echo' cannot be started"):
        Child(Orders(frozenset(), argv=("echo", "a\0b")))


def planned(folder: Path, argv=("true",), **bounds) -> Orders:
    bounds = {"write": (str(folder / "tree"),)} | bounds
    (folder / "tree").mkdir(exist_ok=True)
    return make_orders(
        Confinement(**bounds), ALL, argv, cwd=str(folder / "tree"), scratch=str(folder / "scratch")
    )


def test_links_on_the_way_to_a_path_are_made_again_and_its_target_is_given(tmp_path):
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "hop").symlink_to(tmp_path / "real" / "deep")
    made = planned(tmp_path, read=(str(tmp_path / "link" / "hop"),))
    assert str(tmp_path / "real" / "deep") in made.read
    assert (str(tmp_path / "link"), "real") in made.links
    assert (str(tmp_path / "real" / "hop"), str(tmp_path / "real" / "deep")) in made.links


def test_a_circle_of_links_ends(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    made = planned(tmp_path, read=(str(tmp_path / "a" / "x"),))
    assert str(tmp_path / "a" / "x") not in made.read


def test_paths_that_are_not_there_are_left_out_and_those_below_others_are_given_once(tmp_path):
    (tmp_path / "read" / "below").mkdir(parents=True)
    read = (str(tmp_path / "read" / "below"), str(tmp_path / "read"), str(tmp_path / "gone"))
    made = planned(tmp_path, read=(*read, "/usr/bin"))
    assert made.read == (str(tmp_path / "read"),)


def test_a_tool_of_the_checkout_does_not_open_the_checkout_to_its_work_trees(tmp_path):
    make_repository(tmp_path / "main", {"bin/tool": "#!/bin/sh\n"})
    git(tmp_path / "main", "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    main = str(tmp_path / "main")
    own = f"{main}/.git/worktrees/tree"
    places = GitPlaces(str(tmp_path / "tree"), own, f"{main}/.git")
    made = planned(tmp_path, read=(f"{main}/bin", main, str(tmp_path)), git=places)
    assert f"{main}/bin" in made.read
    assert not {main, str(tmp_path)} & {*made.read}


@pytest.mark.parametrize(
    "place", ["home", "link", ""], ids=["the home", "a link to it", "above it"]
)
def test_a_program_or_path_entry_right_in_the_home_does_not_open_the_home(tmp_path, place):
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    (tmp_path / "home" / "bin").mkdir()
    (tmp_path / "link").symlink_to("home")
    home, given = str(tmp_path / "home"), str(tmp_path / place)
    for wanted_home in (home, str(tmp_path / "link")):
        made = planned(tmp_path, read=(given, f"{home}/bin"), caches=(given,), home=wanted_home)
        assert f"{home}/bin" in made.read
        assert not {home, str(tmp_path)} & {*made.read, *made.copy}


def test_names_are_looked_up_by_the_file_that_the_systems_one_leads_to(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "stub.conf").touch()
    (tmp_path / "resolv.conf").symlink_to("run/stub.conf")
    made = planned(tmp_path, read=(str(tmp_path / "resolv.conf"),), network=Network.OPEN)
    assert made.read == (str(tmp_path / "run" / "stub.conf"),)
    assert (str(tmp_path / "resolv.conf"), "run/stub.conf") in made.links


def test_an_open_network_is_no_namespace(tmp_path):
    assert orders.NET not in planned(tmp_path, network=Network.OPEN).layers


@pytest.mark.parametrize("home", ["", "/", "relative", "/tmp", "/usr"])
def test_a_home_that_cannot_be_replaced_gets_another_place(tmp_path, home):
    assert planned(tmp_path, home=home).home == ""


def test_a_limit_of_nothing_is_no_limit(tmp_path):
    made = planned(tmp_path, limits=Limits(processes=0, files=7))
    assert "processes" not in made.limits
    assert made.limits["files"] == 7


def test_the_program_is_named_without_detours_but_keeps_its_own_name(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").symlink_to("/usr/bin/env")
    made = planned(tmp_path, argv=(str(tmp_path / "tree" / ".." / "bin" / "tool"), "x"))
    assert made.argv == (str(tmp_path / "bin" / "tool"), "x")


def test_a_program_is_found_where_it_lies_and_where_it_leads(tmp_path):
    (tmp_path / "shims").mkdir()
    (tmp_path / "tool" / "bin").mkdir(parents=True)
    program = tmp_path / "tool" / "bin" / "tool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "shims" / "tool").symlink_to(program)
    assert program_places("tool", path=str(tmp_path / "shims"), cwd="/w") == (
        str(tmp_path / "shims"),
        str(tmp_path / "tool" / "bin"),
    )
    assert program_places("no-such-program", path="/usr/bin", cwd="/w") == ()


@pytest.fixture
def keys(tmp_path):
    """A folder with a program, and a key beside it."""
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "key").touch()
    (folder / "tool").write_text("#!/bin/sh\n")
    (folder / "tool").chmod(0o755)
    return folder


@pytest.mark.parametrize("name", ["./check", "sub/../check", "{tree}/check"])
def test_a_program_of_the_tree_opens_nothing_wherever_it_leads(tmp_path, keys, monkeypatch, name):
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "ours").mkdir()
    for folder in ("tree", "ours"):
        (tmp_path / folder / "check").symlink_to(keys / "tool")
    monkeypatch.chdir(tmp_path / "ours")
    tree = str(tmp_path / "tree")
    assert program_places(name.format(tree=tree), path="/usr/bin", cwd=tree) == ()


def test_a_program_is_looked_up_from_where_the_command_runs(tmp_path, keys, monkeypatch):
    (tmp_path / "tree").mkdir()
    monkeypatch.chdir(tmp_path)
    assert program_places("keys/tool", path="", cwd=str(tmp_path / "tree")) == ()
    found = program_places("../keys/tool", path="", cwd=str(tmp_path / "tree"))
    assert found == (str(keys / "tool"),)


def test_a_link_to_a_program_opens_that_file_and_not_what_lies_beside_it(tmp_path, keys):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").symlink_to(keys / "tool")
    found = program_places("tool", path=str(tmp_path / "bin"), cwd="/w")
    assert found == (str(tmp_path / "bin"), str(keys / "tool"))


def test_the_virtual_environment_of_an_interpreter_is_one_of_its_places(tmp_path):
    home = tmp_path / "home"
    (home / "venv/bin").mkdir(parents=True)
    (home / "venv/bin/python").symlink_to("/bin/sh")
    path = str(home / "venv/bin/python")
    assert str(home / "venv") not in program_places(path, path="", cwd="/w")
    (home / "venv/pyvenv.cfg").touch()
    assert str(home / "venv") in program_places(path, path="", cwd="/w")
    made = confine_check(
        tree="/w",
        log_folder="",
        environ={"HOME": str(home)},
        programs=program_places(path, path="", cwd="/w"),
    )
    assert str(home / "venv") in made.read


def test_values_of_the_environment_are_not_shown_with_the_bounds():
    assert "canary" not in repr(Confinement((), environment={"TOKEN": "canary"}))


def test_the_launcher_needs_nothing_but_the_standard_library_and_little_of_it():
    data = encode(Orders(frozenset(), argv=("true",))).decode()
    done = subprocess.run(
        # The report goes to standard error, too; the end of standard input ends the child.
        [sys.executable, "-I", "-S", "-X", "importtime", LAUNCHER, "2"],
        env={},
        input=f"{len(data)}\n{data}",
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    heavy = {"typing", "collections", "enum", "re", "json", "signal", "socket", "subprocess"}
    assert "codex_orchestrator.system.sandbox.reaping" in loaded
    assert not heavy & loaded
    ours = {name for name in loaded if name.startswith("codex_orchestrator")}
    assert {name for name in ours if not name.startswith("codex_orchestrator.system.sandbox")} == {
        "codex_orchestrator",
        "codex_orchestrator.system",
        # `NamedTuple` without `typing` and `collections`.
        "codex_orchestrator.text",
        "codex_orchestrator.text.lean_typing",
    }
    assert os.path.isabs(LAUNCHER)
