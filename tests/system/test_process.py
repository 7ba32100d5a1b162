import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from codex_orchestrator.model.confinement import Confinement
from codex_orchestrator.model.errors import NotCheckedError, ServiceError
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.process import ProcessResult, run_process
from codex_orchestrator.system.sandbox.child import LAUNCHER
from codex_orchestrator.system.sandbox.orders import Orders, encode
from codex_orchestrator.system.sandbox.probe import Probe
from support.daemon import DAEMON
from support.workspace import ends, is_running, wait_for

LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux reaches beyond the process group"
)


def run(folder: Path, argv: list[str], **options) -> ProcessResult:
    options = {"timeout_s": 60, "log_path": folder / "log", "grace_s": 0.3} | options
    bounds = Confinement((str(folder),), environment=child_environment(os.environ))
    return run_process(argv, cwd=folder, bounds=bounds, layers=Probe(), **options)


def python(source: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", source]


def test_the_exit_code_and_both_outputs_are_reported(tmp_path):
    result = run(tmp_path, ["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert result.exit_code == 3
    assert (tmp_path / "log").read_bytes() == b"out\nerr\n"
    assert result.tail == "out\nerr\n"
    assert not result.is_timed_out
    assert result.problem == ""


def test_without_any_layer_too_home_and_temporary_files_are_private_and_gone_at_the_end(tmp_path):
    tools = ["sh", "-c", 'echo x > "$TMPDIR/a" && echo x > "$HOME/a" && echo "$HOME" "$TMPDIR"']
    result = run(tmp_path, tools)
    places = [Path(place) for place in result.tail.split()]
    assert len(set(places)) == 2
    assert Path(os.environ.get("HOME", "/root")) not in places
    assert not any(place.exists() for place in places)


def test_a_signal_is_a_negative_exit_code(tmp_path):
    assert run(tmp_path, ["sh", "-c", "kill -9 $$"]).exit_code == -9


def test_a_program_that_is_not_there_did_not_run(tmp_path):
    result = run(tmp_path, ["no-such-program-here"])
    assert result.exit_code is None
    assert result.problem == "'no-such-program-here' cannot be run: No such file or directory"


def test_a_file_that_may_not_be_executed_did_not_run(tmp_path):
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    result = run(tmp_path, ["./tool"])
    assert result.exit_code is None
    assert "Permission denied" in result.problem


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(NotCheckedError, match="cannot be started"):
        run_process(
            ["true"],
            cwd=tmp_path / "gone",
            bounds=Confinement(()),
            layers=Probe(),
            timeout_s=5,
            log_path=tmp_path / "log",
        )


def test_an_argument_with_a_nul_byte_is_refused(tmp_path):
    with pytest.raises(NotCheckedError, match="cannot be started"):
        run(tmp_path, ["echo", "a\0b"])


def test_arguments_are_not_read_by_a_shell(tmp_path):
    run(tmp_path, ["printf", "%s", "$(touch x) `touch y`; touch z"])
    assert (tmp_path / "log").read_text() == "$(touch x) `touch y`; touch z"
    assert os.listdir(tmp_path) == ["log"]


def test_there_is_no_input_to_wait_for(tmp_path):
    assert run(tmp_path, ["cat"]).exit_code == 0


def test_a_command_that_hangs_is_ended_at_its_limit(tmp_path):
    result = run(tmp_path, ["sh", "-c", "echo begun; sleep 600"], timeout_s=0.5)
    assert result.is_timed_out
    assert result.exit_code == -signal.SIGTERM
    assert result.tail == "begun\n"


def test_a_command_that_ignores_the_polite_signal_is_killed(tmp_path):
    result = run(tmp_path, ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], timeout_s=0.3)
    assert result.is_timed_out
    assert result.exit_code == -signal.SIGKILL


@LINUX
def test_a_daemon_that_the_command_leaves_is_gone_and_counted(tmp_path):
    result = run(tmp_path, python(DAEMON))
    assert result.exit_code == 0
    assert result.left_behind == 1
    assert not is_running(int((tmp_path / "pid").read_text()))


@LINUX
def test_a_daemon_is_gone_after_a_time_out_too(tmp_path):
    result = run(tmp_path, python(DAEMON + "time.sleep(600)"), timeout_s=1.5)
    assert result.is_timed_out
    assert not is_running(int((tmp_path / "pid").read_text()))


@LINUX
def test_many_orphans_that_keep_forking_are_gone(tmp_path):
    source = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(10):
    if os.fork() == 0:
        os.setsid()
        end = time.time() + 600
        while time.time() < end:
            if os.fork():
                os._exit(0)
            os.setsid()
            time.sleep(0.002)
"""
    result = run(tmp_path, python(source))
    assert result.exit_code == 0
    assert result.survivors == 0


def test_a_child_that_holds_the_output_open_does_not_hang_us(tmp_path):
    result = run(tmp_path, ["sh", "-c", "sleep 600 & echo done"])
    assert result.tail == "done\n"
    assert result.left_behind == 1


def test_an_event_stops_the_command(tmp_path):
    stop = threading.Event()

    def stop_once_it_printed() -> None:
        wait_for(tmp_path / "log")
        stop.set()

    watcher = threading.Thread(target=stop_once_it_printed)
    watcher.start()
    result = run(tmp_path, ["sh", "-c", "echo go; sleep 600"], stop=stop)
    watcher.join()
    assert result.is_stopped
    assert not result.is_timed_out


CALLER = """
import os, sys
from pathlib import Path
from codex_orchestrator.model.confinement import Confinement
from codex_orchestrator.system.process import run_process
from codex_orchestrator.system.sandbox.probe import Probe
run_process(
    ["sh", "-c", "echo $$ > child; exec sleep 600"], cwd=Path(sys.argv[1]),
    bounds=Confinement((sys.argv[1],), environment=dict(os.environ)), layers=Probe(),
    timeout_s=300, log_path=Path(sys.argv[1], "log"),
)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_command_does_not_outlive_a_caller_that_dies(number, tmp_path):
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(tmp_path)], stderr=subprocess.DEVNULL
    )
    child = int(wait_for(tmp_path / "child"))
    caller.send_signal(number)
    caller.wait(30)
    assert ends(child)


def test_for_a_caller_that_is_dead_before_it_hears_anything_nothing_is_run(tmp_path):
    reader, teller = os.pipe()
    os.close(reader)
    command = ["sh", "-c", "echo $$ > child; exec sleep 600"]
    with subprocess.Popen(
        [sys.executable, "-I", "-S", LAUNCHER, str(teller)],
        stdin=subprocess.PIPE,
        pass_fds=(teller,),
    ) as keeper:
        os.close(teller)
        orders = encode(Orders(frozenset(), tuple(command), str(tmp_path), grace_ms=300))
        keeper.stdin.write(b"%d\n%b" % (len(orders), orders))
        keeper.stdin.flush()
        keeper.wait(30)
    assert not (tmp_path / "child").exists()


def test_a_command_that_kills_its_keeper_has_no_exit_code(tmp_path):
    result = run(tmp_path, ["sh", "-c", "kill -9 $PPID; sleep 600"])
    assert result.exit_code is None
    assert result.problem == "how the command ended is not known"


def test_a_command_that_prints_more_than_it_may_is_ended(tmp_path):
    source = "import itertools\nfor n in itertools.count(): print(n)\n"
    result = run(tmp_path, python(source), max_output_bytes=1000)
    log = (tmp_path / "log").read_text()
    assert log.startswith("0\n1\n2\n")
    assert "[log cut here: " in log
    assert len(log) < 1200
    assert result.is_flooded
    assert not result.is_timed_out


def test_a_command_that_printed_too_much_at_its_end_is_told_as_well(tmp_path):
    result = run(tmp_path, python("print('x' * 2000)"), max_output_bytes=1000)
    assert result.is_flooded


def test_a_command_may_print_all_that_it_may(tmp_path):
    result = run(tmp_path, python("print('x' * 999)"), max_output_bytes=1000)
    assert (result.exit_code, result.is_flooded) == (0, False)


def test_the_tail_obeys_no_terminal_code_and_no_broken_text(tmp_path):
    source = r"""
import os
os.write(1, b"\x1b[31mred\x1b[0m \x1b]0;title\x07 caf\xe9 \xe2\x80\xaeabc\r\nend\n")
"""
    assert run(tmp_path, python(source)).tail == "red  caf\ufffd abc\nend\n"


def test_a_secret_is_masked_across_writes_and_in_a_line_without_end(tmp_path):
    secret = b"s3cret-value-123"
    source = """
import os, time
os.write(1, b"a s3cret-va"); time.sleep(0.1); os.write(1, b"lue-123 b\\n")
os.write(1, b"x" * 65530 + b"s3cret-va"); time.sleep(0.1); os.write(1, b"lue-123" + b"y" * 70000)
"""
    result = run(tmp_path, python(source), redact=lambda data: data.replace(secret, b"***"))
    log = (tmp_path / "log").read_bytes()
    assert secret not in log
    assert log.count(b"***") == 2
    assert log.replace(b"***", b"") == b"a  b\n" + b"x" * 65530 + b"y" * 70000
    assert secret.decode() not in result.tail


def test_a_log_is_private_and_never_written_over(tmp_path):
    run(tmp_path, ["true"])
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ServiceError, match="log cannot be written: File exists"):
        run(tmp_path, ["true"])


def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path):
    (tmp_path / "log").symlink_to(tmp_path / "victim")
    with pytest.raises(ServiceError, match="cannot be written"):
        run(tmp_path, ["true"])
    assert not (tmp_path / "victim").exists()


def test_a_full_disk_ends_the_command_and_names_the_log(tmp_path, small_disk):
    source = """
import os, time
open("child", "w").write(str(os.getpid()))
for _ in range(20):
    os.write(1, b"x" * 9999 + b"\\n")
time.sleep(600)
"""
    with pytest.raises(ServiceError, match=r"disk/log: the log cannot be written: No space left"):
        run(tmp_path, python(source), log_path=small_disk / "log")
    assert ends(int((tmp_path / "child").read_text()))


def test_a_log_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(ServiceError, match="/dev/full/log: the log cannot be written: Not a dir"):
        run(tmp_path, ["true"], log_path=Path("/dev/full/log"))
