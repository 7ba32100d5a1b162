"""One comment, whatever happens: the sticky comment through PyGithub on a server that remembers."""

import hashlib
import json
import re

import pytest

from codex_orchestrator.github.client import RetryPolicy
from codex_orchestrator.github.comment import StickyText, comment_key, keep_comment
from codex_orchestrator.github.pull_request import (
    PullRequest,
    RefusedWriteError,
    UnclearWriteError,
)
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.model.errors import InputError, NotCheckedError, ServiceError
from codex_orchestrator.text.markdown import Markdown
from support.github_server import BOT, Fault, GitHubServer

HASTY = RetryPolicy(
    attempts=3,
    timeout_s=5,
    backoff_s=0.0,
    secondary_wait_s=0.01,
    rate_limit_wait_s=1,
    between_writes_s=0.0,
)
TOKEN = "ghs_canary0123456789"
KEY = comment_key("ci", "review", "0007")


def sticky(text="Reviewed, 0 findings.", *, run=(100, 1), key=KEY):
    return StickyText(key=key, run=run, head_sha="2" * 40, text=Markdown(text))


class Publisher:
    """Publishes on one server and remembers how long it would have waited."""

    def __init__(self, server: GitHubServer, *, number: int = 7) -> None:
        self.server = server
        self.number = number
        self.waits: list[float] = []

    def __call__(self, text=None, *, author=BOT):
        secret = Secret(TOKEN, scope=Scope.GITHUB)
        with PullRequest(
            "o/r", self.number, token=secret, api_url=self.server.url, retry=HASTY
        ) as pull:
            return keep_comment(pull, text or sticky(), author=author, wait=self.waits.append)


@pytest.fixture
def publish(github) -> Publisher:
    return Publisher(github)


def bodies(server):
    return [comment["body"] for comment in server.comments.values()]


def test_the_first_publication_creates_the_comment_and_reads_it_back(github, publish):
    delivered = publish()
    [body] = bodies(github)
    marker, _, text = body.partition("\n")
    assert re.fullmatch(
        r"<!-- codex-orchestrator:1 key=ci/review/0007 run=100\.1 head=2{40} digest=\w{64} -->",
        marker,
    )
    assert text == "Reviewed, 0 findings."
    assert delivered.comment_action == "created"
    assert delivered.comment_digest == hashlib.sha256(text.encode()).hexdigest()
    assert delivered.comment_url.endswith(f"#issuecomment-{delivered.comment_id}")
    assert github.exchanges[-1].path.endswith(f"/issues/comments/{delivered.comment_id}")


def test_the_second_publication_edits_the_same_comment(github, publish):
    first = publish(sticky("one"))
    second = publish(sticky("two", run=(101, 1)))
    assert (second.comment_id, second.comment_action) == (first.comment_id, "updated")
    assert [body.partition("\n")[2] for body in bodies(github)] == ["two"]


def test_publishing_the_same_text_again_writes_nothing(github, publish):
    publish()
    assert publish().comment_action == "unchanged"
    assert github.writes() == ["POST"]


def test_a_comment_that_somebody_edited_is_put_right(github, publish):
    first = publish()
    github.comments[first.comment_id]["body"] += "\nedited by hand"
    assert publish().comment_action == "updated"


def test_line_ends_of_the_web_editor_are_no_change(github, publish):
    first = publish(sticky("one\ntwo"))
    github.comments[first.comment_id]["body"] = github.comments[first.comment_id]["body"].replace(
        "\n", "\r\n"
    )
    assert publish(sticky("one\ntwo")).comment_action == "unchanged"


def test_a_marker_planted_by_somebody_else_is_left_alone(github, publish):
    planted = sticky("planted", run=(999, 1)).body()
    stranger = github.add_comment(planted, login="mallory")
    delivered = publish()
    assert delivered.comment_action == "created"
    assert github.comments[stranger]["body"] == planted


def test_a_marker_below_the_first_line_is_not_ours(github, publish):
    github.add_comment("quoted:\n" + sticky("x").body())
    assert publish().comment_action == "created"


def test_the_comment_is_found_behind_more_than_a_hundred_others(github, publish):
    for number in range(130):
        github.add_comment(f"chatter {number}", login="alice")
    publish(sticky("one"))
    for number in range(130):
        github.add_comment(f"more chatter {number}", login="alice")
    assert publish(sticky("two")).comment_action == "updated"
    assert sum("codex-orchestrator:1" in body for body in bodies(github)) == 1


def test_keys_keep_their_own_comments(github, publish):
    legs = [comment_key("ci", "review", f"task-{leg}") for leg in range(4)]
    for attempt in (1, 2):
        for leg in legs:
            publish(sticky(f"{leg} {attempt}", key=leg, run=(100, attempt)))
    assert len(github.comments) == 4


def test_an_older_run_does_not_overwrite_a_newer_one(github, publish):
    publish(sticky("new", run=(101, 1)))
    for run in ((100, 9), (101, 0)):
        assert publish(sticky("old", run=run)).comment_action == "superseded"
    assert [body.partition("\n")[2] for body in bodies(github)] == ["new"]


def test_a_second_attempt_of_the_same_run_is_newer(publish):
    publish(sticky("one", run=(100, 1)))
    assert publish(sticky("two", run=(100, 2))).comment_action == "updated"


def test_duplicates_of_ours_become_one(github, publish):
    first = github.add_comment(sticky("a").body())
    github.add_comment(sticky("b").body())
    github.add_comment(sticky("c").body())
    delivered = publish(sticky("d"))
    assert (delivered.comment_id, list(github.comments)) == (first, [first])


def test_equal_duplicates_become_one_too(github, publish):
    github.add_comment(sticky().body())
    github.add_comment(sticky().body())
    publish()
    assert len(github.comments) == 1


def test_a_comment_deleted_meanwhile_is_created_again(github, publish):
    first = publish(sticky("one"))

    def delete_after_listing(exchange):
        if exchange.method == "GET":
            github.comments.pop(first.comment_id, None)

    github.before_answer = delete_after_listing
    # The listing still showed it; the edit then finds nothing.
    listed = list(github.comments.values())
    assert listed
    assert publish(sticky("two")).comment_action == "created"
    assert [body.partition("\n")[2] for body in bodies(github)] == ["two"]


def test_an_edit_that_is_refused_makes_a_new_comment(github, publish):
    publish(sticky("one"))
    github.faults = [Fault("PATCH", 403, "Must have admin rights to Repository.")]
    assert publish(sticky("two")).comment_action == "created"
    assert publish(sticky("three")).comment_action == "updated"
    assert len(github.comments) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", 502, lands=True),
        Fault("POST", 500, lands=True),
        Fault("POST", 503, headers={"Retry-After": "1"}, lands=True),
        Fault("POST", lands=True, drops=True),
    ],
    ids=["502", "500", "503 with Retry-After", "dropped"],
)
def test_a_create_that_failed_after_taking_effect_leaves_one_comment(github, publish, fault):
    github.faults = [fault]
    delivered = publish()
    assert delivered.comment_action == "created"
    assert len(github.comments) == 1
    assert publish.waits == [2.0]


@pytest.mark.parametrize("fault", [Fault("POST", 502), Fault("POST", drops=True)])
def test_a_create_that_failed_without_effect_is_tried_once_more(github, publish, fault):
    github.faults = [fault]
    assert publish().comment_action == "created"
    assert len(github.comments) == 1
    assert github.writes() == ["POST", "POST"]


def test_a_copy_of_our_text_by_somebody_else_is_not_taken_for_a_create_that_landed(github, publish):
    stranger = github.add_comment(sticky().body(), login="mallory")
    github.faults = [Fault("POST", 502)]
    delivered = publish()
    assert delivered.comment_id != stranger
    assert delivered.comment_author == BOT


def test_comments_are_listed_by_the_hundred(github, publish):
    for number in range(130):
        github.add_comment(f"chatter {number}", login="alice")
    publish()
    lists = [one for one in github.exchanges if one.path.endswith("/issues/7/comments")]
    assert [one.method for one in lists] == ["GET", "GET", "POST"]


def test_a_create_that_keeps_failing_ends_with_the_service_named(github, publish):
    github.faults = [Fault("POST", 502), Fault("POST", 502)]
    with pytest.raises(UnclearWriteError, match=r"o/r#7: cannot create a comment: 502") as caught:
        publish()
    assert "run is kept" in caught.value.fix
    assert publish.waits == [2.0, 5.0]
    assert github.comments == {}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", 403, "You have exceeded a secondary rate limit.", {"Retry-After": "0"}),
        Fault("POST", 429, "slow down", {"Retry-After": "0"}),
    ],
)
def test_a_create_that_github_asked_to_wait_for_is_sent_again(github, publish, fault):
    github.faults = [fault]
    assert publish().comment_action == "created"
    assert len(github.comments) == 1
    assert publish.waits == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault("PATCH", 502),
        Fault("PATCH", drops=True),
        Fault("PATCH", 403, "You have exceeded a secondary rate limit."),
        Fault("GET", 429, "slow down"),
        Fault("GET", 503),
        Fault("GET", drops=True),
    ],
    ids=lambda fault: f"{fault.method} {fault.status} {'dropped' if fault.drops else ''}",
)
def test_reads_and_edits_are_tried_again(github, publish, fault):
    publish(sticky("one"))
    github.faults = [fault]
    assert publish(sticky("two")).comment_action == "updated"


def test_a_rate_limit_that_lasts_too_long_ends_with_the_service_named(github, publish):
    reset = {"X-RateLimit-Reset": "4102444800", "X-RateLimit-Remaining": "0"}
    github.faults = [Fault("GET", 403, "API rate limit exceeded for user ID 1.", reset)]
    with pytest.raises(ServiceError, match="rate limit"):
        publish()


def test_a_token_that_may_only_read_is_refused_with_the_permission_named(github, publish):
    github.is_read_only = True
    with pytest.raises(RefusedWriteError) as caught:
        publish()
    assert "pull-requests: write" in caught.value.fix
    assert github.comments == {}


def test_a_wrong_token_is_told_apart_from_a_missing_permission(github, publish):
    github.faults = [Fault("GET", 401, "Bad credentials")]
    with pytest.raises(NotCheckedError, match="401 Bad credentials") as caught:
        publish()
    assert "new one" in caught.value.fix


def test_a_pull_request_that_is_not_there_is_named(github):
    with pytest.raises(NotCheckedError, match="o/r#8"):
        Publisher(github, number=8)()


def test_a_comment_that_reads_back_differently_is_not_delivered(github, publish):
    def tamper(exchange):
        if exchange.method == "POST":
            for comment in github.comments.values():
                comment["body"] = "something else"

    github.before_answer = tamper
    with pytest.raises(ServiceError, match="reads back differently"):
        publish()


def test_a_token_of_another_name_finds_its_earlier_comment(github, publish):
    github.login = "review-app[bot]"
    first = publish(sticky("one"))
    second = publish(sticky("two"))
    assert (second.comment_id, second.comment_author, second.comment_action) == (
        first.comment_id,
        "review-app[bot]",
        "updated",
    )
    assert len(github.comments) == 1


def test_a_long_text_is_cut_below_githubs_limit(github, publish):
    publish(sticky("line of text\n" * 10_000))
    [body] = bodies(github)
    assert len(body) < 65_536
    assert body.endswith("_Cut here: a comment cannot hold more. The job summary has all of it._")


def test_a_key_holds_no_character_that_ends_the_marker():
    key = comment_key("build --> x\n", "job/1", "@bob")
    assert re.fullmatch(r"[A-Za-z0-9%._/-]+", key)
    assert key.count("/") == 2


@pytest.mark.parametrize(
    "url", ["http://api.example.com", "ftp://x", "https://", "https://u:p@host", "", "file:///x"]
)
def test_a_token_is_not_sent_in_the_clear(url):
    with pytest.raises(InputError, match="https"):
        PullRequest("o/r", 7, token=Secret(TOKEN, scope=Scope.GITHUB), api_url=url)


def test_no_message_holds_the_token(github, publish):
    for fault in (
        Fault("GET", 401, f"token {TOKEN} is bad"),
        Fault("GET", 422, f"::error::{TOKEN}\x1b[31m"),
    ):
        github.faults = [fault]
        with pytest.raises((NotCheckedError, ServiceError)) as caught:
            publish()
        assert TOKEN not in caught.value.message
        assert "\x1b" not in caught.value.message
    assert TOKEN not in json.dumps([vars(one) for one in github.exchanges])
