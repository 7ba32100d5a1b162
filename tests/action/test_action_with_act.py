"""The action as a workflow runs it: by the real `act`, offline, against a GitHub on loopback."""

import hashlib
import json
import re
import zipfile

import pytest

from support.act import OURS, Act

pytestmark = pytest.mark.timeout(300)

HEAD = """
on: pull_request
permissions: {}
jobs:
  job:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
        with:
          fetch-depth: 0
          persist-credentials: false
"""


def step(name: str, **inputs: str) -> str:
    given = "".join(
        f"          {key.replace('_', '-')}: {value}\n" for key, value in inputs.items()
    )
    return f"      - id: {name}\n        if: always()\n        uses: {OURS}\n        with:\n{given}"


@pytest.fixture
def act(project, tmp_path, checkout_of_action) -> Act:
    return Act(project.folder, tmp_path / "act", action=checkout_of_action)


def test_the_guard_fails_a_bad_change_with_an_annotation_on_its_line(project, act, wheelhouse):
    spec = project.folder / "tasks" / "specs" / "0001-structured-logging.md"
    spec.write_text(spec.read_text().replace("status: approved", "status: draft"))
    (project.folder / "src" / "inventory" / "ledger.py").write_text("BROKEN = True\n")
    project.commit("change code under a draft")
    finished = act.run(
        HEAD + step("guard", command="guard", package_spec=str(wheelhouse)),
        "pull_request",
        project.pull_request(),
    )
    outputs = finished.outputs("guard")
    assert finished.exit_code == 1, finished.log
    assert (outputs["verdict"], outputs["exit-code"]) == ("failed", "1"), finished.log
    assert int(outputs["findings"]) >= 1
    [error] = finished.annotations("error")
    assert error["kvPairs"]["file"] == "tasks/specs/0001-structured-logging.md"
    assert int(error["kvPairs"]["line"]) == 4
    assert "draft" in error["arg"]
    summaries = [line for line in finished.lines if line.get("command") == "summary"]
    assert any("Spec guard: failed" in line["content"] for line in summaries), finished.log


def test_two_pushes_leave_one_comment_two_artifacts_and_two_receipts(
    project, act, wheelhouse, github, tmp_path
):
    catalog = tmp_path / "catalog"
    workflow = (
        HEAD
        + step(
            "all",
            command="all",
            task="0001-structured-logging",
            catalog=f"file://{catalog}",
            github_token="${{ secrets.GITHUB_TOKEN }}",
            package_spec=str(wheelhouse),
        )
        + step("read_only", command="publish", github_token="''", package_spec=str(wheelhouse))
        + step("again", command="sync", catalog=f"file://{catalog}", package_spec=str(wheelhouse))
    )
    act.environment["GITHUB_API_URL"] = github.url
    act.secrets["GITHUB_TOKEN"] = "ghs_canary0123456789"
    seen = []
    for number in ("1", "2"):
        (project.folder / "src" / "inventory" / f"part{number}.py").write_text("PART = 1\n")
        github.head_sha = project.commit(f"push {number}")
        act.environment["GITHUB_RUN_ID"] = number
        finished = act.run(workflow, "pull_request", project.pull_request())
        outputs = finished.outputs("all")
        assert finished.exit_code == 0, finished.log
        assert outputs["verdict"] == "approved", finished.log
        assert (outputs["exit-code"], outputs["mode"]) == ("0", "mcp")
        assert (outputs["posted"], outputs["synced"]) == ("true", "true"), finished.log
        check_artifact(act, outputs)
        seen.append(outputs)
        assert finished.outputs("read_only")["posted"] == "degraded", finished.log
        assert finished.outputs("again")["synced"] == "true", finished.log
        assert "ghs_canary0123456789" not in json.dumps(finished.lines)
    [comment] = github.comments.values()
    assert seen[1]["manifest-sha256"] in comment["body"]
    assert seen[0]["comment-url"] == seen[1]["comment-url"] == comment["html_url"]
    assert github.writes() == ["POST", "PATCH"]
    stored = [path for path in catalog.rglob("*") if path.is_file()]
    for outputs in seen:
        holding = [path for path in stored if outputs["manifest-sha256"] in path.as_posix()]
        assert len(holding) == 1


def check_artifact(act: Act, outputs: dict[str, str]) -> None:
    """The uploaded archive holds the run whose manifest the action names, and nothing hidden."""
    [archive] = act.artifacts.rglob(f"{outputs['artifact-name']}.zip")
    data = archive.read_bytes()
    assert hashlib.sha256(data).hexdigest() == outputs["artifact-digest"]
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        [manifest] = [name for name in names if name.endswith("/manifest.json")]
        digest = hashlib.sha256(opened.read(manifest)).hexdigest()
    assert digest == outputs["manifest-sha256"]
    assert outputs["run-id"] in manifest
    assert outputs["artifact-id"]
    assert outputs["manifest-path"].startswith(".runs/0001-structured-logging/")
    assert {"out/audit.log", "out/0001-structured-logging/state.json"} <= set(names)
    assert not [name for name in names if re.search(r"(^|/)\.", name)]
