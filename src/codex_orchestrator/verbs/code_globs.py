"""Which files of a repository are code, as globs for `guard.code`, each with its reason.

Folders are told apart by their names and by what is in them. The globs are few, so that a person
can read them: a whole folder where all of it is code, `*.go` beside the project's file, and one
glob for all packages that look alike; what is no code in them is excluded by globs with `!`.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from codex_orchestrator.text.globs import glob_in, path_matcher
from codex_orchestrator.text.shown import counted
from codex_orchestrator.verbs import code_names
from codex_orchestrator.verbs.known_files import KnownFile, know

MOST_GLOBS = 40
"""A list that is longer would be read by nobody: then there is one glob a language."""
_DEEPEST = 50
"""Folders below that many others are taken as one with theirs."""


class CodeGlob(NamedTuple):
    """One glob for `guard.code`, how many files it adds or takes away, and why it is there."""

    glob: str
    files: int
    reason: str


class _Folder:
    """A folder: its files, and its folders by name."""

    def __init__(self) -> None:
        self.files: list[KnownFile] = []
        self.folders: dict[str, _Folder] = {}

    def has(self, names: Collection[str]) -> bool:
        return any(file.name in names for file in self.files)

    def all_files(self) -> Iterator[KnownFile]:
        yield from self.files
        for folder in self.folders.values():
            yield from folder.all_files()


_Found = dict[str, Counter[str]]
"""Globs, and how many files of which language each covers; with a slash at its end, a folder."""


def derive_code(paths: Iterable[str]) -> tuple[CodeGlob, ...]:
    """Return globs for the code among tracked files, none when there is no code.

    Never tests, documents, vendored or generated files, or build output. Each glob matches at
    least one of the files; a glob with `!` takes away at least one.
    """
    top = _Folder()
    for path in paths:
        folder = top
        for part in path.split("/")[:-1][:_DEEPEST]:
            folder = folder.folders.setdefault(part, _Folder())
        folder.files.append(know(path))
    search = _Search()
    found = search.project(top, "") or _by_folder(top)
    if len(found) > MOST_GLOBS:
        found = search.by_suffix
    found = {f"{glob}**" if glob.endswith("/") else glob: count for glob, count in found.items()}
    chosen = [
        CodeGlob(glob, count.total(), f"{counted(count.total(), 'file')}: {_languages(count)}")
        for glob, count in sorted(found.items())
    ]
    is_meant = path_matcher([glob for glob, *_ in chosen])
    for (glob, why), files in sorted(search.skipped.items()):
        hidden = sum(map(is_meant, files)) if chosen else 0
        if hidden:
            chosen.append(CodeGlob(f"!{glob}", hidden, f"{counted(hidden, 'file')}: {why}"))
    return tuple(chosen)


def _by_folder(top: _Folder) -> _Found:
    """Return the folders that are code by their names, where no file is by its own."""
    kinds = {
        name: Counter("not known" for file in folder.all_files() if file.why is None)
        for name, folder in top.folders.items()
        if name in code_names.CODE_FOLDERS
    }
    return {f"{name}/": count for name, count in kinds.items() if count}


class _Search:
    """One walk through the folders. `skipped` has what is no code, by glob and why it is none."""

    def __init__(self) -> None:
        self.skipped: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self.by_suffix: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def project(self, folder: _Folder, place: str) -> _Found:
        """Return globs, relative to it, for a folder that is more than code: it has a project file.

        Args:
            folder: the folder.
            place: its path with a slash at the end, "" for the top.
        """
        found: _Found = {}
        for file in folder.files:
            if file.name in code_names.SETTINGS_AT_THE_TOP:
                self.skipped[glob_in(file.path), "settings of tools"].append(file.path)
            elif self._is_code(file):
                found.setdefault(f"*{file.suffix}", Counter())[file.language] += 1
        inner: dict[str, dict[str, Counter[str]]] = {}
        for name, child in sorted(folder.folders.items()):
            if (why := code_names.NEVER_AT_THE_TOP.get(name)) is not None:
                self._skip(f"{glob_in(place + name)}/**", why, child)
            else:
                for glob, count in self._folder(name, child, f"{place}{name}/").items():
                    inner.setdefault(glob, {})[name] = count
        return found | _joined(inner, folds=bool(place))

    def _folder(self, name: str, folder: _Folder, place: str) -> _Found:
        """Return globs, relative to it, for the code in any folder; "" for all of it."""
        if self._is_skipped(name, folder):
            return {}
        if folder.has(code_names.PROJECT_FILES) and not folder.has(["__init__.py"]):
            return self.project(folder, place)
        if name == "src" and "main" in folder.folders:
            mains = [inner for inner in folder.folders if inner == "main" or inner.endswith("Main")]
            all_of = {inner: self._count(folder.folders[inner]) for inner in mains}
            return {f"{glob_in(inner)}/": count for inner, count in all_of.items() if count}
        if name in code_names.CODE_FOLDERS or any(file.language for file in folder.files):
            count = self._count(folder)
            return {"": count} if count else {}
        inner: dict[str, dict[str, Counter[str]]] = {}
        for part, child in sorted(folder.folders.items()):
            for glob, count in self._folder(part, child, f"{place}{part}/").items():
                inner.setdefault(glob, {})[part] = count
        if set(inner) == {""}:
            return {"": sum(inner[""].values(), Counter())}
        return _joined(inner, folds=True, is_container=name in code_names.CONTAINERS)

    def _is_skipped(self, name: str, folder: _Folder) -> bool:
        why = code_names.NEVER.get(name, "settings of tools" if name.startswith(".") else "")
        if name in code_names.PERHAPS_TESTS and any(file.is_test for file in folder.all_files()):
            why = "tests"
        if why:
            self._skip(f"**/{glob_in(name)}/**", why, folder)
        return bool(why)

    def _skip(self, glob: str, why: str, folder: _Folder) -> None:
        self.skipped[glob, why] += [file.path for file in folder.all_files()]

    def _count(self, folder: _Folder) -> Counter[str]:
        """Count the files of each language in a folder that is code."""
        count = Counter(file.language for file in folder.files if self._is_code(file))
        for name, child in folder.folders.items():
            if not self._is_skipped(name, child):
                count += self._count(child)
        return count

    def _is_code(self, file: KnownFile) -> bool:
        """Note a file, once, as code or as what is none."""
        if file.why is not None:
            self.skipped[f"**/{file.why[0]}", file.why[1]].append(file.path)
        elif file.language:
            self.by_suffix[f"**/*{file.suffix}"][file.language] += 1
        return bool(file.language)


def _joined(
    inner: dict[str, dict[str, Counter[str]]], *, folds: bool, is_container: bool = False
) -> _Found:
    """Put the names of folders before the globs that were found in them.

    Args:
        inner: per glob the folders that it was found in.
        folds: whether two folders with the same glob get one glob with a `*`; else it takes many.
        is_container: whether one such folder is enough for that.
    """
    found: _Found = {}
    least = 1 if is_container else 2 if folds else 8
    for glob, by_name in inner.items():
        if glob and len(by_name) >= least:
            found[f"*/{glob}"] = sum(by_name.values(), Counter())
        else:
            found |= {f"{glob_in(name)}/{glob}": count for name, count in by_name.items()}
    return found


def _languages(count: Counter[str]) -> str:
    return ", ".join(language for language, _ in count.most_common(2))
