"""The learning library: look up, apply, preview, lint, render."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import Finding
from codex_orchestrator.model.pattern import LeftFile, PatternAsset, PatternKind, PatternUse
from codex_orchestrator.patterns import files
from codex_orchestrator.patterns.asset import FOLDERS, SOURCE, Asset, load_asset
from codex_orchestrator.patterns.codemod import change_text
from codex_orchestrator.patterns.index import INDEX, load_index, version_key
from codex_orchestrator.patterns.languages import language_of
from codex_orchestrator.patterns.lint import Linter, not_checked
from codex_orchestrator.patterns.template import render
from codex_orchestrator.system.listing import list_files
from codex_orchestrator.text.globs import is_chosen, matching_glob
from codex_orchestrator.text.near import did_you_mean
from codex_orchestrator.text.shown import utf8_text

FOLDER = "patterns"
# A library's cases hold wrong code on purpose: they are neither changed nor reported.
_CASES = re.compile(r"patterns/(codemods|linters|templates)/[^/]+/.+")


def built_in_folder() -> Path:
    """Return the folder of the library that comes with the toolkit.

    An installed toolkit has it in the package; a checkout has it in the top folder.
    """
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_patterns"
    return packaged if packaged.is_dir() else package.parent.parent / FOLDER


def own_library(repo: Path) -> Path | None:
    """Return a repository's own library, or None where `patterns/` is missing or something else.

    It is one when it holds an asset's folder or an index that names our schema.
    """
    folder = repo / FOLDER
    if any(next(folder.glob(f"{group}/*/{SOURCE}"), None) for group in FOLDERS.values()):
        return folder
    index = folder / INDEX
    if index.is_file() and b'"pattern-index.' in index.read_bytes():
        return folder
    return None


class Library:
    """Assets of the toolkit and of one repository. Folders are read, and checked, when used."""

    def __init__(self, entries: Mapping[str, tuple[PatternAsset, Path]]) -> None:
        self._entries = dict(sorted(entries.items()))
        self._loaded: dict[str, Asset] = {}

    @classmethod
    def open(cls, repo: Path | None = None) -> "Library":
        """Open the built-in library and, over it, the repository's own `patterns/index.json`.

        A repository may carry a newer version of a built-in asset; another asset under the same
        id and version is an error, because a record of its use would not say which one ran.

        Raises:
            InputError: an index is wrong, or an id has two meanings.
        """
        entries: dict[str, tuple[PatternAsset, Path]] = {}
        folders = [built_in_folder()]
        own = own_library(repo) if repo is not None else None
        # A pattern that is being written is in no index yet, and cannot be used before.
        if own and (own / INDEX).is_file() and own.resolve() != folders[0].resolve():
            folders.append(own)
        for folder in folders:
            for asset in load_index(folder).assets:
                other = entries.get(asset.id)
                if other is not None and other[0].sha256 != asset.sha256:
                    _refuse_redefinition(other[0], asset, folder)
                if other is None or other[0].sha256 != asset.sha256:
                    entries[asset.id] = (asset, folder)
        return cls(entries)

    @property
    def assets(self) -> tuple[PatternAsset, ...]:
        """All assets, ordered by id."""
        return tuple(asset for asset, _ in self._entries.values())

    def get(self, pattern_id: str) -> PatternAsset:
        """Return an asset.

        Raises:
            InputError: there is none with that id; names similar ones.
        """
        if pattern_id not in self._entries:
            known = ", ".join(self._entries)
            raise InputError(
                f"no pattern has the id {pattern_id!r}{did_you_mean(pattern_id, self._entries)}",
                fix=f"use one of: {known}" if known else "add patterns with `patterns new`",
            )
        return self._entries[pattern_id][0]

    def load(self, pattern_id: str) -> Asset:
        """Read an asset's folder, and check it against the index.

        Raises:
            InputError: the id is unknown, or folder and index disagree.
        """
        facts = self.get(pattern_id)
        if pattern_id not in self._loaded:
            library = self._entries[pattern_id][1]
            asset = load_asset(library / Path(facts.entry).parent, library=library)
            if asset.facts != facts:
                raise InputError(
                    "the index does not match the folder",
                    path=f"{library}/{INDEX}",
                    field=pattern_id,
                    fix="raise `version` in pattern.yaml and run `codex-orchestrator patterns "
                    "build`",
                )
            self._loaded[pattern_id] = asset
        return self._loaded[pattern_id]

    def apply(
        self,
        pattern_id: str,
        root: Path,
        globs: Sequence[str],
        *,
        allow: Callable[[str], str] = lambda _path: "",
        is_dry_run: bool = False,
    ) -> PatternUse:
        """Change the files of a work tree that the globs match, as a codemod says.

        Args:
            pattern_id: a codemod's id.
            root: the work tree.
            globs: paths, folders or globs relative to it; none means all files.
            allow: returns "" or why a path must not be edited. Such a file stays as it is and is
                listed as `refused`; the caller decides whether that ends its work.
            is_dry_run: return what would be done, and write nothing.

        Raises:
            InputError: the id is unknown or not a codemod's.
        """
        asset = self._load_codemod(pattern_id)
        hits = changes = 0
        changed: list[str] = []
        refused: list[LeftFile] = []
        skipped: list[LeftFile] = []
        with closing(files.open_work_tree(root)) as tree:
            for path in _chosen_files(root, globs):
                if not asset.works_on(path) or matching_glob(path, asset.source.ignores):
                    continue
                try:
                    source = files.read_source(tree, path)
                    result = change_text(asset, source.text, language_of(path))
                    if result.edits == 0:
                        continue
                    hits += 1
                    reason = allow(path) if path == utf8_text(path) else "its name is not UTF-8"
                    if reason:
                        refused.append(LeftFile(path=utf8_text(path), reason=reason))
                        continue
                    if not is_dry_run:
                        data = source.encoded(result.text)
                        files.replace_source(tree, path, data, mode=source.mode)
                except files.SkipFile as error:
                    skipped.append(LeftFile(path=utf8_text(path), reason=str(error)))
                    continue
                changes += result.edits
                changed.append(path)
        return PatternUse(
            **asset.facts.model_dump(include={"id", "kind", "version", "sha256"}),
            hits=hits,
            changes=changes,
            paths=tuple(changed),
            refused=tuple(refused),
            skipped=tuple(skipped),
        )

    def _load_codemod(self, pattern_id: str) -> Asset:
        asset = self.load(pattern_id)
        if asset.facts.kind is not PatternKind.CODEMOD:
            raise InputError(
                f"{pattern_id!r} is a {asset.facts.kind}; only a codemod changes files",
                fix="use `patterns lint` for a linter, `patterns render` for a template",
            )
        return asset

    def lint(self, root: Path, paths: Sequence[str] = ()) -> tuple[Finding, ...]:
        """Run all lint rules on files.

        Args:
            root: the work tree.
            paths: paths, folders or globs relative to it; none means all files. Missing
                files (deleted by a change) are left out.

        Returns:
            Findings ordered by path and place. A file that could not be read is a warning
            `pattern-not-checked`.
        """
        assets = [self.load(a.id) for a in self.assets if a.kind is PatternKind.LINTER]
        linter = Linter(assets)
        findings: list[Finding] = []
        with closing(files.open_work_tree(root)) as tree:
            for path in _chosen_files(root, paths):
                # What a link points to is linted under its own name, or is not of this repository.
                if not linter.works_on(path) or (root / path).is_symlink():
                    continue
                skip = frozenset(
                    a.source.id for a in assets if matching_glob(path, a.source.ignores)
                )
                try:
                    text = files.read_source(tree, path).text
                    findings.extend(linter.lint_text(text, utf8_text(path), skip=skip))
                except files.SkipFile as error:
                    findings.append(not_checked(utf8_text(path), str(error)))
        return tuple(findings)

    def render(self, pattern_id: str, values: Mapping[str, Any]) -> str:
        """Fill a template with values.

        Raises:
            InputError: the id is not a template's, or a value is missing.
        """
        asset = self.load(pattern_id)
        if asset.facts.kind is not PatternKind.TEMPLATE:
            raise InputError(f"{pattern_id!r} is a {asset.facts.kind}, not a template")
        return render(asset, values)


def _refuse_redefinition(built_in: PatternAsset, own: PatternAsset, folder: Path) -> None:
    if version_key(own.version) > version_key(built_in.version):
        return
    raise InputError(
        f"{own.id!r} {own.version} is not the toolkit's {built_in.version} of that id",
        path=f"{folder}/{INDEX}",
        field=own.id,
        fix="give yours an id of its own, or a higher version that replaces the toolkit's",
    )


def _chosen_files(root: Path, globs: Sequence[str]) -> Iterator[str]:
    """Yield the files that globs mean, without the cases of the patterns; no globs mean all."""
    has_cases = own_library(root) is not None
    for path in list_files(root):
        is_case = has_cases and _CASES.fullmatch(path) is not None
        if not is_case and is_chosen(path, globs):
            yield path
