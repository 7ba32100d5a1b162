"""Which checks a change needs."""

from collections.abc import Collection, Sequence

from codex_orchestrator.model.check import CheckCommand

# Text about the project, which no check depends on.
_PROSE = (".md", ".rst", ".adoc")


def needed_checks(
    checks: Sequence[CheckCommand], paths: Collection[str]
) -> tuple[CheckCommand, ...]:
    """Return the checks that a change needs: those of the folders that it touches.

    Projects that use a touched folder, or use one that does, are touched too. A file that is in no
    check's folder may matter to all of them. So do all of them run where nothing is touched.

    Args:
        checks: the checks of all projects.
        paths: the files that the change adds, changes or removes.
    """
    touched = _touched(checks, paths)
    needed = [check for check in checks if check.runs_always or check.folder in touched]
    strays = [
        path
        for path in paths
        if not path.endswith(_PROSE) and not any(_is_in(path, one.folder) for one in checks)
    ]
    is_touched = any(_is_in(path, one.folder) for path in paths for one in checks)
    if strays or not is_touched:
        return tuple(checks)
    return tuple(needed)


def _touched(checks: Sequence[CheckCommand], paths: Collection[str]) -> set[str]:
    """Return the folders of projects that changed files are in, and of all that use those."""
    changed = {*paths}
    touched: set[str] = set()
    while True:
        more = {
            check.folder
            for check in checks
            if any(_is_in(path, place) for path in changed for place in (check.folder, *check.uses))
        }
        if more <= touched:
            return touched
        touched |= more
        # A project that uses a part of a touched one is touched by it.
        changed |= {
            place
            for check in checks
            for place in check.uses
            if any(_is_in(place, folder) or _is_in(folder, place) for folder in touched)
        }


def _is_in(path: str, folder: str) -> bool:
    return folder in (".", path) or path.startswith(f"{folder}/")
