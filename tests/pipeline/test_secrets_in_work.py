"""Secrets in a run: what is masked, what fails, what is left and named, and what git keeps."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.canaries import FORMS, Hunter
from support.project import CommandLine, make_project, task_with

CANARY = "vK7-q9.vB2tR8xW4pL6nZ3"
TASK = "tasks/logging.md"
STEPS = "[{command: [python3, tools/work.py]}]"


def project_with(tmp_path: Path, tool: str, **files: str | bytes) -> Path:
    """Make a project whose one task runs a tool."""
    everything = {"tools/work.py": tool, TASK: task_with(steps=STEPS), **files}
    return make_project(tmp_path / "repo", **everything)


def run(call: CommandLine, repo: Path) -> tuple[dict[str, Any], str]:
    """Run the task; return the report and what was said."""
    done = call("run", str(repo / TASK), "--repo", str(repo), "--format", "json")
    return json.loads(done.out), done.err


def writes(text: bytes, path: str = "src/greeter/made.txt") -> str:
    """Return a tool that writes a text which does not stand in the tool itself."""
    codes = [code ^ 85 for code in text]
    return f"open({path!r}, 'wb').write(bytes(code ^ 85 for code in {codes}))\n"


def objects_of(repo: Path) -> bytes:
    command = ["git", "-C", str(repo), "cat-file", "--batch-all-objects", "--batch"]
    objects = subprocess.run(command, capture_output=True, check=True).stdout
    assert b"def greet" in objects, "the objects were not read"
    return objects


def manifest_of(repo: Path, report: dict[str, Any]) -> dict[str, Any]:
    return json.loads((repo / report["manifest_path"]).read_text())


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("POSTGRES_PASSWORD", "postgres", "an ordinary word"),
        ("MYSQL_ROOT_PASSWORD", "changeme", "an ordinary word"),
        ("SESSION_SECRET", "development", "an ordinary word"),
        ("ADMIN_PASS", "12345678", "a number"),
        ("SSH_KEY", "{key}", "the path of a file"),
        ("CACHE_PASSWORD", "in-the-base-7x", "it stands in the repository"),
        ("PIN_TOKEN", "on", "shorter than 6 characters"),
    ],
)
def test_a_value_that_stands_everywhere_is_left_and_the_variable_is_named(
    tmp_path: Path,
    call: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    why: str,
) -> None:
    key = tmp_path / "deploy.pem"
    key.write_text("x")
    value = value.format(key=key)
    monkeypatch.setenv(name, value)
    repo = project_with(
        tmp_path,
        writes(f"url = {value}\n".encode()),
        **{"compose.yaml": "password: in-the-base-7x\n"},
    )
    report, said = run(call, repo)
    assert report["verdict"] == "approved", report["reason"]
    assert f"url = {value}" in (repo / report["patch_path"]).read_text()
    assert said.count(f"{name} ({why})") == 1
    rails = manifest_of(repo, report)["guardrails"]
    noted = [rail["detail"] for rail in rails if rail["name"] == "unmasked-variables"]
    assert [f"{name} ({why})" in detail for detail in noted] == [True]


@pytest.mark.parametrize(
    "value", ["xK9mQ2pz", "tr0ub4do", "pa55-W0rd", "zqxjkvbw", "482910384756291"]
)
def test_a_short_password_that_is_no_word_is_masked_and_fails_the_run(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("DB_PASSWORD", value)
    repo = project_with(tmp_path, writes(f"url = {value}\n".encode()))
    report, said = run(call, repo)
    assert (report["verdict"], report["exit_code"], report["branch"]) == ("failed", 1, "")
    assert "DB_PASSWORD" in report["reason"]
    assert value not in said
    assert [one["name"] for one in manifest_of(repo, report)["guardrails"]].count(
        "secret-in-output"
    ) == 1


def test_a_variable_that_the_configuration_says_holds_no_secret_is_left(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_TOKEN", CANARY)
    settings = '[credentials]\nnot_secret = ["PUBLIC_TOKEN"]\n'
    repo = project_with(tmp_path, writes(CANARY.encode()), **{".codex-orchestrator.toml": settings})
    report, said = run(call, repo)
    assert report["verdict"] == "approved", report["reason"]
    assert "PUBLIC_TOKEN (credentials.not_secret)" in said
    doctor = json.loads(call("doctor", "--repo", str(repo), "--format", "json").out)
    fact = doctor["settings"]["credentials.not_secret"]
    assert fact == {"value": ["PUBLIC_TOKEN"], "origin": ".codex-orchestrator.toml"}


@pytest.mark.parametrize("names", ['["NOT A NAME"]', '"TOKEN"', "[1]"])
def test_a_list_of_variables_that_is_none_is_refused(
    tmp_path: Path, call: CommandLine, names: str
) -> None:
    settings = f"[credentials]\nnot_secret = {names}\n"
    repo = project_with(tmp_path, "", **{".codex-orchestrator.toml": settings})
    done = call("run", str(repo / TASK), "--repo", str(repo))
    assert done.code == 2
    assert "credentials.not_secret" in done.err


@pytest.mark.parametrize("form", ["raw", "base64, second place", "hex, capitals", "over lines"])
def test_of_a_change_with_a_secret_nothing_is_kept_in_git_or_in_the_run_folder(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", CANARY)
    text = b"\0binary\n" if form == "raw" else b""
    repo = project_with(tmp_path, writes(text + FORMS[form](CANARY.encode())))
    report, said = run(call, repo)
    assert (report["verdict"], report["branch"]) == ("failed", "")
    assert "DEPLOY_TOKEN" in report["reason"]
    hunter = Hunter([CANARY])
    for path in (*(repo / ".runs").rglob("*"), *(repo / "out").rglob("*")):
        assert path.is_dir() or not hunter.hunt_file(path), path
    assert not hunter.hunt(objects_of(repo))
    assert not hunter.hunt(said.encode())
    subprocess.run(["git", "-C", str(repo), "fsck", "--strict"], check=True, capture_output=True)


def test_objects_of_others_stay_where_a_secret_is_removed(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", CANARY)
    repo = project_with(tmp_path, writes(CANARY.encode()))
    lost = (
        subprocess.run(
            ["git", "-C", str(repo), "hash-object", "-w", "--stdin"],
            input=b"somebody's dropped work\n",
            capture_output=True,
            check=True,
        )
        .stdout.decode()
        .strip()
    )
    assert run(call, repo)[0]["verdict"] == "failed"
    subprocess.run(["git", "-C", str(repo), "cat-file", "-e", lost], check=True)


def test_a_token_in_the_base_is_left_where_a_file_with_it_is_changed(
    tmp_path: Path, call: CommandLine
) -> None:
    token = "ghp_" + "a1B2c3D4e5" * 4
    repo = project_with(
        tmp_path,
        "open('docs/fixture.txt', 'a').write('more\\n')\n",
        **{"docs/fixture.txt": f"{token}\n"},
    )
    report, _ = run(call, repo)
    assert report["verdict"] == "approved", report["reason"]
    assert token in (repo / report["patch_path"]).read_text()


def test_a_token_that_a_change_brings_fails_the_run(tmp_path: Path, call: CommandLine) -> None:
    token = "ghp_" + "a1B2c3D4e5" * 4
    repo = project_with(tmp_path, writes(token.encode()))
    report, _ = run(call, repo)
    assert report["verdict"] == "failed"
    assert "GitHub token" in report["reason"]
    assert token not in (repo / report["patch_path"]).read_text()


def test_a_change_that_takes_a_token_out_can_be_applied(tmp_path: Path, call: CommandLine) -> None:
    token = "ghp_" + "a1B2c3D4e5" * 4
    step = "open('src/greeter/conf.txt', 'w').write('token from the vault')\n"
    repo = project_with(tmp_path, step, **{"src/greeter/conf.txt": f"token = {token}\n"})
    report, _ = run(call, repo)
    assert report["verdict"] == "approved", report["reason"]
    subprocess.run(["git", "-C", str(repo), "apply", report["patch_path"]], check=True)
    assert token not in (repo / "src/greeter/conf.txt").read_text()


def test_a_file_with_a_private_key_of_the_base_may_be_changed(
    tmp_path: Path, call: CommandLine
) -> None:
    lines = (f"MIIEowIBAAKCAQEA{number:02d}abcdefghijKLMNOPqrst0123456789" for number in range(9))
    body = "".join(f"{line}\n" for line in lines)
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----\n"
    step = "open('src/greeter/test.pem', 'a').write('# for tests only\\n')\n"
    repo = project_with(tmp_path, step, **{"src/greeter/test.pem": key})
    report, _ = run(call, repo)
    assert report["verdict"] == "approved", report["reason"]


@pytest.mark.parametrize(
    "text",
    ["ghp_" + "x" * 36, "sk-" + "x" * 40, "AKIA" + "IOSFODNN7EXAMPLE", "github_pat_" + "0" * 40],
)
def test_a_token_as_documents_show_it_is_none(tmp_path: Path, call: CommandLine, text: str) -> None:
    repo = project_with(tmp_path, writes(text.encode()))
    report, _ = run(call, repo)
    assert report["verdict"] == "approved", report["reason"]


def test_an_ordinary_line_of_a_secret_file_is_no_secret(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_SECRET", "apiVersion: v1\nkind: Config\ntoken: q7Xw9Kz4Lm2Np8Rt\n")
    repo = project_with(tmp_path, writes(b"apiVersion: v1\nkind: Config\n"))
    report, _ = run(call, repo)
    assert report["verdict"] == "approved", report["reason"]


def test_the_random_word_in_a_line_of_a_secret_file_is_one(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_SECRET", "apiVersion: v1\nkind: Config\ntoken: q7Xw9Kz4Lm2Np8Rt\n")
    repo = project_with(tmp_path, writes(b"token q7Xw9Kz4Lm2Np8Rt"))
    report, _ = run(call, repo)
    assert report["verdict"] == "failed"


def test_a_secret_that_a_check_writes_into_the_work_is_neither_delivered_nor_kept(
    tmp_path: Path, call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", CANARY)
    test = "import unittest\n" + writes(CANARY.encode())
    repo = project_with(tmp_path, writes(b"made\n", "src/greeter/other.txt"))
    (repo / "tests/test_writes.py").write_text(
        test + "class T(unittest.TestCase):\n    def test_it(self):\n        pass\n"
    )
    subprocess.run(["git", "-C", str(repo), "add", "."], check=True)
    subprocess.run(
        ["git", "-C", str(repo), "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "t"],
        check=True,
    )
    report, _ = run(call, repo)
    assert (report["verdict"], report["exit_code"]) == ("approved", 0)
    assert CANARY not in (repo / report["patch_path"]).read_text()
    assert CANARY.encode() not in objects_of(repo)
