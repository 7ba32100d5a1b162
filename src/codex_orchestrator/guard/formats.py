"""Which format each spec has, and what the configuration says of specs in other formats.

Loaded only where `guard` has `specs_format` or `mapping`. The parser of documents waits for the
first one that the cache does not know.
"""

import zlib
from collections.abc import Callable

from codex_orchestrator.guard.config import FRONT_MATTER, GuardConfig
from codex_orchestrator.guard.facts import NO_SPEC, Facts
from codex_orchestrator.guard.recipes import FIELDS, WORDS, Recipe, is_beside_specs
from codex_orchestrator.text.globs import literal_prefix, path_matcher


class Formats:
    """Knows for each spec of a configuration how it is read and which code it is about."""

    def __init__(self, config: GuardConfig) -> None:
        self._config = config
        self._mapping = [
            (path_matcher((glob,)), kind, paths) for glob, kind, paths in config.mapping
        ]
        self._recipes: dict[str, tuple[Recipe, str]] = {}

    def kind(self, path: str) -> str:
        """Return the format of a spec: that of the first mapping that names one, else the usual."""
        kinds = (kind for is_meant, kind, _ in self._mapping if kind and is_meant(path))
        return next(kinds, self._config.specs_format)

    def recipe(self, path: str) -> Recipe:
        """Return how the documents of a path's format are read."""
        return self._known(self.kind(path))[0]

    def key(self, path: str, blob: str) -> str:
        """Return the name under which a cache keeps the facts of a blob, read as this path is."""
        kind = self.kind(path)
        return blob if kind == FRONT_MATTER else f"{self._known(kind)[1]}:{blob}"

    def parser(self, path: str) -> Callable[[bytes, int], Facts]:
        """Return what makes facts of a file's first bytes and its whole size."""
        if self.kind(path) == FRONT_MATTER:
            from codex_orchestrator.guard.frontmatter import parse_facts

            return lambda data, size: parse_facts(data, size=size)
        from codex_orchestrator.guard.document_facts import document_facts

        recipe = self.recipe(path)
        return lambda data, size: document_facts(data, size=size, recipe=recipe)

    def settle(self, path: str, facts: Facts) -> Facts:
        """Return a spec's facts with the paths that the configuration gives it.

        What the document says itself goes first. Templates and what only goes with a spec own
        nothing and are not judged.
        """
        kind = self.kind(path)
        if kind != FRONT_MATTER and is_beside_specs(path, kind):
            return NO_SPEC
        if facts.paths or facts.problem or facts == NO_SPEC:
            return facts
        globs = next(
            (paths for is_meant, _, paths in self._mapping if paths and is_meant(path)), ()
        )
        prefixes = tuple([literal_prefix(glob).rstrip("/") for glob in globs])
        return facts._replace(paths=globs, prefixes=prefixes) if globs else facts

    def bare(self, path: str, data: bytes) -> bytes:
        """Return a spec without the fields that a review writes, for comparing two versions."""
        if self.kind(path) == FRONT_MATTER:
            return data
        from codex_orchestrator.guard.document_facts import without_bookkeeping

        return without_bookkeeping(data, self.recipe(path))

    def _known(self, kind: str) -> tuple[Recipe, str]:
        if kind not in self._recipes:
            named = {**FIELDS, **dict(self._config.specs_fields)}
            words = {**WORDS, **dict(self._config.specs_status)}
            recipe = Recipe(
                kind, named["status"], named["date"], named["paths"], tuple(words.items())
            )
            mark = f"{kind} {zlib.crc32(repr(recipe).encode()):08x}"
            self._recipes[kind] = (recipe, mark)
        return self._recipes[kind]
