"""Items on this machine, with builders that a test plays: what is at work when, and what stays."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from codex_orchestrator.model.errors import (
    ApprovalRequiredError,
    InterruptedRunError,
    LimitReachedError,
    ServiceError,
)
from codex_orchestrator.model.manifest import Manifest
from codex_orchestrator.pipeline.build.here import LocalBuilder
from codex_orchestrator.pipeline.build.merge import conflict_findings
from support.hands import (
    PATIENCE_S,
    Builder,
    Hands,
    Site,
    files_of,
    make_item,
    make_plan,
    states_of,
)

ONE_TWO = make_plan(make_item("one"), make_item("two"))
DIAMOND = make_plan(
    make_item("top"), make_item("left", "top"), make_item("right", "top"),
    make_item("last", "left", "right"),
)  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def after(event: threading.Event, then: Builder | None = None) -> Builder:
    """Make a builder that waits for something before it does its work."""

    def build(hands: Hands) -> bool | None:
        assert event.wait(PATIENCE_S), "what it waits for never came"
        if then is not None:
            return then(hands)
        hands.write(f"{hands.item.id}.txt", f"{hands.item.id}\n")
        return None

    return build


def line(number: int, text: str) -> Builder:
    return lambda hands: hands.line(number, text)


def raises(error: Exception) -> Builder:
    def build(_hands: Hands) -> None:
        raise error

    return build


def is_clean(site: Site) -> bool:
    """Say whether no thread, no team but none, and no item's tree is left."""
    alive = [one.name for one in threading.enumerate() if one.name.startswith("item")]
    return not alive and site.bench.open_teams == 0 and not [n for n in site.trees if "." in n]


def test_items_that_are_ready_together_are_at_work_at_the_same_time(site: Site) -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE_S)

    def meet(hands: Hands) -> None:
        meeting.wait()
        hands.write(f"{hands.item.id}.txt", "x\n")

    site.bench.builders = {"one": meet, "two": meet}
    record = site.begin(ONE_TWO)
    with site.run(record) as run:
        assert LocalBuilder(run).build(ONE_TWO)
        assert set(files_of(run)) == {"a.txt", "one.txt", "two.txt"}
        roots = {root for _, root in site.bench.asked}
        assert len(roots) == 2
        assert run.tree.root not in roots
        assert len(record.manifest.patterns) == 2
    assert is_clean(site)


def test_a_single_item_is_built_in_the_run_s_own_work_tree_by_its_own_team(site: Site) -> None:
    plan = make_plan(make_item("one"), make_item("two", "one"))
    with site.run(site.begin(plan)) as run:
        assert LocalBuilder(run).build(plan)
        assert {root for _, root in site.bench.asked} == {run.tree.root}


def test_a_limit_of_one_is_one_after_the_other_in_plan_order(tmp_path: Path) -> None:
    site = Site(tmp_path, limits={"parallel": 1})
    with site.run(site.begin(ONE_TWO)) as run:
        assert LocalBuilder(run).build(ONE_TWO)
        assert site.bench.asked == [("one", run.tree.root), ("two", run.tree.root)]
        assert set(files_of(run)) == {"a.txt", "one.txt", "two.txt"}


def test_no_more_than_the_limit_are_at_work_at_once(tmp_path: Path) -> None:
    site = Site(tmp_path, limits={"parallel": 2})
    plan = make_plan(*(make_item(f"i{n}") for n in range(5)))
    meeting = threading.Barrier(2, timeout=PATIENCE_S)
    for name in ("i0", "i1"):
        site.bench.builders[name] = lambda _hands: meeting.wait() and None
    assert site.build(site.begin(plan), plan)
    assert site.bench.most == 2


def test_an_item_starts_from_what_it_depends_on_and_the_last_has_all(site: Site) -> None:
    seen: dict[str, set[str]] = {}

    def look(hands: Hands) -> None:
        names = ("top", "left", "right")
        seen[hands.item.id] = {name for name in names if hands.has(f"{name}.txt")}
        hands.write(f"{hands.item.id}.txt", "x\n")

    site.bench.builders = dict.fromkeys(("top", "left", "right", "last"), look)
    with site.run(site.begin(DIAMOND)) as run:
        assert LocalBuilder(run).build(DIAMOND)
    assert seen == {
        "top": set(), "left": {"top"}, "right": {"top"}, "last": {"top", "left", "right"},
    }  # fmt: skip


def test_items_are_merged_in_plan_order_whichever_is_done_first(site: Site) -> None:
    two_is_built = threading.Event()
    site.bench.builders = {"one": after(two_is_built)}
    site.when_said["two: built"] = two_is_built
    record = site.begin(ONE_TWO)
    assert site.build(record, ONE_TWO)
    assert site.said[-4:] == ["two: built", "one: built", "one: merged", "two: merged"]
    assert list(states_of(record)) == ["one", "two"]


def test_a_change_that_does_not_fit_is_made_again_on_the_work_so_far(site: Site) -> None:
    def second(hands: Hands) -> None:
        hands.line(5, "ONE and TWO" if hands.feedback else "TWO")

    site.bench.builders = {"one": line(5, "ONE"), "two": second}
    record = site.begin(ONE_TWO)
    with site.run(record) as run:
        assert LocalBuilder(run).build(ONE_TWO)
        assert "ONE and TWO" in files_of(run)["a.txt"]
        assert site.bench.asked[-1] == ("two", run.tree.root)
    assert "patch failed: a.txt:" in site.bench.fed_back["two"]
    assert "+TWO" in site.bench.fed_back["two"], "its own change is shown again"
    assert "one" not in {n for n, feedback in site.bench.fed_back.items() if feedback}
    (finding,) = conflict_findings(record.manifest)
    assert (finding.rule, finding.severity) == ("run/merge-conflict", "note")


def test_a_change_that_cannot_be_made_to_fit_fails_the_run_with_the_reason(site: Site) -> None:
    def second(hands: Hands) -> bool:
        hands.line(5, "TWO")
        return not hands.feedback

    site.bench.builders = {"one": line(5, "ONE"), "two": second}
    record = site.begin(make_plan(*ONE_TWO.items, make_item("three")))
    plan = record.manifest.plan
    assert plan is not None
    with site.run(record) as run:
        assert not LocalBuilder(run).build(plan)
        assert "three.txt" in files_of(run), "what was built beside it is merged"
    manifest = record.manifest
    assert manifest.verdict == "failed"
    assert "item two was not done" in manifest.notes.summary
    assert manifest.review is not None
    (finding,) = manifest.review.findings
    assert (finding.rule, finding.severity) == ("run/merge-conflict", "error")


def test_a_second_build_that_makes_nothing_is_no_mended_conflict(site: Site) -> None:
    def second(hands: Hands) -> None:
        if not hands.feedback:
            hands.line(5, "TWO")

    site.bench.builders = {"one": line(5, "ONE"), "two": second}
    record = site.begin(ONE_TWO)
    with site.run(record) as run:
        assert not LocalBuilder(run).build(ONE_TWO)
    assert states_of(record) == {"one": "done", "two": "failed"}
    assert "nothing was made in its place" in record.manifest.notes.summary
    (finding,) = conflict_findings(record.manifest)
    assert finding.severity == "error"


def test_lines_apart_in_one_file_fit_together(site: Site) -> None:
    site.bench.builders = {"one": line(1, "ONE"), "two": line(9, "TWO")}
    with site.run(site.begin(ONE_TWO)) as run:
        assert LocalBuilder(run).build(ONE_TWO)
        assert files_of(run)["a.txt"] == "ONE\n2\n3\n4\n5\n6\n7\n8\nTWO\n"


def test_an_item_that_changes_nothing_is_done(site: Site) -> None:
    site.bench.builders = {"one": lambda _hands: None, "two": lambda _hands: None}
    record = site.begin(ONE_TWO)
    with site.run(record) as run:
        assert LocalBuilder(run).build(ONE_TWO)
    assert states_of(record) == {"one": "done", "two": "done"}


def test_links_and_binary_files_of_an_item_arrive_as_they_are(site: Site) -> None:
    def build(hands: Hands) -> None:
        (hands.root / "link").symlink_to("a.txt")
        (hands.root / "data").write_bytes(bytes(range(256)))
        (hands.root / "run").write_text("#!/bin/sh\n")
        (hands.root / "run").chmod(0o755)

    site.bench.builders = {"two": build}
    with site.run(site.begin(ONE_TWO)) as run:
        assert LocalBuilder(run).build(ONE_TWO)
        assert os.readlink(run.tree.root / "link") == "a.txt"
        assert (run.tree.root / "data").read_bytes() == bytes(range(256))
        assert os.access(run.tree.root / "run", os.X_OK)


def test_an_item_that_fails_ends_the_run_and_the_others_work_is_kept(tmp_path: Path) -> None:
    site = Site(tmp_path, limits={"parallel": 2})
    two_asked = threading.Event()
    failed = threading.Event()

    def two(hands: Hands) -> None:
        two_asked.set()
        assert failed.wait(PATIENCE_S)
        hands.write("two.txt", "two\n")

    site.bench.builders = {"one": after(two_asked, lambda _hands: False), "two": two}
    site.when_said["one: not done"] = failed
    plan = make_plan(*ONE_TWO.items, make_item("three"))
    record = site.begin(plan)
    with site.run(record) as run:
        assert not LocalBuilder(run).build(plan)
        assert "two.txt" in files_of(run)
    assert states_of(record) == {"three": "planned", "one": "failed", "two": "done"}
    assert record.manifest.notes.summary == "item one was not done: did one"
    assert site.bench.count("three") == 0, "nothing new is begun"
    assert is_clean(site)


def test_all_that_builders_ask_a_person_for_is_named_at_once(site: Site) -> None:
    meeting = threading.Barrier(3, timeout=PATIENCE_S)

    def asks(wanted: str) -> Builder:
        def build(hands: Hands) -> None:
            meeting.wait()
            hands.write("asked.txt", wanted)
            raise ApprovalRequiredError(f"the builder asks for {wanted}", wanted=(wanted,))

        return build

    def three(hands: Hands) -> None:
        meeting.wait()
        hands.write("three.txt", "three\n")

    site.bench.builders = {"one": asks("edit:x"), "two": asks("run:make it"), "three": three}
    plan = make_plan(*ONE_TWO.items, make_item("three"))
    record = site.begin(plan)
    with pytest.raises(ApprovalRequiredError) as caught:
        site.build(record, plan)
    error = caught.value
    assert sorted(error.wanted) == ["edit:x", "run:make it"]
    assert "item one: the builder asks for edit:x" in error.message
    assert "item two: the builder asks for run:make it" in error.message
    assert error.patch.count(b"+++ b/asked.txt") == 2, "what was changed so far can be looked at"
    assert states_of(record)["three"] == "built"
    assert is_clean(site)
    site.bench.builders = {}
    again = site.record_of(site.store.load(record.manifest.run.id))
    with site.run(again) as run:
        assert LocalBuilder(run).build(plan)
        assert len(files_of(run)) == 4
    assert site.bench.count("three") == 1, "what was built is not built again"


@pytest.mark.parametrize(
    "trouble", [LimitReachedError("enough", reason="limits.turns"), ServiceError("no server")]
)
def test_a_limit_or_a_failing_service_ends_all_that_is_at_work(
    site: Site, trouble: Exception
) -> None:
    two_is_built = threading.Event()
    site.bench.builders = {
        "one": after(two_is_built, raises(trouble)),
        "three": Hands.wait_to_be_stopped,
    }
    plan = make_plan(*ONE_TWO.items, make_item("three"))
    record = site.begin(plan)
    site.when_said["two: built"] = two_is_built
    with pytest.raises(type(trouble)) as caught:
        site.build(record, plan)
    assert caught.value is trouble
    assert is_clean(site)
    is_over = isinstance(trouble, LimitReachedError)
    # A run that is over has merged what was built; another one will merge it when it goes on.
    assert states_of(record)["two"] == ("done" if is_over else "built")


def test_an_interruption_ends_all_that_is_at_work_and_keeps_what_was_built(site: Site) -> None:
    two_is_built = threading.Event()

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    def one(hands: Hands) -> None:
        assert two_is_built.wait(PATIENCE_S)
        os.kill(os.getpid(), signal.SIGUSR1)
        hands.wait_to_be_stopped()

    site.bench.builders = {"one": one, "three": Hands.wait_to_be_stopped}
    plan = make_plan(*ONE_TWO.items, make_item("three"))
    record = site.begin(plan)
    site.when_said["two: built"] = two_is_built
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            site.build(record, plan)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert states_of(record) == {"one": "running", "three": "running", "two": "built"}
    assert is_clean(site)


def test_teams_that_are_told_to_stop_do_not_hide_an_interruption_of_their_own(
    site: Site,
) -> None:
    site.bench.builders = {"one": raises(InterruptedRunError("by itself"))}
    record = site.begin(ONE_TWO)
    with pytest.raises(InterruptedRunError, match="by itself"):
        site.build(record, ONE_TWO)


def test_work_trees_that_a_killed_run_left_are_removed(site: Site) -> None:
    record = site.begin(ONE_TWO)
    left = f"{record.manifest.run.id}.item-0"
    site.is_killed_in(left)
    assert left in site.trees
    with site.run(record) as run:
        assert LocalBuilder(run).build(ONE_TWO)
        assert "dirt.txt" not in files_of(run)
        assert [name for name in site.trees if "." in name] == []


class _Killed(BaseException):
    """The process is gone."""


class _DyingStore:
    """A store that saves a number of manifests, and then the process is gone."""

    def __init__(self, store: object, saves: int) -> None:
        self._store = store
        self._saves = saves

    def save(self, manifest: Manifest) -> str:
        if not self._saves:
            raise _Killed
        self._saves -= 1
        digest: str = self._store.save(manifest)  # type: ignore[attr-defined]
        return digest

    def __getattr__(self, name: str) -> Callable[..., object]:
        method: Callable[..., object] = getattr(self._store, name)
        return method


def test_a_run_that_dies_after_any_record_goes_on_to_the_same_result(tmp_path: Path) -> None:
    plan = make_plan(*DIAMOND.items, make_item("alone"))

    def right(hands: Hands) -> None:
        hands.line(5, "left and right" if hands.feedback else "right")

    builders: dict[str, Builder] = {"left": line(5, "left"), "right": right}
    whole = Site(tmp_path / "whole", limits={"parallel": 3})
    whole.bench.builders = builders
    with whole.run(whole.begin(plan)) as run:
        assert LocalBuilder(run).build(plan)
        wanted = files_of(run)
    died = 0
    for saves in range(1, 100):
        site = Site(tmp_path / f"after-{saves}", limits={"parallel": 3})
        site.bench.builders = builders
        record = site.begin(plan)
        durable = site.store
        site.store = _DyingStore(durable, saves)
        dying = site.record_of(record.manifest)
        try:
            site.build(dying, plan)
        except _Killed:
            died += 1
        else:
            break
        site.store = durable
        kept = durable.load(record.manifest.run.id)
        before = [name for name, _ in site.bench.asked]
        again = site.record_of(kept)
        with site.run(again) as run:
            assert LocalBuilder(run).build(plan)
            assert files_of(run) == wanted, f"after {saves} records"
        # What was built and does not fit is to be made again; what is merged never is.
        finished = {one.id for one in kept.items if one.state == "done"}
        finished |= {one.id for one in kept.items if one.state == "built" and one.id != "right"}
        asked = [name for name, _ in site.bench.asked][len(before) :]
        assert finished.isdisjoint(asked), f"after {saves} records: {finished} {asked}"
    assert died > 15
