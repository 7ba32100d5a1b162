"""The parts of the Codex room that need no Codex: settings, homes, keys, retries, failures."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.codex.failure import failure_of_turn
from codex_orchestrator.codex.hardening import (
    HARDENING,
    codex_environment,
    provider_settings,
    turn_sandbox,
)
from codex_orchestrator.codex.key_channel import offer_key, read_key, take_key
from codex_orchestrator.codex.launch import bridge_launch
from codex_orchestrator.codex.private_home import MEMORY, private_home
from codex_orchestrator.codex.retry import GO_ON, RetryPlan, run_with_retries
from codex_orchestrator.codex.turn import TurnLog
from codex_orchestrator.model.codex_call import (
    Failure,
    FailureCode,
    RunCommand,
    TouchedFile,
    TurnReport,
    TurnUsage,
)
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.model.engine import ModelEndpoint
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.model.server import BridgeRequest

KEY = Secret("sk-canary-small", scope=Scope.MODEL)
TAKE = (
    "import sys; from codex_orchestrator.codex.key_channel import take_key; "
    "print(take_key(sys.argv[1]).reveal())"
)
OFFER = (
    "import sys; from codex_orchestrator.codex.key_channel import offer_key; "
    "from codex_orchestrator.model.credential import Scope, Secret\n"
    "with offer_key(Secret('k', scope=Scope.MODEL)) as path: print(path, flush=True); input()"
)


def test_every_setting_is_toml() -> None:
    settings = tomllib.loads(
        "\n".join([*HARDENING, *provider_settings("http://127.0.0.1:1/v1", has_key=True)])
    )
    assert settings["features"]["unbounded_connection_retries"] is False
    assert settings["cli_auth_credentials_store"] == "ephemeral"
    assert settings["project_doc_max_bytes"] == 0


@given(st.text(max_size=40))
def test_an_address_never_becomes_another_setting(text: str) -> None:
    address = f"https://host/{text}"
    try:
        settings = tomllib.loads("\n".join(provider_settings(address, has_key=False)))
    except InputError:
        return
    assert settings["model_providers"]["orchestrator"]["base_url"] == address
    assert list(settings) == ["model_provider", "model_providers"]


@pytest.mark.parametrize(
    "address",
    ["", "ftp://x/v1", "file:///etc/passwd", "https://", "x", "https://[", "https://ä/v1"],
)
def test_only_http_addresses_are_taken(address: str) -> None:
    with pytest.raises(InputError, match=r"model\.base_url"):
        provider_settings(address, has_key=True)


def test_a_child_inherits_a_short_list_and_nothing_else() -> None:
    ambient = {"PATH": "/p", "OPENAI_API_KEY": "k", "HOME": "/root", "HTTPS_PROXY": "http://p"}
    assert codex_environment(ambient, home="/h", CODEX_HOME="/c") == {
        "PATH": "/p",
        "HTTPS_PROXY": "http://p",
        "HOME": "/h",
        "RUST_BACKTRACE": "0",
        "CODEX_HOME": "/c",
    }


@pytest.mark.parametrize("sandbox", ["read-only", "workspace-write"])
def test_no_sandbox_has_network(sandbox: str) -> None:
    assert turn_sandbox(sandbox)["networkAccess"] is False


def test_a_private_home_is_private_and_goes_away(tmp_path: Path) -> None:
    with private_home(memory=tmp_path) as home:
        assert [stat.S_IMODE(folder.stat().st_mode) for folder in home] == [0o700] * 3
        assert home.codex.is_relative_to(tmp_path)
        assert list(home.home.iterdir()) == []
        (home.codex / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []
    assert not home.temp.parent.exists()


def test_a_home_that_is_in_use_is_left_alone_and_a_dead_one_is_removed(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; "
        "from codex_orchestrator.codex.private_home import MEMORY, private_home\n"
        "with private_home(memory=Path(sys.argv[1])): os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    (dead,) = tmp_path.iterdir()
    (tmp_path / "codex-orchestrator-home-stranger").mkdir()
    with private_home(memory=tmp_path) as first:
        assert not dead.exists()
        with private_home(memory=tmp_path) as second:
            assert first.codex.is_dir()
            assert second.codex.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["codex-orchestrator-home-stranger"]


def test_without_a_memory_file_system_the_home_lies_on_disk(tmp_path: Path) -> None:
    with private_home(memory=tmp_path / "missing") as home:
        assert home.codex.is_dir()
        assert not home.codex.is_relative_to(MEMORY)


def test_a_child_takes_the_key_once() -> None:
    with offer_key(KEY) as path:
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        argv = [sys.executable, "-c", TAKE, str(path)]
        taken = subprocess.run(argv, capture_output=True, text=True, check=True)
        assert taken.stdout.strip() == KEY.reveal()
        again = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert again.returncode != 0
        assert KEY.reveal() not in again.stdout + again.stderr
    assert not path.parent.exists()


def test_whoever_is_no_child_gets_no_key_and_takes_none_away() -> None:
    with offer_key(KEY) as path:
        with pytest.raises(NotCheckedError, match="gave no key"):
            take_key(str(path))
        argv = [sys.executable, "-c", TAKE, str(path)]
        assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def test_a_key_is_offered_where_temporary_folders_have_long_names(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    environment = {**os.environ, "TMPDIR": str(deep), "XDG_RUNTIME_DIR": str(deep)}
    argv = [sys.executable, "-c", OFFER]
    done = subprocess.run(
        argv, env=environment, input="\n", capture_output=True, text=True, check=True
    )
    path = Path(done.stdout.strip())
    assert path.name == "key"
    assert not path.is_relative_to(tmp_path)
    assert not path.parent.exists()


def test_a_key_that_nobody_takes_is_withdrawn() -> None:
    with offer_key(KEY) as path:
        pass
    with pytest.raises(NotCheckedError, match="no key is offered"):
        take_key(str(path))


def test_a_key_is_read_from_a_descriptor_which_is_then_closed() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"sk-from-a-pipe\n")
    os.close(writing)
    assert read_key(reading).reveal() == "sk-from-a-pipe"
    with pytest.raises(NotCheckedError, match="cannot be read"):
        read_key(reading)


def test_an_empty_descriptor_is_no_key() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with pytest.raises(NotCheckedError, match="gave no key"):
        read_key(reading)


def test_the_launch_of_a_bridge_holds_no_secret_and_imports_nothing_from_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY.reveal())
    request = BridgeRequest(tmp_path, ("run:npm",))
    with bridge_launch(request, ModelEndpoint("m", key=KEY)) as launch:
        params = launch.as_params()
        assert KEY.reveal() not in repr(params)
        assert "OPENAI_API_KEY" not in params["env"]
        assert params["args"][0] == "-P"
        assert params["args"][params["args"].index("--approve") + 1] == "run:npm"
        place = Path(params["args"][params["args"].index("--key-socket") + 1])
        assert stat.S_ISSOCK(place.stat().st_mode)
        assert len(str(place)) < 100
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(place))


def report(code: FailureCode | None, *, files: str = "", requests: int = 1) -> TurnReport:
    return TurnReport(
        thread_id="t",
        status="failed" if code else "completed",
        content="" if code else "done",
        usage=TurnUsage(requests, 10, 0, 1, 0, 11),
        files=tuple(TouchedFile(name, "add") for name in files),
        commands=(RunCommand("ls", "completed", 0, 1),),
        escalations=(),
        failure=Failure(code, "x") if code else None,
        duration_ms=5,
    )


class Retries:
    """A plan on a clock of its own, and turns that answer from a list."""

    def __init__(self, *reports: TurnReport, gives_up: bool = False) -> None:
        self.reports = list(reports)
        self.prompts: list[str] = []
        self.pauses: list[float] = []
        self.now = 0.0
        self.gives_up = gives_up

    def plan(self, attempts: int = 4) -> RetryPlan:
        return RetryPlan(attempts, 1.0, lambda: 1.0, self._sleep, lambda: self.now)

    def run(self, prompt: str, _timeout_s: float) -> TurnReport:
        self.prompts.append(prompt)
        return self.reports.pop(0)

    def _sleep(self, pause_s: float) -> bool:
        self.pauses.append(pause_s)
        self.now += pause_s
        return self.gives_up


def test_a_busy_server_gets_longer_and_longer_pauses() -> None:
    busy = report(FailureCode.RATE_LIMITED)
    turns = Retries(busy, busy, busy, report(None))
    done = run_with_retries(turns.run, "go", timeout_s=100, plan=turns.plan())
    assert done.status == "completed"
    assert turns.pauses == [1, 2, 4]
    assert turns.prompts == ["go", GO_ON, GO_ON, GO_ON]


def test_the_report_covers_every_try() -> None:
    turns = Retries(report(FailureCode.RATE_LIMITED, files="ab"), report(None, files="bc"))
    done = run_with_retries(turns.run, "go", timeout_s=100, plan=turns.plan())
    assert done.usage == TurnUsage(2, 20, 0, 2, 0, 22)
    assert [file.path for file in done.files] == ["a", "b", "c"]
    assert len(done.commands) == 2
    assert done.duration_ms == 10


@pytest.mark.parametrize("code", [None, *sorted(set(FailureCode) - {FailureCode.RATE_LIMITED})])
def test_nothing_but_a_busy_server_is_tried_again(code: FailureCode | None) -> None:
    turns = Retries(report(code))
    run_with_retries(turns.run, "go", timeout_s=100, plan=turns.plan())
    assert turns.pauses == []


def test_a_turn_that_was_stopped_while_the_server_was_busy_is_not_tried_again() -> None:
    turns = Retries(report(FailureCode.RATE_LIMITED)._replace(status="interrupted"))
    run_with_retries(turns.run, "go", timeout_s=100, plan=turns.plan())
    assert turns.pauses == []


def test_the_folder_of_a_key_that_was_never_taken_is_removed_by_the_next_offer() -> None:
    # A short path: sockets have no other.
    with tempfile.TemporaryDirectory() as place:
        environment = {"TMPDIR": place, "PATH": os.environ["PATH"]}
        for number in range(2):
            with subprocess.Popen(
                [sys.executable, "-c", OFFER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                text=True,
            ) as offering:
                assert offering.stdout is not None
                offered = Path(offering.stdout.readline().strip()).parent
                assert list(Path(place).iterdir()) == [offered], number
                offering.kill()


def test_no_pause_goes_past_the_time_limit() -> None:
    busy = report(FailureCode.RATE_LIMITED)
    turns = Retries(*[busy] * 9)
    done = run_with_retries(turns.run, "go", timeout_s=4, plan=turns.plan(attempts=8))
    assert done.failure is not None
    assert turns.pauses == [1, 2]


def test_a_cancelled_call_is_not_tried_again() -> None:
    turns = Retries(report(FailureCode.RATE_LIMITED), gives_up=True)
    run_with_retries(turns.run, "go", timeout_s=100, plan=turns.plan())
    assert turns.prompts == ["go"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, FailureCode.TURN_FAILED),
        ({"message": "m", "codexErrorInfo": "contextWindowExceeded"}, FailureCode.CONTEXT_EXCEEDED),
        ({"message": "m", "codexErrorInfo": "cyberPolicy"}, FailureCode.POLICY_REFUSED),
        ({"message": "m", "codexErrorInfo": "a new one"}, FailureCode.TURN_FAILED),
        ({"message": "m", "codexErrorInfo": {}}, FailureCode.TURN_FAILED),
        ({"message": "m", "codexErrorInfo": {"new": None}}, FailureCode.TURN_FAILED),
        (
            {"message": "m", "codexErrorInfo": {"httpConnectionFailed": {"httpStatusCode": 401}}},
            FailureCode.CREDENTIAL_REFUSED,
        ),
        (
            {"message": "m", "codexErrorInfo": {"httpConnectionFailed": {"httpStatusCode": None}}},
            FailureCode.MODEL_UNAVAILABLE,
        ),
        ({"message": "stream disconnected before", "codexErrorInfo": "other"},
         FailureCode.MODEL_UNAVAILABLE),
    ],
)  # fmt: skip
def test_a_turn_error_has_a_word(error: dict[str, object] | None, code: FailureCode) -> None:
    assert failure_of_turn(error).code is code


def test_notices_that_are_not_known_are_passed_over() -> None:
    log = TurnLog("/w", spent={})
    assert log.note("item/somethingNew", {"x": 1}) == ""
    assert log.note("item/completed", {"item": {"type": "aNewKind"}}) == ""
    assert log.note("item/started", {"item": {"type": "aNewKind"}}) == ""


def test_a_long_line_is_cut_for_progress() -> None:
    log = TurnLog("/w", spent={})
    line = log.note("item/completed", {"item": {"type": "agentMessage", "text": "a\n" * 500}})
    assert len(line) == 200
    assert "\n" not in line
    assert len(log.content) == 1000
