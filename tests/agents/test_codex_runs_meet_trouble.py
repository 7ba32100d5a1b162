"""Whole runs with the real Codex in which something goes wrong, and what becomes of them."""

import itertools
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_orchestrator.compose.run import compose_run
from codex_orchestrator.compose.settings import load_settings
from codex_orchestrator.model.mode import choose_mode
from codex_orchestrator.model.verdict import Verdict
from codex_orchestrator.pipeline.outcome import FinishedRun
from codex_orchestrator.pipeline.request import RunRequest
from codex_orchestrator.pipeline.run_task import run_task
from codex_orchestrator.pipeline.services import Terminal
from codex_orchestrator.pipeline.task_file import read_task
from support.codex_run import (
    APPROVED,
    CHANGES,
    DONE,
    KEY,
    LOUD,
    MODEL,
    MODULE,
    PLAN,
    TASK,
    CodexRun,
    Course,
    change,
    codex_run,
    processes_of,
    role_of,
)
from support.project import CommandLine, git, task_with
from support.responses_server import (
    DIES,
    NEVER_ENDS,
    Request,
    Step,
    call,
    patch,
    refuse,
    say,
    shell,
    status,
    step,
)

BUSY = status(429, "rate_limit_exceeded", retry_after="0")
SOFTER = change('    print("GREETING", name)', '    print("Greeting", name)')
NOT_DONE = step(
    say({"item_id": "one", "is_done": False, "summary": "Codex gave no answer", "notes": []})
)
NONSENSE = step(say("I would rather not answer in JSON"))


@pytest.fixture
def scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator["Scene"]:
    with codex_run(tmp_path, Course()) as run:
        for name, value in run.environment.items():
            monkeypatch.setenv(name, value)
        yield Scene(run, CommandLine(capfd))


class Scene:
    """A repository with its task, run in this process against a course of the model."""

    def __init__(self, run: CodexRun, call: CommandLine) -> None:
        self.of = run
        self._call = call
        self.report: dict[str, Any] = {}
        self.err = ""

    def play(self, course: Callable[[Request], Step], *more: str) -> int:
        """Run the task, or go on with the run that there is, and return the exit code."""
        self.of.server.script["*"] = course
        again = [] if not self.of.manifests else ["--resume", self.of.manifest["run"]["id"]]
        what = again or [TASK, "--model", MODEL, "--builder", "codex"]
        place = ["--repo", str(self.of.repo), "--format", "json"]
        old = Path.cwd()
        os.chdir(self.of.repo)
        try:
            done = self._call("run", *what, *more, *place)
        finally:
            os.chdir(old)
        self.report, self.err = json.loads(done.out) if done.out else {}, done.err
        return done.code

    @property
    def state(self) -> str:
        return str(self.of.manifest["run"]["state"])

    def on_branch(self, path: str) -> str:
        return git(self.of.repo, "show", f"{self.report['branch']}:{path}")


def in_turn(*steps: Step) -> Callable[[Request], Step]:
    """Answer one after the other; the last answer repeats."""
    count = itertools.count()
    return lambda _request: steps[min(next(count), len(steps) - 1)]


def codex_says(*steps: Step) -> Course:
    return Course(codex={"BUILD": steps})


def test_a_test_that_codex_broke_goes_back_to_it_and_is_mended(scene: Scene) -> None:
    assert scene.play(Course(breaks=True)) == 0, scene.err
    assert scene.report["verdict"] == "approved"
    asked = [one.input_text for one in scene.of.server.requests if role_of(one) == "builder"]
    assert "AssertionError" in next(text for text in asked if "repair-1" in text)
    assert 'return f"hello {name}"' in scene.on_branch(MODULE)
    logs = sorted(path.parent.name for path in scene.of.repo.glob(".runs/*/*/tests/*/test.log"))
    assert logs == ["round-1", "round-2"]


def test_a_reviewer_who_asks_for_changes_gets_them_from_codex(scene: Scene) -> None:
    course = Course(
        codex={"MEND": [step(patch(SOFTER)), DONE]},
        answers={"reviewer": in_turn(CHANGES, APPROVED)},
    )
    assert scene.play(course) == 0, scene.err
    assert '"Greeting"' in scene.on_branch(MODULE)
    assert any("TOO-LOUD" in one.input_text for one in scene.of.server.requests)


def test_a_refusal_of_the_agents_model_fails_the_run_and_says_so(scene: Scene) -> None:
    assert scene.play(Course(answers={"builder": step(refuse("I must not"))})) == 1
    assert "refused" in scene.report["reason"]
    assert scene.of.asked("codex") == 0


def test_a_refusal_of_codexs_model_is_told_to_the_builder_who_cannot_go_on(scene: Scene) -> None:
    course = codex_says(step(refuse("I must not")))
    course.answers["builder"] = in_turn(step(call("codex", prompt="BUILD the greeter")), NOT_DONE)
    assert scene.play(course) == 1
    assert "Codex gave no answer" in scene.report["reason"]
    assert "no-answer" in scene.of.server.requests[-1].input_text


def test_a_model_server_that_stays_busy_is_exit_4_and_the_run_goes_on_later(scene: Scene) -> None:
    assert scene.play(Course(answers={"reviewer": BUSY})) == 4
    assert scene.of.asked("reviewer") == 5
    assert "429" in scene.err
    assert f"--resume {scene.of.manifest['run']['id']}" in scene.err
    assert scene.state == "interrupted"
    assert scene.play(Course()) == 0, scene.err
    # What was planned, built and tested is not asked for again.
    assert [scene.of.asked(role) for role in ("planner", "builder", "codex", "tester")] == [
        *(1, 2, 3, 1)
    ]


def test_a_server_that_asks_for_more_time_than_there_is_is_not_waited_for(scene: Scene) -> None:
    assert scene.play(Course(answers={"planner": status(429, retry_after="3600")})) == 4
    assert scene.of.asked("planner") == 1
    assert "asks to wait 3600 s" in scene.err
    assert "minutes" not in scene.err


def test_errors_of_the_server_that_pass_stop_nothing(scene: Scene) -> None:
    busy = status(503, retry_after="0")
    course = Course(answers={"planner": in_turn(busy, busy, PLAN)})
    fails = iter((status(500), DIES))

    def script(request: Request) -> Step:
        failure = next(fails, None) if role_of(request) == "codex" else None
        return failure or course(request)

    assert scene.play(script) == 0, scene.err
    assert scene.report["verdict"] == "approved"


@pytest.mark.parametrize("answer", [DIES, BUSY], ids=["it dies mid-stream", "it stays busy"])
def test_a_server_that_fails_codex_is_exit_4_and_the_run_goes_on_later(
    scene: Scene, answer: Step
) -> None:
    assert scene.play(codex_says(answer)) == 4
    assert "Codex could not finish its turn" in scene.err
    assert f"--resume {scene.of.manifest['run']['id']}" in scene.err
    assert scene.play(Course()) == 0, scene.err
    assert scene.report["verdict"] == "approved"
    assert scene.of.asked("planner") == 1


def test_an_answer_without_form_is_asked_for_once_more_and_then_fails_by_name(
    scene: Scene,
) -> None:
    assert scene.play(Course(answers={"reviewer": NONSENSE})) == 1
    assert scene.of.asked("reviewer") == 2
    assert "reviewer's model gave an invalid answer" in scene.report["reason"]


def test_what_a_person_declined_first_and_then_approved_is_done_by_codex(
    scene: Scene, tmp_path: Path
) -> None:
    made = tmp_path / "made-outside"
    wish = shell(f"touch {made}", sandbox_permissions="require_escalated", justification="need it")
    course = codex_says(step(patch(LOUD)), step(wish), DONE)
    assert scene.play(course) == 6
    assert "run:touch" in scene.err
    assert not made.exists()
    assert scene.play(course, "--approve", "run:touch") == 0, scene.err
    assert made.exists()
    assert scene.report["verdict"] == "approved"


def test_a_turn_that_never_ends_is_ended_by_the_limit_of_minutes(scene: Scene) -> None:
    (scene.of.repo / TASK).write_text(task_with(steps="", limits="{minutes: 1}"))
    begun, skipped = time.monotonic(), 0.0

    def planned(_request: Request) -> Step:
        # The builder finds the minute nearly over. What it has left is enough to ask Codex: that
        # takes less than all that was started up to here, however slow the machine is.
        nonlocal skipped
        passed = time.monotonic() - begun
        skipped = max(0.0, 60 - passed - max(4.0, 2 * passed))
        return PLAN

    course = codex_says(NEVER_ENDS)
    course.answers["planner"] = planned
    scene.of.server.script["*"] = course
    settings = load_settings(str(scene.of.repo), None, flags={"model.name": MODEL})
    file = read_task(str(scene.of.repo / TASK), scene.of.repo)
    request = RunRequest(file, settings, choose_mode(file.task), builder="codex")
    terminal = Terminal(progress=lambda _line: None)
    services = compose_run(request, terminal, environ=scene.of.environment)
    ambient = services.ambient._replace(monotonic=lambda: time.monotonic() + skipped)
    done = run_task(request, services._replace(ambient=ambient))
    assert isinstance(done, FinishedRun)
    assert done.manifest.verdict is Verdict.FAILED
    assert "limits.minutes" in done.manifest.model_dump_json()
    assert scene.of.asked("codex") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_turn_is_exit_130_leaves_no_process_and_is_gone_on_with(
    tmp_path: Path, number: signal.Signals
) -> None:
    with codex_run(tmp_path, codex_says(NEVER_ENDS)) as run:
        process = run.launch()
        while not run.asked("codex"):
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate()
        assert process.returncode == 130
        assert f"--resume {run.manifest['run']['id']}" in err
        assert processes_of(run.home) == {}
        assert KEY not in err
        run.server.script["*"] = Course()
        done = run.resume()
        assert done.code == 0, done.err
        assert done.report["verdict"] == "approved"
