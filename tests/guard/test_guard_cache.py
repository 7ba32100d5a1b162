"""The cache can be deleted, torn, foreign or shared: the verdict stays."""

import random
from pathlib import Path

import pytest

from codex_orchestrator.guard.cache import FactsCache, cache_path
from codex_orchestrator.guard.facts import Facts
from support.guard_repo import GOOD, GuardRepo, codes, days_ago, spec


@pytest.fixture
def filled(repo: GuardRepo) -> tuple[GuardRepo, Path]:
    repo.commit({GOOD: spec(review=days_ago(31)), "pyproject.toml": "[tool.codex-orchestrator]\n"})
    repo.stage({"src/a.py": "x = 2\n"})
    assert codes(repo.staged()) == ["SPEC002"]
    place = Path(cache_path(str(repo.root), None))
    assert place.is_file()
    return repo, place


def test_a_warm_cache_asks_git_for_no_object(filled: tuple[GuardRepo, Path]) -> None:
    repo, _ = filled
    blob = repo.git("rev-parse", f"HEAD:{GOOD}")
    (repo.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert codes(repo.staged()) == ["SPEC002"]


def test_a_torn_or_foreign_cache_changes_nothing(filled: tuple[GuardRepo, Path]) -> None:
    repo, place = filled
    whole = place.read_bytes()
    rng = random.Random(7)  # noqa: S311 - a repeatable choice of bytes to flip
    broken = [b"", b"\0" * 100, whole[:-1], whole + b"x", whole[: len(whole) // 2], b"x" + whole]
    for _ in range(20):
        at = rng.randrange(len(whole))
        broken.append(whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :])
    for data in broken:
        place.write_bytes(data)
        assert codes(repo.staged()) == ["SPEC002"]


def test_a_cache_of_a_newer_version_changes_nothing_and_stays(
    filled: tuple[GuardRepo, Path],
) -> None:
    repo, place = filled
    newer = place.read_bytes().replace(b"guard facts 4 ", b"guard facts 5 ", 1)
    assert newer != place.read_bytes()
    place.write_bytes(newer)
    assert codes(repo.staged()) == ["SPEC002"]
    assert place.read_bytes() == newer


def test_a_cache_that_is_a_folder_or_a_link_changes_nothing(
    filled: tuple[GuardRepo, Path], tmp_path: Path
) -> None:
    repo, place = filled
    place.unlink()
    place.symlink_to(tmp_path / "elsewhere")
    assert codes(repo.staged()) == ["SPEC002"]
    assert not (tmp_path / "elsewhere").exists()
    place.unlink()
    place.mkdir()
    assert codes(repo.staged()) == ["SPEC002"]


def test_a_cache_of_another_repository_changes_nothing(
    filled: tuple[GuardRepo, Path], tmp_path: Path
) -> None:
    _, place = filled
    other = GuardRepo(tmp_path / "other")
    other.commit({GOOD: spec(), "src/a.py": "x = 1\n"})
    Path(cache_path(str(other.root), None)).write_bytes(place.read_bytes())
    other.stage({"src/a.py": "x = 2\n"})
    assert codes(other.staged()) == []


def test_a_verdict_is_never_cached(filled: tuple[GuardRepo, Path]) -> None:
    from datetime import timedelta

    from support.guard_repo import TODAY

    repo, _ = filled
    assert codes(repo.staged(today=TODAY - timedelta(days=1))) == []
    assert codes(repo.staged()) == ["SPEC002"]


def test_a_cached_configuration_keeps_its_waivers(repo: GuardRepo) -> None:
    waiver = 'path="app/**"\nrule="SPEC001"\nreason="r"\nexpires=2026-12-01\n'
    waiver = f"[[guard.waivers]]\n{waiver}"
    repo.commit({".codex-orchestrator.toml": waiver})
    repo.stage({"app/x.py": "x\n"})
    first, second = repo.staged(), repo.staged()
    assert first.findings == second.findings
    assert codes(second) == []


def test_linked_work_trees_share_one_cache(repo: GuardRepo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    assert cache_path(str(tmp_path / "linked"), None) == cache_path(str(repo.root), None)


def test_blobs_that_are_long_gone_are_forgotten(tmp_path: Path) -> None:
    from codex_orchestrator.guard.specs import SpecsByPath

    cache = FactsCache(str(tmp_path / "cache"))
    for number in range(1200):
        cache.put(f"{number:040x}", Facts(status="approved"))
    cache.save(SpecsByPath({"a.md": (f"{1:040x}", tuple(Facts()))}))
    assert list(FactsCache(str(tmp_path / "cache")).entries) == [f"{1:040x}"]


def test_a_read_only_repository_is_checked_all_the_same(tmp_path: Path) -> None:
    from codex_orchestrator.guard.specs import SpecsByPath

    cache = FactsCache(str(tmp_path / "no-such-folder" / "cache"))
    cache.put("0" * 40, Facts())
    cache.save(SpecsByPath({}))
    assert not (tmp_path / "no-such-folder").exists()


def test_a_cold_and_a_warm_check_of_many_specs_agree_with_the_objects(
    empty_repo: GuardRepo,
) -> None:
    files: dict[str, str | bytes | None] = {
        f"tasks/specs/{number:04d}.md": spec(
            paths=(f"src/{number}/**",), review=days_ago(number % 40), spec_id=f"s{number}"
        )
        for number in range(120)
    }
    empty_repo.commit(files)
    empty_repo.stage({f"src/{number}/a.py": "x\n" for number in range(0, 120, 7)})
    cold = empty_repo.staged()
    warm = empty_repo.staged()
    Path(cache_path(str(empty_repo.root), None)).unlink()
    # Files that hold other bytes than the index send every spec through git's objects.
    empty_repo.write({path: f"{text}more\n" for path, text in files.items()})
    exact = empty_repo.staged()
    assert cold.findings == warm.findings == exact.findings
    assert codes(cold) == ["SPEC002"]


def test_files_that_differ_or_are_gone_are_read_from_their_objects(empty_repo: GuardRepo) -> None:
    empty_repo.commit(
        {
            f"tasks/specs/{number % 3}/{number:04d}.md": spec(
                paths=(f"src/{number}/**",), review=days_ago(31), spec_id=f"s{number}"
            )
            for number in range(120)
        }
    )
    empty_repo.stage({f"src/{number}/a.py": "x\n" for number in (0, 1, 2, 3, 119)})
    specs = empty_repo.root / "tasks/specs"
    (specs / "0/0000.md").write_text(spec(paths=("src/0/**",), spec_id="s0"))
    (specs / "0/0003.md").unlink()
    (specs / "1/0001.md").unlink()
    (specs / "1/0001.md").symlink_to("0004.md")
    for place in sorted((specs / "2").iterdir()):
        place.unlink()
    (specs / "2").rmdir()
    cold = empty_repo.staged()
    assert len([item for item in cold.findings if item.rule == "SPEC002"]) == 5
    assert empty_repo.staged().findings == cold.findings
