"""No canary is in anything that a whole run leaves, prints, sends, or shows to its checks.

`make torture` hunts in every form; the suite takes a sample.
"""

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.canaries import FORMS, Hunter
from support.canary_run import (
    CANARIES,
    KEY,
    SECRETS,
    Left,
    commit_object,
    hunt,
    leaky_test,
    run_action,
    seen_by_the_check,
)
from support.four_agents import APPROVED, EXPLAINED, built, edit, plan
from support.responses_server import Step, call, say, step

IS_TORTURE = os.environ.get("CODEX_ORCHESTRATOR_TESTS") == "torture"
IN_CHANGES = sorted(FORMS) if IS_TORTURE else ["raw", "base64 at 76", "over lines of a diff"]
IN_ANSWERS = sorted(FORMS) if IS_TORTURE else ["hex, colons"]


def zipped(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inside.txt", data)
    return stream.getvalue()


@pytest.mark.timeout(600)
def test_a_run_whose_check_prints_all_secrets_leaves_none_of_them(tmp_path: Path) -> None:
    read = step(call("read_file", path="src/greeter/__init__.py"))
    left = run_action(
        tmp_path,
        files={"tests/test_leak.py": leaky_test()},
        roles={"builder": [read, edit("print", "print"), built()]},
    )
    assert left.outputs["run-id"], left.printed.decode()
    log = b"".join(path.read_bytes() for path in tmp_path.rglob("round-1/*.log"))
    assert log.count(b"***") > len(FORMS), "the check printed nothing that is masked"
    assert b"PATH" in seen_by_the_check(left.place / "repo/.runs"), (
        "the check did not look into /proc"
    )
    assert left.sent, "nothing was sent to the model"
    assert hunt(left, Hunter(SECRETS)) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("form", IN_CHANGES)
def test_a_model_that_writes_a_secret_into_the_work_leaves_none_of_it(
    tmp_path: Path, form: str
) -> None:
    text = FORMS[form](CANARIES["DEPLOY_TOKEN"].encode()).decode()
    added = "\n".join(f"+{line}" for line in ("SECRET = 1", *text.splitlines()))
    patch = f"*** Begin Patch\n*** Add File: src/greeter/made.txt\n{added}\n*** End Patch\n"
    left = run_action(
        tmp_path, files={}, roles={"builder": [step(call("apply_patch", patch=patch)), built()]}
    )
    assert left.outputs["verdict"] == "failed", left.printed.decode()
    assert left.outputs["exit-code"] == "1"
    sent_back = [body for body in left.sent if b"apply_patch" in body]
    assert sent_back, "the model was not asked again"
    # The model gets back what it wrote itself; nothing else may hold it.
    assert hunt(left._replace(sent=()), Hunter(SECRETS)) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("form", IN_ANSWERS)
@pytest.mark.parametrize("role", ["planner", "builder", "tester", "reviewer"])
def test_a_model_that_answers_with_a_secret_leaves_none_of_it(
    tmp_path: Path, role: str, form: str
) -> None:
    text = FORMS[form](KEY.encode()).decode()
    answers: dict[str, Callable[[], Step]] = {
        "planner": lambda: _with(plan(), "summary", text),
        "builder": lambda: _with(built(), "summary", text),
        "tester": lambda: _with(EXPLAINED, "summary", text),
        "reviewer": lambda: _with(APPROVED, "summary", text),
    }
    left = run_action(tmp_path, files={}, roles={role: [answers[role]()]})
    assert left.outputs["verdict"] == "failed", left.printed.decode()
    assert hunt(left._replace(sent=()), Hunter(SECRETS)) == []


def _with(made: Step, key: str, value: str) -> Step:
    """Return a step whose answer has another text in one of its fields."""
    import json

    document: dict[str, Any] = json.loads(made.items[0]["content"][0]["text"])
    return step(say({**document, key: value}))


PLACES: dict[str, Callable[[Path, bytes], object]] = {
    "run folder": lambda place, data: (place / "repo/.runs/x/y.log").write_bytes(data),
    "output": lambda place, data: (place / "outputs.txt").write_bytes(b"a=" + data),
    "artifact": lambda place, data: (place / "staged.zip").write_bytes(zipped(data)),
    "packed log": lambda place, data: (place / "log.gz").write_bytes(gzip.compress(data)),
    "object of git": lambda place, data: commit_object(place / "repo", data),
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_the_hunt_finds_every_form_in_every_place(tmp_path: Path, form: str) -> None:
    """Else it would find nothing because it cannot."""
    (tmp_path / "repo/.runs/x").mkdir(parents=True)
    os.system(f"git init -q {tmp_path / 'repo'}")  # noqa: S605 - a path of ours
    left, hunter = Left(tmp_path, {}, b"", ()), Hunter(SECRETS)
    assert hunt(left, hunter) == []
    planted = b"before\n" + FORMS[form](KEY.encode()) + b"\nafter"
    for count, plant in enumerate(PLACES.values(), start=1):
        plant(tmp_path, planted)
        assert len(hunt(left, hunter)) >= count, list(PLACES)[count - 1]
    said = Left(tmp_path, {}, planted, (planted,))
    assert [hit.partition(":")[0] for hit in hunt(said, hunter)][-2:] == ["printed", "sent"]
