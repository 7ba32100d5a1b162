"""The real `codex cloud` command against the task service on loopback."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_orchestrator.codex.binary import CodexBinary
from codex_orchestrator.codex.cloud import (
    CloudDiff,
    CloudSubmission,
    CodexCloud,
    Polling,
)
from codex_orchestrator.codex.cloud_cli import CloudCli, open_cloud_cli
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError
from support.codex_cloud_server import (
    CloudPlan,
    CloudService,
    chatgpt_sign_in,
    codex_cloud_service,
    file_diff,
)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudService]:
    with codex_cloud_service(tmp_path) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def cli(codex_binary: CodexBinary, service: CloudService) -> Iterator[CloudCli]:
    with open_cloud_cli(codex_binary, auth=sign_in()) as opened:
        yield opened


@pytest.fixture
def cloud(cli: CloudCli) -> CodexCloud:
    return CodexCloud(cli, environment="ACME/repo", label="run-7")


def sign_in() -> Secret:
    return Secret(chatgpt_sign_in(), scope=Scope.CLOUD)


class FakeClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, pause_s: float) -> None:
        self.pauses.append(pause_s)
        self.now += pause_s


def polling(clock: FakeClock | None = None) -> Polling:
    used = clock or FakeClock()
    return Polling(0.5, 4, lambda: 1.0, used.sleep, lambda: used.now)


def send(cloud: CodexCloud, prompt: str, number: int = 1, attempts: int = 1) -> str:
    kept: list[CloudSubmission] = []
    return cloud.submit(
        prompt, branch="main", number=number, record=kept.append, attempts=attempts
    ).task_id


def test_a_task_is_sent_polled_and_its_diff_applies(
    cloud: CodexCloud, service: CloudService, repo: Path
) -> None:
    task_id = send(cloud, "make it\nwith two lines; $(and shell words)")
    (task,) = cloud.watch([task_id], deadline_s=60, polling=polling())
    assert task.state == "ready"
    (diff,) = cloud.diffs(task_id)
    assert diff == CloudDiff(1, file_diff("cloud.txt", "hello").encode())
    subprocess.run(["git", "apply", "--check", "-"], input=diff.data, cwd=repo, check=True)
    (sent,) = service.tasks.values()
    assert sent.prompt == "[run-7 #1]\nmake it\nwith two lines; $(and shell words)"
    assert (sent.environment, sent.branch, sent.attempts) == ("env_1", "main", 1)
    assert set(service.proxy.asked) == {"chatgpt.com:443"}


def test_a_submission_is_recorded_before_it_is_sent_and_again_with_its_task(
    cloud: CodexCloud, service: CloudService
) -> None:
    kept: list[tuple[CloudSubmission, int]] = []

    def record(submission: CloudSubmission) -> None:
        kept.append((submission, len(service.tasks)))

    cloud.submit("go", branch="main", number=3, record=record)
    (task_id,) = service.tasks
    assert kept == [(CloudSubmission(3, ""), 0), (CloudSubmission(3, task_id), 1)]


def test_a_record_that_fails_sends_nothing(cloud: CodexCloud, service: CloudService) -> None:
    def full(_: CloudSubmission) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cloud.submit("go", branch="main", number=1, record=full)
    assert service.tasks == {}


def test_a_task_lost_between_sending_and_recording_is_found_again(
    cloud: CodexCloud, service: CloudService
) -> None:
    kept: list[CloudSubmission] = []
    service.drops_answers = True
    with pytest.raises(ServiceError, match="exec failed"):
        cloud.submit("go", branch="main", number=4, record=kept.append)
    service.drops_answers = False
    assert kept == [CloudSubmission(4, "")]
    (task_id,) = service.tasks
    assert cloud.find_lost(4) == CloudSubmission(4, task_id)
    assert cloud.find_lost(44) is None


def test_of_three_attempts_every_diff_comes_with_its_number(
    cloud: CodexCloud, service: CloudService
) -> None:
    diffs = tuple(file_diff("a.txt", word) for word in ("one", "two", "three"))
    service.plans["best"] = CloudPlan(looks=0, diffs=diffs)
    task_id = send(cloud, "the best of three", attempts=3)
    cloud.watch([task_id], deadline_s=60, polling=polling())
    assert cloud.diffs(task_id) == tuple(
        CloudDiff(number, text.encode()) for number, text in enumerate(diffs, start=1)
    )


def test_a_failed_task_is_data(cloud: CodexCloud, service: CloudService) -> None:
    service.plans["doomed"] = CloudPlan(looks=1, end="failed", diffs=())
    task_id = send(cloud, "doomed")
    (task,) = cloud.watch([task_id], deadline_s=60, polling=polling())
    assert task.state == "failed"
    assert cloud.diffs(task_id) == ()


def test_twenty_five_tasks_are_watched_by_pages(cloud: CodexCloud, service: CloudService) -> None:
    service.plans["go"] = CloudPlan(looks=1)
    for number in range(25):
        # The way of a task into the service is another test's matter.
        service.submit(
            {
                "new_task": {"environment_id": "env_1", "branch": "main"},
                "input_items": [{"content": [{"text": f"go {number}"}]}],
            }
        )
    began = len(service.seen)
    done = cloud.watch(list(service.tasks), deadline_s=60, polling=polling())
    assert [task.state for task in done] == ["ready"] * 25
    assert [task.id for task in done] == list(service.tasks)
    assert len(service.seen) - began <= 6, "one look is two pages"


def test_waiting_ends_at_the_deadline_with_the_task_still_pending(
    cloud: CodexCloud, service: CloudService
) -> None:
    service.plans["slow"] = CloudPlan(looks=10**6)
    task_id = send(cloud, "slow")
    clock = FakeClock()
    (task,) = cloud.watch([task_id], deadline_s=12, polling=polling(clock))
    assert task.state == "pending"
    assert clock.pauses == [0.5, 1, 2, 4, 4]
    assert service.tasks[task_id].looks == 6


def test_a_look_that_fails_is_repeated(cloud: CodexCloud, service: CloudService) -> None:
    service.plans["go"] = CloudPlan(looks=0)
    task_id = send(cloud, "go")
    service.broken.extend([500, 429, 503])
    (task,) = cloud.watch([task_id], deadline_s=60, polling=polling())
    assert task.state == "ready"
    assert service.broken == []


def test_a_service_that_is_never_there_is_a_service_error(
    cloud: CodexCloud, service: CloudService
) -> None:
    task_id = send(cloud, "go")
    service.broken.extend([503] * 100)
    with pytest.raises(ServiceError, match="503"):
        cloud.watch([task_id], deadline_s=6, polling=polling())


def test_a_starting_diff_goes_along(cloud: CodexCloud, service: CloudService) -> None:
    diff = file_diff("start.txt", "x")
    cloud.submit("go", branch="main", number=1, record=lambda _: None, starting_diff=diff.encode())
    sent = service.seen[-1][2]["input_items"]
    assert sent[1] == {"type": "pre_apply_patch", "output_diff": {"diff": diff}}


def test_an_unknown_environment_is_named_with_the_fix(cli: CloudCli, service: CloudService) -> None:
    nowhere = CodexCloud(cli, environment="nosuch", label="r")
    with pytest.raises(NotCheckedError, match="no environment 'nosuch'") as caught:
        send(nowhere, "go")
    assert "codex.environment" in caught.value.fix
    assert service.tasks == {}


def test_no_environment_at_all_is_a_configuration_error(cli: CloudCli) -> None:
    with pytest.raises(InputError, match=r"codex\.environment"):
        CodexCloud(cli, environment="", label="r")


def test_five_attempts_are_too_many(cloud: CodexCloud, service: CloudService) -> None:
    with pytest.raises(InputError, match="1 to 4"):
        send(cloud, "go", attempts=5)
    assert service.seen == []


def test_an_unknown_task_is_named(cloud: CodexCloud) -> None:
    with pytest.raises(NotCheckedError, match="does not know the task"):
        cloud.status("task_nope")


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"OPENAI_API_KEY": "sk-1"}', '{"tokens": {"access_token": "x"}}', "not json"],
)
def test_a_sign_in_of_another_kind_is_refused_before_anything_starts(
    codex_binary: CodexBinary, text: str
) -> None:
    auth = Secret(text, scope=Scope.CLOUD) if text else None
    with (
        pytest.raises(NotCheckedError, match="sign-in") as caught,
        open_cloud_cli(codex_binary, auth=auth),
    ):
        pass
    assert "codex login" in caught.value.fix


def test_a_sign_in_that_the_service_refuses_says_so(
    cloud: CodexCloud, service: CloudService
) -> None:
    service.broken.append(401)
    with pytest.raises(NotCheckedError, match="does not accept the sign-in"):
        cloud.status("task_x")


def test_a_codex_without_a_cloud_command_says_so(tmp_path: Path) -> None:
    old = tmp_path / "codex"
    old.write_text("#!/bin/sh\necho \"error: unrecognized subcommand 'cloud'\" >&2\nexit 2\n")
    old.chmod(0o755)
    with (
        open_cloud_cli(CodexBinary(str(old), "0.163.0"), auth=sign_in()) as cli,
        pytest.raises(NotCheckedError, match="no `cloud` command"),
    ):
        CodexCloud(cli, environment="e", label="r").status("t")


def test_the_sign_in_lives_in_a_private_folder_and_goes_with_it(
    codex_binary: CodexBinary, service: CloudService
) -> None:
    with open_cloud_cli(codex_binary, auth=sign_in()) as cli:
        home = cli._home.codex
        assert (home / "auth.json").stat().st_mode & 0o777 == 0o600
        assert home.stat().st_mode & 0o777 == 0o700
        CodexCloud(cli, environment="env_1", label="r").find_lost(1)
        assert (home / "auth.json").read_text() == sign_in().reveal()
        scratch = cli._cwd
    assert not home.exists()
    assert not scratch.exists(), "error.log of the command goes as well"
