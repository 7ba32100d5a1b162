"""Specs: the documents that own code, in one snapshot."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from codex_orchestrator.guard.facts import PREFIXES, Facts, RawFacts, malformed
from codex_orchestrator.system.git_output import SUBMODULE, SYMLINK
from codex_orchestrator.text.globs import literal_prefix, matcher
from codex_orchestrator.text.lean_typing import NamedTuple

APPROVED, DRAFT, SUPERSEDED = "approved", "draft", "superseded"


class Spec(NamedTuple):
    """A spec file and its facts."""

    path: str
    blob: str
    facts: Facts

    @property
    def is_active(self) -> bool:
        """Return whether the spec claims to allow code; an unknown status counts as a claim."""
        return self.facts.status not in (DRAFT, SUPERSEDED)


class SpecsByPath(Mapping[str, Spec]):
    """The specs of a snapshot by path, created on demand: only a few of thousands are needed.

    Args:
        rows: path to blob and raw facts.
    """

    def __init__(self, rows: dict[str, tuple[str, RawFacts]]) -> None:
        self.rows = rows

    def __getitem__(self, path: str) -> Spec:
        blob, raw = self.rows[path]
        return Spec(path, blob, Facts._make(raw))

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def near(self, names: Iterable[str]) -> Iterator[Spec]:
        """Yield the specs with a glob that may match one of some names."""
        starts = {name[:length] for name in names for length in range(len(name) + 1)}
        for path, (_, raw) in self.rows.items():
            if not starts.isdisjoint(raw[PREFIXES]):
                yield self[path]


def irregular(mode: str) -> RawFacts | None:
    """Return the facts of a spec path that is not a regular file, else None."""
    kind = {SYMLINK: "symlink", SUBMODULE: "submodule"}.get(mode)
    return tuple(malformed(f"a spec must be a regular file, this is a {kind}", 0)) if kind else None


class Owners:
    """Finds the owners of a path.

    Specs by their globs, indexed by the text before the first wildcard.
    """

    def __init__(self, specs: Iterable[Spec]) -> None:
        self._by_prefix: dict[str, list[tuple[str, Spec]]] = {}
        for spec in specs:
            for glob, prefix in zip(spec.facts.paths, spec.facts.prefixes, strict=True):
                self._by_prefix.setdefault(prefix, []).append((glob, spec))
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix})
        self._matcher = cache(lambda glob: matcher((glob,)))

    def of(self, names: tuple[str, ...]) -> list[Spec]:
        """Return the specs that own a path; `names` are the names that globs may match."""
        found: dict[str, Spec] = {}
        for glob, spec in self._candidates(names[-1]):
            if spec.path not in found and any(map(self._matcher(glob), names)):
                found[spec.path] = spec
        return list(found.values())

    def _candidates(self, name: str) -> Iterator[tuple[str, Spec]]:
        for length in self._lengths:
            if length > len(name):
                return
            yield from self._by_prefix.get(name[:length], ())


def owners_of(globs: Mapping[str, tuple[str, ...]]) -> Owners:
    """Return what finds, by its path as `Owners` does, which names own a path with their globs."""
    prefixes = {
        name: tuple([literal_prefix(glob).rstrip("/") for glob in listed])
        for name, listed in globs.items()
    }
    return Owners(
        Spec(name, "", Facts(paths=listed, prefixes=prefixes[name]))
        for name, listed in globs.items()
    )
