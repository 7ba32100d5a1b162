"""What the hook runs goes past Click, and says and returns what every other call does."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.guard_repo import GOOD, GuardRepo, days_ago, spec

CONFIG = ".codex-orchestrator.toml"
WAYS = ("guard", "guard --staged")
Said = tuple[int, bytes, bytes]


def say(repo: GuardRepo, words: str, *, cwd: Path | None = None, **env: str) -> Said:
    """Run a shell line, where streams can be closed and filled; return exit code and output."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m codex_orchestrator {words}', sys.executable],
        cwd=cwd or repo.root,
        env={**repo.env, **env},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def say_both_ways(repo: GuardRepo, streams: str = "", **given: object) -> Said:
    short, long = (say(repo, f"{way} {streams}", **given) for way in WAYS)  # type: ignore[arg-type]
    assert short == long
    return short


def test_a_change_that_passes_gets_the_same_bytes_both_ways(repo: GuardRepo) -> None:
    repo.commit({GOOD: spec(review=time.strftime("%Y-%m-%d"))})
    repo.stage({"src/a.py": "x = 2\n"})
    code, out, err = say_both_ways(repo)
    assert (code, out) == (0, b"")
    assert err.startswith(b"spec guard: passed: 0 errors")


def test_a_change_that_fails_gets_the_same_bytes_both_ways(repo: GuardRepo) -> None:
    repo.stage({GOOD: spec(review=days_ago(400)), "src/ä\u202e.py": "x = 2\n", "app/b.py": "x\n"})
    code, out, err = say_both_ways(repo)
    assert code == 1
    assert b"SPEC001" in out
    assert "src/ä\\u202e.py".encode() in out
    assert err.startswith(b"spec guard: failed: ")


def test_a_stream_that_holds_no_unicode_gets_the_same_bytes_both_ways(repo: GuardRepo) -> None:
    repo.stage({"app/ä.py": "x = 2\n"})
    code, out, _ = say_both_ways(repo, PYTHONIOENCODING="ascii")
    assert code == 1
    assert "app/ä.py: error SPEC001".encode() in out


def test_a_folder_without_a_repository_is_the_same_error_both_ways(
    repo: GuardRepo, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = say_both_ways(repo, cwd=tmp_path / "empty")
    assert (code, out) == (2, b"")
    assert b"not inside the work tree of a git repository" in err
    assert b"  fix: " in err


def test_a_broken_configuration_is_the_same_error_both_ways(repo: GuardRepo) -> None:
    repo.commit({CONFIG: "[guard]\nmax_age = 3\n"})
    repo.stage({"src/a.py": "x = 2\n"})
    code, out, err = say_both_ways(repo)
    assert (code, out) == (2, b"")
    assert b"max_age_days" in err


def test_a_repository_that_git_refuses_is_not_checked_both_ways(repo: GuardRepo) -> None:
    (repo.root / ".git/HEAD").write_text("garbage\n")
    code, out, err = say_both_ways(repo)
    assert code == 3
    assert b"GUARD001" in out
    assert err == b"spec guard: not checked\n"


@pytest.mark.parametrize("words", [*WAYS, "guard rules", "--help"])
def test_a_closed_stdout_is_a_usage_error_and_no_traceback(repo: GuardRepo, words: str) -> None:
    code, _, err = say(repo, f"{words} >&-")
    assert code == 2
    assert err.startswith(b"codex-orchestrator: error: standard output is closed\n")


@pytest.mark.parametrize("streams", ["2>&-", "<&-", "<&- 2>&-"])
def test_other_closed_streams_change_no_exit_code_and_no_result(
    repo: GuardRepo, streams: str
) -> None:
    repo.stage({"app/b.py": "x\n"})
    code, out, _ = say_both_ways(repo, streams)
    assert (code, out) == say_both_ways(repo)[:2]
    assert code == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_findings_that_cannot_be_written_are_the_same_error_both_ways(repo: GuardRepo) -> None:
    repo.stage({"app/b.py": "x\n"})
    code, _, err = say_both_ways(repo, ">/dev/full")
    assert code == 4
    assert b"No space left on device" in err


@pytest.mark.parametrize("way", WAYS)
def test_a_reader_that_goes_away_is_no_finding(repo: GuardRepo, way: str) -> None:
    repo.stage({"app/b.py": "x\n"})
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "codex_orchestrator", *way.split()],
        cwd=repo.root,
        env=repo.env,
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert done.returncode == 130
    assert b"Traceback" not in done.stderr


def is_asleep(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def interrupt(repo: GuardRepo, way: str, folder: Path) -> Said:
    """Press Ctrl-C while git is at work."""
    folder.mkdir()
    slow, started = folder / "git", folder / "started"
    slow.write_text(f"#!/bin/sh\n: > {started}\nexec sleep 100\n")
    slow.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", "codex_orchestrator", *way.split()],
        cwd=repo.root,
        env={**repo.env, "PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        # Until it waits for git: an interrupt in the middle of an `eval`, as NamedTuple calls it,
        # ends Python itself by the signal, however it is handled.
        while not started.exists() or not is_asleep(process.pid):
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate()
    return process.returncode, out, err


def test_ctrl_c_is_the_same_interruption_both_ways(repo: GuardRepo, tmp_path: Path) -> None:
    short = interrupt(repo, WAYS[0], tmp_path / "short")
    assert short == interrupt(repo, WAYS[1], tmp_path / "long")
    assert short == (130, b"", b"\ncodex-orchestrator: error: interrupted\n")


def test_a_bug_leaves_the_same_report_both_ways(repo: GuardRepo, tmp_path: Path) -> None:
    site, reports = tmp_path / "site", tmp_path / "reports"
    (site / "acme-1.dist-info").mkdir(parents=True)
    reports.mkdir()
    (site / "acme-1.dist-info/METADATA").write_text("Name: acme\nVersion: 1\n")
    (site / "acme-1.dist-info/entry_points.txt").write_text(
        "[codex_orchestrator.guard_rules]\nacme = acme:rule\n"
    )
    (site / "acme.py").write_text("def rule():\n    raise RuntimeError('nobody thought of this')\n")
    repo.commit({CONFIG: '[guard]\nplugins = ["acme"]\n'})
    repo.stage({"src/a.py": "x = 2\n"})

    def run(way: str) -> tuple[int, bytes, str]:
        code, out, err = say(repo, way, PYTHONPATH=str(site), TMPDIR=str(reports))
        return code, out, re.sub(r"bug-\S+\.txt", "bug-NAME.txt", err.decode())

    short = run(WAYS[0])
    assert short == run(WAYS[1])
    assert (short[0], short[1]) == (70, b"")
    assert "a bug of ours: RuntimeError; report written to" in short[2]
    assert all("nobody thought of this" in place.read_text() for place in reports.iterdir())
    assert len(list(reports.iterdir())) == 2


def test_the_hooks_way_meets_no_click_and_every_option_does(repo: GuardRepo) -> None:
    probe = (
        "import sys; from codex_orchestrator.cli.app import run; "
        "code = run(sys.argv[1:]); print(code, 'click' in sys.modules)"
    )

    def meets(*words: str) -> str:
        argv = [sys.executable, "-c", probe, "guard", *words]
        done = subprocess.run(
            argv, cwd=repo.root, env=repo.env, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()[-1]

    repo.stage({"src/a.py": "x = 2\n", GOOD: spec(review=time.strftime("%Y-%m-%d"))})
    assert meets() == "0 False"
    assert meets("--staged") == "0 True"
    assert meets("--nonsense") == "2 True"
