"""The action as a workflow runs it: by the real `act`, offline, against a GitHub on loopback."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from support.act import OURS, ROOT, Act
from support.canaries import Hunter
from support.canary_run import leaky_test, seen_by_the_check

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


@pytest.fixture
def toolkit(tmp_path: Path) -> Path:
    """A Python of its own with a copy of the toolkit, and the packages of this one."""
    place = tmp_path / "toolkit"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    [packages] = place.glob("lib/python3*/site-packages")
    shutil.copytree(ROOT / "src" / "codex_orchestrator", packages / "codex_orchestrator")
    # Where a checkout has it: beside the folder that holds the package.
    shutil.copytree(ROOT / "patterns", packages.parent / "patterns")
    (packages / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return place


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


def test_the_workflow_that_init_writes_fails_a_bad_change_and_passes_a_good_one(
    project, act, wheelhouse, checkout_of_action, tmp_path, call
):
    toolkit = commit_all(checkout_of_action, tmp_path / "toolkit")
    source = f"file://{toolkit}@{git_head(toolkit)}"
    assert call("init", "--repo", str(project.folder), "--source", source).code == 0
    project.base = project.commit("init")
    act.environment["PIP_FIND_LINKS"] = str(wheelhouse)
    workflow = (project.folder / ".github/workflows/spec-guard.yml").read_text()
    (project.folder / "src" / "inventory" / "ledger.py").write_text("GOOD = True\n")
    project.commit("change code under an approved spec")
    good = act.run(workflow, "pull_request", project.pull_request())
    assert good.exit_code == 0, good.log
    assert "spec guard: passed" in good.log
    (project.folder / "src" / "new.py").write_text("BAD = True\n")
    project.commit("add code that no spec owns")
    bad = act.run(workflow, "pull_request", project.pull_request())
    assert bad.exit_code == 1, bad.log
    [error] = bad.annotations("error")
    assert error["kvPairs"]["file"] == "src/new.py", bad.log


def test_two_pushes_leave_one_comment_two_artifacts_and_two_receipts(
    project, act, wheelhouse, github, tmp_path
):
    catalog = f"file://{tmp_path / 'catalog'}"

    def workflow(package_spec: str) -> str:
        delivery = {"catalog": catalog, "github_token": "${{ secrets.GITHUB_TOKEN }}"}
        task = {"command": "all", "task": "0001-structured-logging"}
        everything = step("all", **task, **delivery, package_spec=package_spec)
        no_token = {"command": "publish", "github_token": "''"}
        return HEAD + everything + step("read_only", **no_token, package_spec=sys.executable)

    act.environment["GITHUB_API_URL"] = github.url
    act.secrets["GITHUB_TOKEN"] = "ghs_canary0123456789"
    seen = []
    # Installed from wheels the first time, by a Python that has it the second.
    for number, package_spec in (("1", str(wheelhouse)), ("2", sys.executable)):
        (project.folder / "src" / "inventory" / f"part{number}.py").write_text("PART = 1\n")
        github.head_sha = project.commit(f"push {number}")
        act.environment["GITHUB_RUN_ID"] = number
        finished = act.run(workflow(package_spec), "pull_request", project.pull_request())
        outputs = finished.outputs("all")
        assert finished.exit_code == 0, finished.log
        assert outputs["verdict"] == "approved", finished.log
        assert (outputs["exit-code"], outputs["mode"]) == ("0", "mcp")
        assert (outputs["posted"], outputs["synced"]) == ("true", "true"), finished.log
        check_artifact(act, outputs)
        seen.append(outputs)
        assert finished.outputs("read_only")["posted"] == "degraded", finished.log
        assert "ghs_canary0123456789" not in json.dumps(finished.lines)
    [comment] = github.comments.values()
    assert seen[1]["manifest-sha256"] in comment["body"]
    assert seen[0]["comment-url"] == seen[1]["comment-url"] == comment["html_url"]
    assert github.writes() == ["POST", "PATCH"]
    stored = [path for path in (tmp_path / "catalog").rglob("*") if path.is_file()]
    for outputs in seen:
        holding = [path for path in stored if outputs["manifest-sha256"] in path.as_posix()]
        assert len(holding) == 1


CALLER = """
on: pull_request
permissions: {}
jobs:
  task:
    permissions:
      contents: read
      actions: read
      pull-requests: write
    uses: ./.github/workflows/orchestrate.yml
    with:
      task: TASK
      toolkit-repository: your-org/codex-orchestrator
      toolkit-ref: TOOLKIT_SHA
      catalog: file://CATALOG
      package-spec: PYTHON
"""


@pytest.mark.parametrize(
    ("task", "verdict", "exit_code"),
    [("0001-structured-logging", "approved", 0), ("0002-silent-report", "failed", 1)],
)
def test_three_jobs_hand_the_evidence_on_and_publish_it(
    project, act, checkout_of_action, github, tmp_path, task, verdict, exit_code
):
    folder = project.folder / ".github" / "workflows"
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / ".github" / "workflows" / "orchestrate.yml", folder / "orchestrate.yml")
    (project.folder / "src" / "inventory" / "part.py").write_text("PART = 1\n")
    github.head_sha = project.commit("a change")
    toolkit = commit_all(checkout_of_action, tmp_path / "toolkit")
    act.environment |= {
        "GITHUB_API_URL": github.url,
        "STAND_IN_REPOSITORIES": f"o/r={project.folder}\nyour-org/codex-orchestrator={toolkit}",
    }
    act.secrets["GITHUB_TOKEN"] = "ghs_canary0123456789"
    catalog = tmp_path / "catalog"
    given = {"CATALOG": str(catalog), "PYTHON": sys.executable, "TASK": task}
    given["TOOLKIT_SHA"] = git_head(toolkit)
    workflow = re.sub("|".join(given), lambda name: given[name[0]], CALLER)
    finished = act.run(workflow, "pull_request", project.pull_request())
    assert finished.exit_code == exit_code, finished.log
    [comment] = github.comments.values()
    published = finished.outputs("publish")
    assert published["posted"] == "true", finished.log
    assert published["verdict"] == finished.outputs("verify")["verdict"] == verdict
    assert finished.outputs("verify")["exit-code"] == str(exit_code)
    assert published["manifest-sha256"] == finished.outputs("run")["manifest-sha256"]
    assert published["manifest-sha256"] in comment["body"]
    assert any(published["manifest-sha256"] in path.as_posix() for path in catalog.rglob("*"))


CONFTEST = "def is_none(x):\n    if x == None:\n        return 1\n"
WAITING_TASK = """---
id: 0009-none
title: Compare with None by identity
spec: tasks/specs/0001-structured-logging.md
adapter: python
steps:
  - pattern: py-print-to-logging
    paths: [src/inventory/ledger.py]
  - pattern: py-none-comparison
    paths: ["tests/conftest.py"]
checks: [test]
---
The second step asks for a protected file.
"""


def documented_workflow() -> str:
    """Return the workflow of the document that goes on with a run, as people paste it."""
    text = (ROOT / "docs" / "action.md").read_text(encoding="utf-8")
    [found] = [
        block
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        if "resume-artifact" in block and "command: run" in block
    ]
    ours = OURS.partition("@")[2]
    installed = f"command: run\n          package-spec: {sys.executable}\n"
    return found.replace("<commit>", ours).replace("command: run\n", installed)


def test_a_run_that_waits_goes_on_in_a_later_workflow_run_when_a_writer_starts_it(
    project, act, github
):
    (project.folder / "tests" / "conftest.py").write_text(CONFTEST)
    (project.folder / "tasks" / "0009-none.md").write_text(WAITING_TASK)
    project.commit("a task that needs an approval")
    github.roles["octocat"] = "write"
    act.environment |= {
        "GITHUB_API_URL": github.url,
        "GITHUB_TRIGGERING_ACTOR": "octocat",
        "STAND_IN_REPOSITORIES": f"o/r={project.folder}",
    }
    act.secrets["GITHUB_TOKEN"] = "ghs_canary0123456789"
    act.environment["GITHUB_RUN_ID"] = "1"
    inputs = {"task": "0009-none"}
    waits = act.run(documented_workflow(), "workflow_dispatch", {"inputs": inputs})
    first = waits.outputs("run")
    assert waits.exit_code == 1
    assert (first["exit-code"], first["verdict"]) == ("6", "not-checked"), waits.log
    assert first["waiting-for"] == "edit:tests/conftest.py"
    [said] = [line["content"] for line in waits.lines if line.get("command") == "summary"]
    for value in (first["run-id"], first["manifest-sha256"], first["artifact-name"], "edit:tests"):
        assert value in said
    act.environment["GITHUB_RUN_ID"] = "2"
    inputs |= {
        "approve": first["waiting-for"],
        "resume": first["run-id"],
        "resume-workflow-run": "1",
        "resume-artifact": first["artifact-name"],
        "resume-manifest-sha256": first["manifest-sha256"],
    }
    ended = act.run(documented_workflow(), "workflow_dispatch", {"inputs": inputs})
    second = ended.outputs("run")
    assert ended.exit_code == 0, ended.log
    assert (second["verdict"], second["run-id"]) == ("approved", first["run-id"])
    [archive] = act.artifacts.rglob(f"{second['artifact-name']}.zip")
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        [name] = [name for name in names if name.endswith("/manifest.json")]
        manifest = json.loads(opened.read(name))
    assert [one["by"] for one in manifest["approvals"]] == ["github:octocat (write)"]
    assert [item["attempt"] for item in manifest["items"]] == [1, 2]
    assert not [name for name in names if name.endswith(".pack")]
    assert "ghs_canary0123456789" not in json.dumps([*waits.lines, *ended.lines])


HOSTILE = """import glob, os, unittest

STOLEN, TOOLKIT, SCRATCH = {stolen!r}, {toolkit!r}, {scratch!r}
THIEF = "import os\\nopen(%r, 'a').write(os.environ.get('GITHUB_TOKEN', '-'))\\n" % STOLEN
FORGED = "verdict=approved\\nexit-code=0\\nrun-id=forged\\nBASH_ENV=%s\\n" % __file__


def attempt(path, text):
    try:
        with open(path, "a") as stream:
            stream.write(text)
    except OSError:
        pass


class Hostile(unittest.TestCase):
    def test_it_fails_and_forges(self):
        for path in glob.glob(TOOLKIT + "/lib/python3*/site-packages/codex_orchestrator/**/*.py",
                              recursive=True):
            attempt(path, THIEF)
        for folder in glob.glob(TOOLKIT + "/lib/python3*/site-packages"):
            attempt(folder + "/sitecustomize.py", THIEF)
        for root, folders, names in os.walk(SCRATCH):
            for name in names:
                if name.endswith((".txt", ".md", ".sh", ".env")):
                    attempt(os.path.join(root, name), FORGED)
        sources = "".join(open(path).read() for path in glob.glob("src/inventory/*.py"))
        # Where the work is done, and not at the base: what fails there is known.
        self.assertNotIn("import logging", sources, "the honest result")
"""


def test_a_hostile_check_steals_no_token_and_forges_no_verdict(
    project, act, github, tmp_path, toolkit
):
    stolen = tmp_path / "stolen"
    given = {"stolen": str(stolen), "toolkit": str(toolkit), "scratch": str(act.scratch)}
    (project.folder / "tests" / "test_hostile.py").write_text(HOSTILE.format(**given))
    github.head_sha = project.commit("a hostile check")
    act.environment["GITHUB_API_URL"] = github.url
    act.secrets["GITHUB_TOKEN"] = "ghs_canary0123456789"
    task = {"command": "all", "task": "0001-structured-logging"}
    token = {"github_token": "${{ secrets.GITHUB_TOKEN }}"}
    workflow = HEAD + step("all", **task, **token, package_spec=str(toolkit / "bin" / "python"))
    finished = act.run(workflow, "pull_request", project.pull_request())
    outputs = finished.outputs("all")
    assert finished.exit_code == 1, finished.log
    assert outputs["verdict"] in ("failed", "not-checked"), finished.log
    assert outputs["exit-code"] in ("1", "3"), finished.log
    assert "forged" not in json.dumps(outputs)
    assert not stolen.exists() or "ghs_canary" not in stolen.read_text()
    assert "ghs_canary" not in json.dumps(finished.lines)
    if outputs["posted"] != "false":
        # Then the check could write nothing, and its failure is what is published.
        assert (outputs["verdict"], outputs["posted"]) == ("failed", "true")
    assert all("approved" not in comment["body"] for comment in github.comments.values())


def test_no_canary_is_in_anything_that_a_workflow_leaves_prints_or_shows_to_its_check(
    project, act, github, toolkit, tmp_path
):
    """The hunt of tests/acceptance under `act`, whose command line holds every secret."""
    token = "ghs_canary" + "4Zr8Qw2Lx6Nv0Tb5Ky9Hd3Jf7Gs1"
    secrets = ("xK9mQ2pz", "hJ4_canary+token/9Lp2cV6mS8yD=", token)
    # The step that runs checks does not have the token: what does not know it cannot print it.
    (project.folder / "tests" / "test_leak.py").write_text(leaky_test(secrets[:2]))
    github.head_sha = project.commit("a check that prints all secrets")
    act.environment |= {
        "GITHUB_API_URL": github.url,
        "DB_PASSWORD": secrets[0],
        "DEPLOY_TOKEN": secrets[1],
    }
    act.secrets["GITHUB_TOKEN"] = token
    given = {"command": "all", "task": "0001-structured-logging"}
    given |= {"github_token": "${{ secrets.GITHUB_TOKEN }}"}
    workflow = HEAD + step("all", **given, package_spec=str(toolkit / "bin" / "python"))
    finished = act.run(workflow, "pull_request", project.pull_request())
    outputs = finished.outputs("all")
    assert outputs["verdict"], finished.log
    # act has copied the checkout: the run is in its artifact.
    [archive] = act.artifacts.rglob(f"{outputs['artifact-name']}.zip")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "run")
    seen = seen_by_the_check(tmp_path / "run/runs")
    assert b"PATH" in seen, "the check did not look into /proc"
    # Neither act nor our own processes have an entry there: no environ, no maps, no mem, no fd.
    assert b"--artifact-server-path" not in seen
    assert b"action\0work" not in seen
    said = json.dumps([finished.lines, *github.comments.values(), outputs]).encode()
    left = [archive, *(path for path in project.folder.rglob("*") if path.is_file())]
    hunter = Hunter(secrets)
    assert hunter.hunt(seen) == set()
    assert hunter.hunt(said) == set()
    assert {str(path): found for path in left if (found := hunter.hunt_file(path))} == {}


def commit_all(source: Path, folder: Path) -> Path:
    shutil.copytree(source, folder)
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all", "--force"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "--message", "toolkit"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def git_head(folder: Path) -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


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
