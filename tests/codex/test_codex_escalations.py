"""A wish to leave the sandbox: declined unless a person granted exactly that."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_orchestrator.codex.binary import CodexBinary
from codex_orchestrator.codex.escalation import Grants, parse_request, plain_argv, relative_path
from codex_orchestrator.model.approval import ApprovalKind
from codex_orchestrator.model.codex_call import Escalation
from support.codex_session import SessionOnLoopback, session_on_loopback
from support.responses_server import patch, say, shell, step

RUN, EDIT, NETWORK = ApprovalKind.RUN, ApprovalKind.EDIT, ApprovalKind.NETWORK


def wish(command: str) -> dict[str, str]:
    return {
        "cmd": command,
        "sandbox_permissions": "require_escalated",
        "justification": "I need it",
    }


def test_a_wish_is_declined_and_reported_and_the_turn_goes_on(
    session: SessionOnLoopback, repo: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    report = session.turn(
        repo,
        step(shell(**_as_shell(wish(f"touch {outside}")))),
        step(say("I could not")),
    )
    assert report.status == "approval-required"
    assert report.content == "I could not"
    (asked,) = report.escalations
    assert (str(asked), asked.reason) == ("run:touch", "I need it")
    assert asked.can_be_approved
    assert asked.detail == f"/bin/bash -c 'touch {outside}'"
    assert not outside.exists()
    assert report.commands[0].status == "declined"


def test_a_granted_command_runs_and_another_one_does_not(
    codex_binary: CodexBinary, repo: Path, tmp_path: Path
) -> None:
    with session_on_loopback(codex_binary, grants=[(RUN, "touch")]) as running:
        report = running.turn(
            repo,
            step(shell(**_as_shell(wish(f"touch {tmp_path}/granted")))),
            step(shell(**_as_shell(wish(f"cp /etc/hostname {tmp_path}/other")))),
            step(shell(**_as_shell(wish(f"touch {tmp_path}/a; cp /etc/hostname {tmp_path}/b")))),
            step(say("done")),
        )
        decided = [(str(asked), granted) for asked, granted in running.escalations]
    assert (tmp_path / "granted").exists()
    assert not [name for name in ("other", "a", "b") if (tmp_path / name).exists()]
    assert [granted for _, granted in decided] == [True, False, False]
    assert [asked.can_be_approved for asked in report.escalations] == [True, False]
    assert report.escalations[0].value == "cp"


def test_a_patch_of_a_guarded_folder_asks_for_an_edit_and_is_never_granted(
    codex_binary: CodexBinary, repo: Path, tmp_path: Path
) -> None:
    everything = [(EDIT, "**"), (EDIT, ".codex/**"), (EDIT, "/**")]
    with session_on_loopback(codex_binary, grants=everything) as running:
        report = running.turn(
            repo,
            step(patch("*** Add File: .codex/config.toml\n+x\n")),
            step(patch(f"*** Add File: {tmp_path}/outside.txt\n+x\n")),
            step(say("done")),
            model="gpt-5.5",
        )
    assert [str(asked) for asked in report.escalations] == [
        "edit:.codex/config.toml",
        f"edit:{tmp_path}/outside.txt",
    ]
    assert not any(asked.can_be_approved for asked in report.escalations)
    assert report.status == "completed", "to stop for a person would not help"
    assert report.files == ()
    assert not (tmp_path / "outside.txt").exists()
    assert not (repo / ".codex/config.toml").exists()


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("/bin/bash -c 'npm install left-pad'", ("npm", "install", "left-pad")),
        ("/bin/bash -lc 'npm ci'", ("npm", "ci")),
        ("npm ci", ("npm", "ci")),
        ("/bin/bash -c 'npm ci; curl x'", ()),
        ("/bin/bash -c 'npm ci && curl x'", ()),
        ("/bin/bash -c 'npm $(curl x)'", ()),
        ("/bin/bash -c 'npm `curl x`'", ()),
        ("/bin/bash -c 'npm > /etc/passwd'", ()),
        ("/bin/bash -c 'A=b npm'", ()),
        ("/bin/bash -c 'npm\ncurl x'", ()),
        ("/bin/bash -c 'npm", ()),
        ("", ()),
    ],
)
def test_only_a_command_that_no_shell_interprets_has_a_name(
    command: str, argv: tuple[str, ...]
) -> None:
    assert plain_argv(command) == argv


@given(st.text(alphabet="npm ci;&|<>()$`\\\n*?'\"=", max_size=30))
def test_a_grant_never_covers_a_command_with_a_shell_word_in_it(tail: str) -> None:
    command = f"npm {tail}"
    asked = Escalation(RUN, "npm", "", command, can_be_approved=True)
    if set(command) & set(";&|<>()$`\\\n*?"):
        assert not Grants(((RUN, "npm"),)).allow(asked, paths=(), command=command)


def test_network_is_never_granted() -> None:
    params = {"networkApprovalContext": {"host": "packages.example"}, "command": "pip install x"}
    asked = parse_request("item/commandExecution/requestApproval", params)
    assert str(asked) == "network:packages.example"
    assert asked is not None
    grants = Grants(((NETWORK, "packages.example"), (RUN, "pip")))
    assert not grants.allow(asked, paths=(), command="pip install x")


def test_an_edit_is_granted_when_every_path_of_it_is() -> None:
    grants = Grants(((EDIT, ".github/workflows/ci.yml"), (EDIT, "docs/**")))
    asked = Escalation(EDIT, "docs/a.md", "", "", can_be_approved=True)
    assert grants.allow(asked, paths=("docs/a.md", ".github/workflows/ci.yml"), command="")
    assert not grants.allow(asked, paths=("docs/a.md", "src/a.py"), command="")
    assert not grants.allow(asked, paths=(), command="")


def test_a_request_that_grants_nothing_is_no_escalation() -> None:
    assert parse_request("item/tool/requestUserInput", {}) is None


def test_a_path_outside_stays_absolute() -> None:
    assert relative_path("/w/repo/a/b.py", "/w/repo") == "a/b.py"
    assert relative_path("/w/other", "/w/repo") == "/w/other"


def _as_shell(arguments: dict[str, str]) -> dict[str, str]:
    return {"command": arguments.pop("cmd"), **arguments}
