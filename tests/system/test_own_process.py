"""What a process of ours shows to others of the same user, and what it still has afterwards."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codex_orchestrator.system.own_process import hand_over, import_first

CANARY = "sk-canary-0123456789"
GIVEN = {"OPENAI_API_KEY": CANARY, "PLAIN": "plain value\nof two lines", "HOME": "/nowhere"}
CLOSE = """
import os, sys
from codex_orchestrator.system.own_process import close_own_process
closed = close_own_process(needs_secrets=NEEDS)
"""
WAIT = """
print(os.getpid(), flush=True)
sys.stdin.read()
"""


def start(code: str, *arguments: str, needs: bool = True, **options: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", CLOSE.replace("NEEDS", str(needs)) + code, *arguments],
        env={"PATH": "/usr/bin:/bin"} | GIVEN,
        **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True} | options,
    )


def shown(process: int) -> bytes:
    """Return what the kernel tells about the variables and arguments of a process."""
    seen = Path(f"/proc/{process}/cmdline").read_bytes()
    try:
        return seen + Path(f"/proc/{process}/environ").read_bytes()
    except PermissionError:  # for an ordinary user
        return seen


def test_the_block_that_the_kernel_shows_holds_no_secret() -> None:
    with start(WAIT) as process:
        assert process.stdout.readline()
        seen = shown(process.pid)
        process.communicate()
    assert CANARY.encode() not in seen
    assert b"PLAIN" not in seen
    assert process.returncode == 0


def test_no_descriptor_with_the_variables_stays_open() -> None:
    with start("print(os.listdir('/proc/self/fd'), flush=True)\n") as process:
        out, _ = process.communicate()
    assert len(out.split(",")) == 4, out  # the standard streams and the listing itself


def test_every_variable_argument_and_byte_of_input_is_there_afterwards() -> None:
    code = (
        "print(os.environ['OPENAI_API_KEY'], os.environ['PLAIN'], sys.argv[1:], sys.stdin.read())"
    )
    with start(code + "\nsys.exit(7)", "a b", "-x", "") as process:
        out, _ = process.communicate("what was given")
    assert out.strip() == f"{CANARY} {GIVEN['PLAIN']} ['a b', '-x', ''] what was given"
    assert process.returncode == 7


def test_a_process_that_needs_no_secret_has_none() -> None:
    with start("print(sorted(set(os.environ)))", needs=False) as process:
        out, _ = process.communicate()
    assert "PLAIN" in out
    assert "OPENAI_API_KEY" not in out


def test_a_descriptor_that_was_given_stays_open() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"the key")
    os.close(writer)
    with start("print(os.read(int(sys.argv[1]), 99))", str(reader), pass_fds=[reader]) as process:
        out, _ = process.communicate()
    os.close(reader)
    assert out.strip() == "b'the key'"


def test_a_closed_standard_input_does_not_become_the_variables() -> None:
    code = CLOSE.replace("NEEDS", "True") + "print(sys.stdin is None or sys.stdin.read())"
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" 0<&-', "sh", sys.executable, "-c", code],
        env={"PATH": "/usr/bin:/bin"} | GIVEN, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout.strip(), done.returncode) == ("True", 0), done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_process_as_before(number: signal.Signals) -> None:
    with start(WAIT, stderr=subprocess.DEVNULL) as process:
        assert process.stdout.readline()
        process.send_signal(number)
        assert process.wait(60) == -number


def test_relative_entries_of_the_path_are_dropped() -> None:
    code = "print(os.environ['PATH'])"
    with subprocess.Popen(
        [sys.executable, "-c", CLOSE.replace("NEEDS", "True") + code],
        env={"PATH": "bin::/usr/bin:.:/bin:"}, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        out, _ = process.communicate()
    assert out.strip() == "/usr/bin:/bin"


def test_without_memory_files_the_variables_travel_through_a_socket() -> None:
    code = "import os\ndel os.memfd_create\n" + CLOSE.replace("NEEDS", "True")
    code += "print(len(os.environ['LARGE']), os.environ['OPENAI_API_KEY'])"
    large = {"LARGE": "x" * 60_000}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/usr/bin:/bin"} | GIVEN | large, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["60000", CANARY], done.stderr


def test_variables_that_cannot_be_handed_over_stay_and_that_is_said() -> None:
    code = "import os, socket\ndel os.memfd_create\n"
    code += "def refused():\n    raise OSError('no descriptors are left')\n"
    code += "socket.socketpair = refused\n" + CLOSE.replace("NEEDS", "True")
    code += "print(closed, os.environ['OPENAI_API_KEY'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/usr/bin:/bin"} | GIVEN, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["False", CANARY], done.stderr


@pytest.mark.parametrize("given", ["99", "x", "-1", "9" * 40])
def test_a_descriptor_that_holds_no_variables_is_wrong_input(given: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "codex_orchestrator", "run"],
        env={"PATH": "/usr/bin:/bin", "CODEX_ORCHESTRATOR_VARIABLES_FD": given},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "CODEX_ORCHESTRATOR_VARIABLES_FD" in done.stderr


def test_a_child_of_ours_gets_its_variables_without_showing_them() -> None:
    environment, descriptor = hand_over({"PATH": "rel:/usr/bin:/bin", "MY_PAT": CANARY} | GIVEN)
    assert CANARY not in str(environment)
    assert environment["PATH"] == "/usr/bin:/bin"
    with subprocess.Popen(
        [sys.executable, "-c", CLOSE.replace("NEEDS", "True") + "print(os.environ['MY_PAT'])"],
        env=environment, pass_fds=[descriptor], stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.close(descriptor)
        out, _ = process.communicate()
    assert out.strip() == CANARY


def test_every_module_of_a_package_is_loaded_and_a_missing_extra_is_no_error() -> None:
    import_first("codex_orchestrator.text", "a_package_that_is_not_installed")
    assert "codex_orchestrator.text.diff" in sys.modules
