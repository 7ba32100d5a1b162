"""Whole runs where there is no network but loopback: nothing even tries to reach anybody."""

import json
from pathlib import Path

from support.no_network import run_without_network

CODEX_RUN = """
import json
from pathlib import Path
from support.codex_run import ROLES, Course, codex_run
from support.no_network import attempts_to_get_out, loopback_up

loopback_up()
with codex_run(Path(sys.argv[1]), Course(breaks=True)) as run:
    done = run.run()
    assert done.code == 0, done.err
    builder = run.manifest["engine"]["builder"]
    asked = {role: run.asked(role) for role in sorted(ROLES.values()) + ["codex"]}
print(json.dumps([builder, asked, attempts_to_get_out()]))
"""
CLOUD_RUN = """
import json, os
from pathlib import Path
from support.cloud_run import CONFIG, TASK, Agents, CloudRun, edit
from support.codex_cloud_server import CloudPlan, chatgpt_sign_in, codex_cloud_service
from support.no_network import attempts_to_get_out, loopback_up
from support.project import make_project, task_with
from support.responses_server import responses_server

loopback_up()
folder = Path(sys.argv[1])
task = task_with(steps="", execution="{parallel: true}")
repo = make_project(folder / "repo", **{TASK: task, ".codex-orchestrator.toml": CONFIG})
(folder / "certificates").mkdir()
agents = Agents()
with (
    codex_cloud_service(folder / "certificates") as service,
    responses_server({"*": agents}) as server,
):
    os.environ.update(service.environment)
    os.environ["OPENAI_BASE_URL"] = server.url
    os.environ["OPENAI_API_KEY"] = "sk-test-loopback-key"
    os.environ["CODEX_ORCHESTRATOR_CLOUD_AUTH"] = chatgpt_sign_in()
    loud = edit('    print("greeting", name)', '    print("GREETING", name)')
    service.plans["DO-one."] = CloudPlan(looks=1, diffs=(loud,))
    run = CloudRun(repo, None, service, agents)
    with run.child() as process:
        assert process.wait() == 0
    builder, sent = run.manifest["engine"]["builder"], len(run.prompts)
asked = {"sent": sent, "planner": agents.asked.count("planner")}
print(json.dumps([builder, asked, attempts_to_get_out()]))
"""


def test_a_whole_run_with_codex_makes_no_attempt_to_reach_anybody(tmp_path: Path) -> None:
    builder, asked, attempts = json.loads(run_without_network(CODEX_RUN, str(tmp_path)))
    assert builder == "codex"
    assert asked == {"planner": 1, "builder": 4, "codex": 5, "tester": 2, "reviewer": 2}
    assert attempts == 0


def test_a_whole_run_in_codex_cloud_talks_to_its_service_only(tmp_path: Path) -> None:
    builder, asked, attempts = json.loads(run_without_network(CLOUD_RUN, str(tmp_path)))
    assert builder == "codex-cloud"
    assert asked == {"sent": 1, "planner": 1}
    assert attempts == 0
