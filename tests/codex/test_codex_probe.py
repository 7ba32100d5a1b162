"""The probes of Codex: what works, and the fix for what does not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codex_orchestrator.codex.binary import (
    CodexBinary,
    find_codex,
    require_tested,
    supported_range,
)
from codex_orchestrator.codex.private_home import private_home
from codex_orchestrator.codex.probe import probe_codex, probe_sandbox
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.model.errors import InputError, MissingExtraError, NotCheckedError
from codex_orchestrator.model.probe import Probe
from support.codex_cloud_server import chatgpt_sign_in
from support.missing import missing

NO_SANDBOX = """
import sys
from codex_orchestrator.codex.binary import find_codex
from codex_orchestrator.codex.private_home import private_home
from codex_orchestrator.codex.probe import probe_sandbox
with private_home() as home:
    print(*probe_sandbox(find_codex(sys.argv[1]), home), sep="\\n")
"""


def stub(folder: Path, script: str) -> str:
    path = folder / "codex"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def by_name(probes: tuple[Probe, ...]) -> dict[str, Probe]:
    return {probe.name: probe for probe in probes}


def test_the_real_codex_answers_and_its_sandbox_holds(codex_binary: CodexBinary) -> None:
    probes = by_name(probe_codex(codex_path=codex_binary.path))
    assert list(probes) == [
        "codex",
        "codex app-server",
        "codex sandbox",
        "codex cloud",
        "codex cloud sign-in",
    ]
    assert probes["codex"].works
    assert codex_binary.version in probes["codex"].detail
    assert codex_binary.version in probes["codex app-server"].detail
    assert probes["codex sandbox"] == Probe(
        "codex sandbox", "works", "starts, and keeps a command from writing"
    )
    assert probes["codex cloud"].works
    assert not probes["codex cloud sign-in"].works
    assert "codex login" in probes["codex cloud sign-in"].fix


def test_a_cloud_sign_in_is_seen_but_not_used(codex_binary: CodexBinary) -> None:
    auth = Secret(chatgpt_sign_in(), scope=Scope.CLOUD)
    probe = by_name(probe_codex(codex_path=codex_binary.path, auth=auth))["codex cloud sign-in"]
    assert probe.works
    assert "not asked" in probe.detail


def test_where_no_namespace_can_be_made_the_sandbox_probe_fails(codex_binary: CodexBinary) -> None:
    if shutil.which("unshare") is None:
        missing("no `unshare` to take the namespaces away with")
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    inside = ["unshare", "--user", "--map-root-user", "sh", "-c", forbid, "sh"]
    trial = subprocess.run([*inside, "true"], capture_output=True, check=False)
    if trial.returncode:
        missing(f"no user namespace to forbid further ones in: {trial.stderr!r}")
    argv = [*inside, sys.executable, "-c", NO_SANDBOX, codex_binary.path]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    name, state, detail, fix, _ = done.stdout.splitlines()
    assert (name, state) == ("codex sandbox", "missing")
    assert "namespace" in detail
    assert "unprivileged_userns" in fix


def test_a_sandbox_that_lets_writes_through_is_none(tmp_path: Path) -> None:
    leaky = stub(tmp_path, 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"')
    with private_home() as home:
        probe = probe_sandbox(CodexBinary(leaky, "0.163.0"), home)
    assert (probe.works, probe.detail) == (False, "lets commands write")


def test_the_probes_stop_at_a_codex_that_is_not_tested(tmp_path: Path) -> None:
    (probe,) = probe_codex(codex_path=stub(tmp_path, "echo codex-cli 0.153.4"))
    assert not probe.works
    assert "0.153.4" in probe.detail
    assert supported_range() in probe.detail
    assert "pip install" in probe.fix


def test_a_codex_without_app_server_and_cloud_says_so(tmp_path: Path) -> None:
    path = stub(
        tmp_path, 'case "$*" in *--version*) echo codex-cli 0.164.0;; *) echo no >&2; exit 2;; esac'
    )
    probes = by_name(probe_codex(codex_path=path))
    assert [name for name, probe in probes.items() if probe.works] == ["codex"]
    assert all(probe.fix for probe in probes.values() if not probe.works)


@pytest.mark.parametrize(
    ("version", "tested"),
    [
        ("0.163.0", True),
        ("0.169.0", True),
        ("0.169.9-alpha.1", True),
        ("0.162.9", False),
        ("0.170.0", False),
        ("1.0.0", False),
    ],
)
def test_a_version_is_tested_or_refused(version: str, tested: bool) -> None:
    binary = CodexBinary("codex", version)
    assert binary.is_tested is tested
    if not tested:
        with pytest.raises(NotCheckedError, match=r"tested with >=0\.163\.0,<0\.170\.0"):
            require_tested(binary)


def test_a_configured_path_must_be_a_program(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"codex\.path"):
        find_codex(str(tmp_path / "missing"))


def test_a_program_that_is_no_codex_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(NotCheckedError, match="does not name a Codex version"):
        find_codex(stub(tmp_path, "echo hello"))


def test_a_file_that_does_not_run_is_not_used(tmp_path: Path) -> None:
    broken = tmp_path / "codex"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    with pytest.raises(NotCheckedError, match="does not run"):
        find_codex(str(broken))


def test_without_the_package_codex_is_looked_for_on_the_path(tmp_path: Path) -> None:
    # -S: without site-packages there is no bundled binary.
    stub(tmp_path, "echo codex-cli 0.165.2")
    source = Path(find_codex.__code__.co_filename).parents[2]
    program = "from codex_orchestrator.codex.binary import find_codex; print(find_codex())"
    outcomes = []
    for place in (tmp_path, tmp_path / "empty"):
        done = subprocess.run(
            [sys.executable, "-S", "-c", program],
            env={"PYTHONPATH": str(source), "PATH": f"{place}{os.pathsep}/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        outcomes.append(done.stdout.strip() or done.stderr.strip().splitlines()[-1])
    assert "version='0.165.2'" in outcomes[0]
    assert MissingExtraError.__name__ in outcomes[1]
