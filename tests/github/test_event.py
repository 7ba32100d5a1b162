"""Each event names its commits in its own way; one function knows them all."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_orchestrator.github.event import MAX_PAYLOAD_BYTES, ChangeEvent, read_event
from codex_orchestrator.model.errors import InputError, NotCheckedError

BASE, HEAD, MERGE, ZERO = "b" * 40, "a" * 40, "c" * 40, "0" * 40


def environment(tmp_path: Path, name: str, payload: Any = None, **changes: str) -> dict[str, str]:
    path = tmp_path / "event.json"
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    path.write_bytes(data)
    return {
        "GITHUB_EVENT_NAME": name,
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_SHA": MERGE,
        **changes,
    }


def pull_request(home: Any = "o/r", number: Any = 7, head: Any = HEAD) -> dict[str, Any]:
    repo = None if home is None else {"full_name": home}
    return {
        "pull_request": {
            "number": number,
            "head": {"sha": head, "repo": repo},
            "base": {"sha": BASE},
        }
    }


@pytest.mark.parametrize(
    "name",
    ["pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"],
)
def test_a_pull_request_gives_its_own_head_and_not_the_merge_commit(tmp_path, name):
    found = read_event(environment(tmp_path, name, pull_request()))
    assert found == ChangeEvent(
        name=name,
        repository="o/r",
        base_sha=BASE,
        head_sha=HEAD,
        pull_request=7,
        checkout_sha=MERGE,
    )


@pytest.mark.parametrize("home", ["mallory/r", None, "O/R", 5])
def test_a_head_in_another_or_a_deleted_repository_is_read_like_any_other(tmp_path, home):
    found = read_event(environment(tmp_path, "pull_request", pull_request(home)))
    assert (found.base_sha, found.head_sha, found.pull_request) == (BASE, HEAD, 7)


@pytest.mark.parametrize(("before", "base"), [(BASE, BASE), (ZERO, "")])
def test_a_push_compares_with_what_stood_there_before(tmp_path, before, base):
    found = read_event(environment(tmp_path, "push", {"before": before, "after": HEAD}))
    assert (found.base_sha, found.head_sha, found.pull_request) == (base, HEAD, None)


def test_a_deleted_branch_is_not_checked(tmp_path):
    with pytest.raises(NotCheckedError, match="deleted a branch"):
        read_event(environment(tmp_path, "push", {"before": BASE, "after": ZERO}))


def test_a_merge_group_has_commits_and_no_pull_request(tmp_path):
    payload = {"merge_group": {"base_sha": BASE, "head_sha": HEAD}}
    found = read_event(environment(tmp_path, "merge_group", payload))
    assert (found.base_sha, found.head_sha, found.pull_request) == (BASE, HEAD, None)


def test_a_workflow_run_takes_the_pull_request_whose_head_it_ran_on(tmp_path):
    listed = [
        {"number": 3, "head": {"sha": MERGE}, "base": {"sha": MERGE}},
        {"number": 9, "head": {"sha": HEAD}, "base": {"sha": BASE}},
    ]
    run = {"head_sha": HEAD, "pull_requests": listed, "head_repository": {"full_name": "o/r"}}
    found = read_event(environment(tmp_path, "workflow_run", {"workflow_run": run}))
    assert (found.base_sha, found.pull_request) == (BASE, 9)


def test_a_workflow_run_of_a_fork_names_no_pull_request(tmp_path):
    run = {"head_sha": HEAD, "pull_requests": [], "head_repository": {"full_name": "mallory/r"}}
    found = read_event(environment(tmp_path, "workflow_run", {"workflow_run": run}))
    assert (found.head_sha, found.pull_request) == (HEAD, None)


@pytest.mark.parametrize("name", ["workflow_dispatch", "schedule", "repository_dispatch"])
def test_a_manual_or_timed_run_has_only_the_commit_that_was_checked_out(tmp_path, name):
    found = read_event(environment(tmp_path, name, b"not even read"))
    assert (found.base_sha, found.head_sha, found.pull_request) == ("", MERGE, None)


@pytest.mark.parametrize("name", ["issue_comment", "label", ""])
def test_an_event_without_a_commit_is_not_checked(tmp_path, name):
    with pytest.raises(NotCheckedError) as caught:
        read_event(environment(tmp_path, name, {}))
    assert caught.value.fix


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (pull_request(number="7"), "pull_request.number: must be a positive integer"),
        (pull_request(number=True), "pull_request.number"),
        (pull_request(number=0), "pull_request.number"),
        (pull_request(head="HEAD"), "pull_request.head.sha: must be a full commit name"),
        (pull_request(head="a" * 40 + "\n"), "pull_request.head.sha"),
        (pull_request(head=ZERO), "pull_request.head.sha"),
        ({}, "pull_request.base.sha"),
        ([], "must be a JSON object"),
        (b'{"a": 1, "a": 2}', "duplicate key"),
        (b"\xff", "not UTF-8"),
        (b"[" * 5000, "nested deeper"),
        (b"{", "line 1"),
    ],
)
def test_a_payload_that_is_not_what_github_sends_names_the_field(tmp_path, payload, message):
    with pytest.raises(InputError) as caught:
        read_event(environment(tmp_path, "pull_request", payload))
    assert "event.json" in caught.value.message
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"GITHUB_REPOSITORY": "../../x"}, "GITHUB_REPOSITORY"),
        ({"GITHUB_REPOSITORY": ""}, "GITHUB_REPOSITORY"),
        ({"GITHUB_SHA": "main"}, "GITHUB_SHA"),
        ({"GITHUB_EVENT_PATH": ""}, "GITHUB_EVENT_PATH"),
        ({"GITHUB_EVENT_PATH": "/nonexistent/event.json"}, "cannot be read"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_event(environment(tmp_path, "pull_request", pull_request(), **changes))


def test_a_payload_larger_than_the_limit_is_refused(tmp_path):
    big = b'{"a": "' + b"x" * MAX_PAYLOAD_BYTES + b'"}'
    with pytest.raises(InputError, match="more than"):
        read_event(environment(tmp_path, "push", big))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(HEAD),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["pull_request", "head", "base", "sha", "number", "repo", "full_name", "after",
             "before", "merge_group", "workflow_run", "head_sha", "base_sha", "pull_requests"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(json_values, st.sampled_from(["pull_request", "push", "merge_group", "workflow_run"]))
def test_any_payload_gives_an_answer_or_a_named_error(tmp_path_factory, payload, name):
    folder = tmp_path_factory.getbasetemp()
    with contextlib.suppress(InputError, NotCheckedError):
        assert len(read_event(environment(folder, name, payload)).head_sha) == 40
