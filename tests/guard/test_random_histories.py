"""Random histories in real git: the guard and the slow oracle see the same errors, in each view."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.guard_oracle import errors, snapshot
from support.guard_repo import TODAY, GuardRepo, days_ago

CODE_PATHS = ("src/a.py", "src/b/c.py", "app/d.py", "lib/e.py")
SPEC_PATHS = ("tasks/specs/1.md", "tasks/specs/2.md", "tasks/specs/sub/3.md")
GLOBS = st.lists(
    st.sampled_from(["src/**", "src/*.py", "app/**", "**/c.py", "lib/**", "src/b/*", "docs/**"]),
    max_size=2,
    unique=True,
)


@st.composite
def spec_texts(draw: st.DrawFn) -> str:
    lines = [f"id: s{draw(st.integers(1, 3))}"]
    lines += [
        f"status: {draw(st.sampled_from(['approved'] * 4 + ['draft', 'superseded', 'done']))}"
    ]
    age = draw(st.sampled_from([0, 1, 29, 30, 31, 60, -1, None]))
    if age is not None:
        quote = draw(st.sampled_from(["", "'", '"']))
        lines.append(f"last_review: {quote}{days_ago(age)}{quote}")
    globs = draw(GLOBS)
    if globs and draw(st.booleans()):
        lines.append(f"paths: [{', '.join(f'{chr(34)}{glob}{chr(34)}' for glob in globs)}]")
    elif globs:
        lines += ["paths:", *(f"  - '{glob}'" for glob in globs)]
    if draw(st.booleans()):
        lines += ["approvals:", f"  - {{role: dx, by: A, on: {days_ago(draw(st.integers(0, 2)))}}}"]
    if draw(st.integers(0, 9)) == 0:
        lines.append("id: again")
    body = draw(st.sampled_from(["# One\n", "# One \n\n", "# Two\n", "#  One\n"]))
    return "\n".join(["---", *lines, "---", body])


CHANGES = st.dictionaries(
    st.sampled_from(CODE_PATHS), st.sampled_from(["1\n", "2\n", None]), max_size=3
)
SPEC_CHANGES = st.dictionaries(
    st.sampled_from(SPEC_PATHS), st.one_of(spec_texts(), spec_texts(), st.none()), max_size=3
)
SETTINGS = st.tuples(
    st.sampled_from(["touched", "touched", "error", "ignore"]),
    st.sampled_from([(), (), ("dx",)]),
    st.sampled_from(["warn", "error"]),
)


def apply(repo: GuardRepo, files: dict[str, str | None]) -> None:
    """Write what is given; a deletion of what is not there is nothing."""
    repo.stage({k: v for k, v in files.items() if v is not None or (repo.root / k).exists()})


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    SETTINGS,
    CHANGES,
    SPEC_CHANGES,
    st.lists(st.tuples(CHANGES, SPEC_CHANGES), min_size=1, max_size=3),
)
def test_the_guard_agrees_with_the_oracle(
    chosen: tuple[str, tuple[str, ...], str],
    first_code: dict[str, str | None],
    first_specs: dict[str, str | None],
    steps: list[tuple[dict[str, str | None], dict[str, str | None]]],
) -> None:
    unowned, roles, self_review = chosen
    with tempfile.TemporaryDirectory() as folder:
        repo = GuardRepo(Path(folder) / "repo")
        config = (
            f'[guard]\ncode = ["src/**", "app/**"]\nunowned = "{unowned}"\n'
            f'self_review = "{self_review}"\nrequired_approvals = {list(roles)}\n'
        )
        apply(repo, {".codex-orchestrator.toml": config, **first_code, **first_specs})
        base = repo.commit()
        for code, specs in steps[:-1]:
            apply(repo, {**code, **specs})
            repo.commit()
        last = repo.git("rev-parse", "HEAD")
        apply(repo, {**steps[-1][0], **steps[-1][1]})
        staged = repo.staged()
        repo.commit()
        ranged, whole = repo.since(last), repo.since(base)
        after = snapshot(repo.root, "HEAD")
        for report, start in ((staged, last), (ranged, last), (whole, base)):
            seen = {
                (item.rule, item.path) for item in report.findings if str(item.severity) == "error"
            }
            expected = errors(
                snapshot(repo.root, start),
                after,
                today=TODAY,
                unowned=unowned,
                roles=roles,
                self_review=self_review,
            )
            assert seen == expected
            assert (report.outcome == "failed") == bool(expected)
