"""Which checks a change needs."""

from collections.abc import Collection, Sequence

from codex_orchestrator.model.check import CheckCommand

# Text about the project, which no check depends on.
_PROSE = (".md", ".rst", ".adoc")


def needed_checks(
    checks: Sequence[CheckCommand], paths: Collection[str]
) -> tuple[CheckCommand, ...]:
    """Return the checks that a change needs: those of the folders that it touches.

    A file that is in no check's folder may matter to all of them. So do all of them run where
    nothing is touched.

    Args:
        checks: the checks of all projects.
        paths: the files that the change adds, changes or removes.
    """
    needed = [
        check
        for check in checks
        if check.runs_always or any(_is_in(path, check.folder) for path in paths)
    ]
    strays = [
        path
        for path in paths
        if not path.endswith(_PROSE) and not any(_is_in(path, one.folder) for one in checks)
    ]
    is_touched = any(_is_in(path, one.folder) for path in paths for one in checks)
    if strays or not is_touched:
        return tuple(checks)
    return tuple(needed)


def _is_in(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder}/")
